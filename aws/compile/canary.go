package compile

func (b *builder) canary() {}
