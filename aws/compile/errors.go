package compile

func (b *builder) errors(s *site) {}
