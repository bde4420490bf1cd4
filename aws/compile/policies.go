package compile

// routeField is the request field by which the cache tells routes of one behaviour apart: see leftover.countRoute.
const routeField = "X-Skerry-Route"

func (b *builder) policies(s *site) {}
