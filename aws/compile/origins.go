package compile

func (b *builder) origins(s *site) {}
