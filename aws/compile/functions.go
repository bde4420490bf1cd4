package compile

func (b *builder) functions(s *site) {}

type function struct{}
