package compile

func (b *builder) records() {}
