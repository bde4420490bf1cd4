package adopt

import "cmp"

// service is an origin on its way to a Service, as the behaviours of one distribution ask it: with the client's Host or its own.
type service struct {
	name      string
	first     *entry // whose file it goes to
	directory bool
	http2     bool

	bucket, region, index, fallback string // of a directory
	fields                          []said // of endpoints
}

// document is the Service.
func (s *service) document() *document {
	return &document{kind: "Service", meta: []said{{"name", s.name}}, spec: s.spec()}
}

func (s *service) spec() []said {
	if !s.directory {
		return s.fields
	}
	list := put(nil, s.bucket, "directory", "path")
	if s.index != "" && s.index != "index.html" {
		list = put(list, s.index, "directory", "index")
	}
	if s.fallback != "" {
		list = put(list, s.fallback, "directory", "fallback")
	}
	return append(list, said{"aws", []said{{"bucket", s.bucket}, {"region", s.region}}})
}

// serviceOf is the service of an origin, in the one or the other form of its Host.
func (e *entry) serviceOf(o *origin, hostSent, http2 bool) *service {
	s := &service{first: e, directory: o.bucket != "", bucket: o.bucket, region: o.region}
	if !s.directory {
		s.fields = o.fields
		if !hostSent {
			s.fields = put(s.fields, "endpoint", "host")
		}
		if s.http2 = http2 && o.https; s.http2 {
			s.fields = put(s.fields, "http2", "protocol")
		}
	}
	for _, known := range e.services {
		if known.directory == s.directory && (!s.directory || known.first == e) && known.bucket == s.bucket && sameValue(known.fields, s.fields) {
			o.made = cmp.Or(o.made, known)
			return known
		}
	}
	o.made = cmp.Or(o.made, s)
	s.name = e.unique("Service", o.name, "service")
	e.services = append(e.services, s)
	return s
}
