package rewrite

import (
	"bytes"

	"skerry.dev/skerry/exchange"
)

// Response maps Location and Content-Location back: to the public host if they name the service's own, and to the public
// path if they are below the one that stands in its place. What is relative holds as it is.
func (s *Out) Response(x *exchange.Exchange) exchange.Verdict {
	for i := range x.Resp.Fields {
		f := &x.Resp.Fields[i]
		if f.ID == exchange.NameLocation || f.ID == exchange.NameContentLocation {
			if value := s.back(x, f.Value); value != nil {
				f.Value = value
			}
		}
	}
	return exchange.Next
}

// back returns the public form of a URL or absolute path, nil if it is that already.
func (s *Out) back(x *exchange.Exchange, sent []byte) []byte {
	https, rest, ok := cutScheme(sent)
	if !ok {
		if len(sent) == 0 || sent[0] != '/' {
			return nil
		}
		path, tail := cutPath(sent)
		if path = s.publicPath(x, path); path == nil {
			return nil
		}
		return concat(x, nil, path, tail)
	}
	end := bytes.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, ok := hostOf(rest[:end])
	if !ok {
		return nil
	}
	path, tail := cutPath(rest[end:])
	if len(path) == 0 {
		path = rootPath
	}
	public, known := s.publicPath(x, path), s.knows(host)
	if exchange.EqualFold(host, x.Req.Host) {
		if public == nil || !s.public && !known { // a service with another host means this one as it is
			return nil
		}
		return concat(x, sent[:len(sent)-len(rest)+end], public, tail) // scheme and port are its choice: perhaps the way to HTTPS
	}
	if !known {
		return nil
	}
	if public == nil {
		public = path
	}
	return concat(x, publicOrigin(x, https), noHost(public), tail)
}

// cutScheme cuts "http://", "https://" or "//" off.
func cutScheme(b []byte) (https bool, rest []byte, ok bool) {
	for _, scheme := range [...][]byte{httpsPrefix, httpPrefix, httpPrefix[len("http:"):]} {
		if len(b) >= len(scheme) && exchange.EqualFold(b[:len(scheme)], scheme) {
			return len(scheme) == len(httpsPrefix), b[len(scheme):], true
		}
	}
	return false, nil, false
}

var httpPrefix, httpsPrefix = []byte("http://"), []byte("https://")

// cutPath cuts a query and fragment off a path.
func cutPath(b []byte) (path, tail []byte) {
	if i := bytes.IndexAny(b, "?#"); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}

// hostOf is the host of an authority of digits after a colon, or none; with a user in it, it is no host of a service.
func hostOf(authority []byte) (host []byte, ok bool) {
	host = authority
	if i := bytes.LastIndexByte(authority, ':'); i >= 0 && bytes.IndexByte(authority[i:], ']') < 0 {
		host = authority[:i]
		if len(bytes.Trim(authority[i+1:], "0123456789")) > 0 {
			return nil, false
		}
	}
	return host, len(host) > 0
}

// knows reports whether the service is asked by this host.
func (s *Out) knows(host []byte) bool {
	for i := range s.inside {
		if exchange.EqualFold(host, s.inside[i]) {
			return true
		}
	}
	return false
}

// publicPath is the path by which a client reaches what is at path for the service, nil if there is none, or if it is the
// same.
func (s *Out) publicPath(x *exchange.Exchange, path []byte) []byte {
	r := &x.Req
	switch {
	case len(r.Path) == 0 || r.Path[0] != '/':
		return nil
	case s.path != nil:
		if bytes.Equal(path, r.ToPath) {
			return r.Path
		}
		return nil
	case !s.replaces || !bytes.HasPrefix(path, s.prefix):
		return nil
	}
	rest := path[len(s.prefix):]
	if len(rest) > 0 && rest[0] != '/' {
		return nil
	}
	return join(x, r.Path[:prefixEnd(r.Path, s.depth)], rest)
}

// noHost drops what makes a path begin with two slashes.
func noHost(path []byte) []byte {
	for len(path) > 1 && path[0] == '/' && path[1] == '/' {
		path = path[1:]
	}
	return path
}

// publicOrigin is scheme and host by which the client came, or by https if the service wants that: then the port that the
// client named is not the right one. It is nothing where no client is known, and the URL becomes a path.
func publicOrigin(x *exchange.Exchange, https bool) []byte {
	r := &x.Req
	if x.Conn == nil || len(r.Authority) == 0 {
		return nil
	}
	host, scheme := r.Authority, httpPrefix
	switch {
	case x.Facts.Client.HTTPS:
		scheme = httpsPrefix
	case https:
		scheme, host = httpsPrefix, r.Host
	}
	return concat(x, scheme, host, nil)
}

func concat(x *exchange.Exchange, a, b, c []byte) []byte {
	out := x.Scratch.Alloc(len(a) + len(b) + len(c))
	n := copy(out, a)
	n += copy(out[n:], b)
	copy(out[n:], c)
	return out
}
