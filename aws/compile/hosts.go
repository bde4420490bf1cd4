package compile

func (b *builder) hosts(s *site) {}
