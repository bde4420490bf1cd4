package compile

func (b *builder) pack() {}
