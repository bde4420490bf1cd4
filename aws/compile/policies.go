package compile

func (b *builder) policies(s *site) {}
