package compile

func (b *builder) grants() {}
