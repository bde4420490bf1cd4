package compile

func (b *builder) logs() {}
