package engine

import (
	"bytes"

	"skerry.dev/skerry/waf/body"
	"skerry.dev/skerry/waf/seclang"
)

// Line is the request line as it came: method, target and protocol ("HTTP/1.1"). The query becomes ARGS_GET.
func (t *Transaction) Line(method, target, proto []byte) {
	t.set(seclang.VarRequestMethod, method)
	t.set(seclang.VarRequestProtocol, proto)
	t.set(seclang.VarRequestURIRaw, target)
	if t.p.uses[seclang.VarRequestLine] {
		line := t.mem.Alloc(len(method) + len(target) + len(proto) + 2)
		n := copy(line, method)
		line[n] = ' '
		n += 1 + copy(line[n+1:], target)
		line[n] = ' '
		copy(line[n+1:], proto)
		t.set(seclang.VarRequestLine, line)
	}
	uri, _, _ := bytes.Cut(target, []byte{'#'})
	t.set(seclang.VarRequestURI, uri)
	path, query, _ := bytes.Cut(uri, []byte{'?'})
	path = t.decodePath(withoutAuthority(path))
	t.set(seclang.VarQueryString, query)
	t.set(seclang.VarRequestFilename, path)
	base := path
	if i := bytes.LastIndexAny(path, "/\\"); i >= 0 && i+1 < len(path) {
		base = path[i+1:]
	}
	t.set(seclang.VarRequestBasename, base)
	t.query(query)
}

func (t *Transaction) query(query []byte) {
	pairs, err := body.AppendQuery(t.pairs[:0], query, t.p.limits, &t.mem)
	for _, a := range pairs {
		t.add(seclang.VarArgsGet, a.Name, a.Value)
		t.add(seclang.VarArgsGetNames, a.Name, a.Name)
	}
	t.pairs = pairs
	t.refused(err)
}

// withoutAuthority is the path of a target in absolute form (RFC 9112 section 3.2.2); others it leaves alone. A target that begins
// with two slashes is a path.
func withoutAuthority(path []byte) []byte {
	i := bytes.Index(path, []byte("://"))
	if i <= 0 || path[0] == '/' {
		return path
	}
	rest := path[i+3:]
	slash := bytes.IndexByte(rest, '/')
	if slash < 0 {
		return nil
	}
	return rest[slash:]
}

// decodePath is a path with its percent-escapes decoded; as it is if one of them is none, or if it has control characters.
func (t *Transaction) decodePath(path []byte) []byte {
	escapes := 0
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c < ' ' || c == 0x7f:
			return path
		case c == '%':
			if i+2 >= len(path) || !hex(path[i+1]) || !hex(path[i+2]) {
				return path
			}
			escapes++
		}
	}
	if escapes == 0 {
		return path
	}
	out := t.mem.Alloc(len(path) - 2*escapes)
	n := 0
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			c, i = unhex(path[i+1])<<4|unhex(path[i+2]), i+2
		}
		out[n] = c
		n++
	}
	return out
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
