package compile

func (b *builder) certificates() {}
