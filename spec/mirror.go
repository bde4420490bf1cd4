package spec

type mirrorDoc struct {
	service val[target]
	share   val[float64]
	bodyMax val[Size]
}

var mirror = object[mirrorDoc]{
	name: "mirror", doc: "A copy of a share of a route's requests for another service, cookies and credentials included. Clients see nothing of it.",
	fields: []field[*mirrorDoc]{
		row("service", func(m *mirrorDoc) *val[target] { return &m.service }, serviceRef,
			"The service that gets the copies: a URL, or the name of a Service.").needed(),
		rowOr("share", func(m *mirrorDoc) *val[float64] { return &m.share }, share, 1, "The share of the requests, from 0 to 1."),
		rowOr("bodyMax", func(m *mirrorDoc) *val[Size] { return &m.bodyMax }, size(0, mirrorBodyMost), 64<<10,
			"The largest request body that is copied, in bytes, KB or MB; requests with a larger one are not mirrored."),
	},
}

var mirrorShape = mirror.shape()

// checkMirror is what a mirror needs of its route; resolver.mirror knows the services.
func checkMirror(l *log, r *routeDoc) {
	if r.mirror.given() && !r.service.given() && !r.services.given() && (r.redirect.given() || r.respond.given()) {
		l.refuse(r.mirror.At, "remove it", "nothing is sent to a service here, so there is nothing to mirror")
	}
}

// mirror is the mirror of a route that goes to to; nil if its service is not known, which is a problem already.
func (r *resolver) mirror(d val[mirrorDoc], to Destination) *Mirror {
	s := r.service(d.V.service)
	if s == nil {
		return nil
	}
	at := d.V.service.At
	if s.Directory != nil {
		r.log.refuse(at, "name a service with endpoints", "the service %q is a directory, which cannot be sent copies", s.Meta.Name)
	}
	for _, w := range to.Services {
		switch {
		case w.Service.Directory != nil:
			r.log.refuse(d.At, "remove it", "the route goes to the directory %q: nothing is sent that could be mirrored", w.Service.Meta.Name)
		case w.Service == s:
			r.log.refuse(at, "name another service", "the route goes to %q itself: it would get requests twice", s.Meta.Name)
		}
	}
	var f filler // as for destinations, these defaults have no place in explain
	mirrorShape.fill(&d.V, "", &f)
	return &Mirror{Service: s, Share: d.V.share.V, BodyMax: d.V.bodyMax.V}
}

func mirrorDocOf(m *Mirror) val[mirrorDoc] {
	if m == nil {
		return val[mirrorDoc]{}
	}
	return said(mirrorDoc{said(targetOf(m.Service)), said(m.Share), said(m.BodyMax)})
}
