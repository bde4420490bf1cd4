package compile

func (b *builder) firewall(s *site) {}
