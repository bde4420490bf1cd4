package compile

func (b *builder) differences() {}
