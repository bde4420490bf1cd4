package compile

func (b *builder) behaviors(s *site) {}
