package cache

import (
	"bytes"
	"net/url"
	"slices"
	"strconv"

	"skerry.dev/skerry/cache/freshness"
	"skerry.dev/skerry/cache/storage"
	"skerry.dev/skerry/exchange"
)

// invalidate forgets what the success of an unsafe request has made out of date: its URL, those of the same host that the answer
// names (RFC 9111 section 4.4), and the groups that it says (RFC 9875 section 3).
func (s *Stage) invalidate(x *exchange.Exchange) {
	r := &x.Resp
	if r.Status < 200 || r.Status >= 400 {
		return
	}
	s.forget(x, x.Req.Path, x.Req.RawPath, x.Req.Query)
	for _, id := range []exchange.NameID{exchange.NameLocation, exchange.NameContentLocation} {
		if to := r.Fields.Get(id); to != nil {
			s.forgetLink(x, string(to))
		}
	}
	freshness.GroupInvalidations(r.Fields, func(group []byte) {
		// Only what says no host or an empty value is an error, and this says both.
		_, _ = s.keep.purge(storage.Purge{Kind: storage.PurgeGroup, Host: origin(x), Value: string(group)})
	})
}

// origin is the scheme and the host of a request, as purges name them.
func origin(x *exchange.Exchange) string {
	https := x.Facts.Client.HTTPS
	scheme, host := "http://", string(x.Req.Host)
	if https {
		scheme = "https://"
	}
	if x.Req.Port != 0 && x.Req.Port != portOf(https) {
		host += ":" + strconv.Itoa(int(x.Req.Port))
	}
	return scheme + host
}

// forget removes what is stored for a URL, whatever else is part of its keys.
func (s *Stage) forget(x *exchange.Exchange, path, raw, query []byte) {
	k := &s.rules.keyed
	if k.raw {
		path = raw
	}
	query, ok := k.normalQuery(x, query)
	if !ok {
		return // nothing with so many parameters is stored
	}
	key := appendURL(nil, x.Facts.Client.HTTPS, x.Req.Host, x.Req.Port, path, query)
	defer s.keep.fills.forget(key)
	alone := len(k.headers) == 0 && len(k.cookies.list) == 0 && !s.route.queried.Load()
	if alone {
		s.keep.store.Remove(append(append(append(slices.Clone(key), get...), s.rest...), s.route.turn()...))
	}
	if alone && s.keep.tell.Load() == nil {
		return
	}
	p := storage.Purge{Kind: storage.PurgeURL, Host: origin(x), Value: string(path)}
	if len(query) > 0 {
		p.Value += "?" + string(query)
	}
	if !alone {
		_, _ = s.keep.store.Purge(p) // it names a host and a path
	}
	s.keep.told(p)
}

// forgetLink is forget for a Location, if it is one of this host.
func (s *Stage) forgetLink(x *exchange.Exchange, to string) {
	base := url.URL{Scheme: "http", Host: string(x.Req.Authority), Path: string(x.Req.Path)}
	if x.Facts.Client.HTTPS {
		base.Scheme = "https"
	}
	u, err := base.Parse(to)
	if err != nil || u.Scheme != base.Scheme {
		return
	}
	host, port, err := exchange.NormalHost([]byte(u.Host), &x.Scratch)
	if https := x.Facts.Client.HTTPS; err != nil || !bytes.Equal(host, x.Req.Host) || orPort(port, https) != orPort(x.Req.Port, https) {
		return
	}
	raw := []byte(u.EscapedPath())
	path, err := exchange.NormalPath(raw, &x.Scratch)
	if err == nil {
		s.forget(x, path, raw, []byte(u.RawQuery))
	}
}

// orPort is a port, or that of the scheme where there is none.
func orPort(port uint16, https bool) uint16 {
	if port == 0 {
		return portOf(https)
	}
	return port
}
