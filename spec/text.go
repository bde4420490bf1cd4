package spec

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// The checks of this file take text and return what is wrong with it and how to mend that, or two empty strings.

// anyText refuses control characters and more than textBytesMax bytes.
func anyText(s string) (bad, fix string) {
	if len(s) > textBytesMax {
		return fmt.Sprintf("the text has %d bytes, the limit is %d", len(s), textBytesMax), ""
	}
	if i := strings.IndexFunc(s, isControl); i >= 0 {
		return fmt.Sprintf("there is a control character in %q", clip(s)), "remove it"
	}
	return "", ""
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// docName is the name of a document or a route: a label of metrics, a part of paths in the admin API.
func docName(s string) (bad, fix string) {
	if s == "" || len(s) > nameBytesMax {
		return fmt.Sprintf("a name has 1 to %d characters, %q has %d", nameBytesMax, clip(s), len(s)), ""
	}
	for i := range len(s) {
		if c := s[i]; !isLower(c) && !(c == '-' && i > 0 && i < len(s)-1) {
			return fmt.Sprintf("%q is not a name", clip(s)), "use a-z, 0-9 and, between them, -"
		}
	}
	return "", ""
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// hostName is a host as a document may write it; foldHost turns it into normal form.
func hostName(s string) (bad, fix string) {
	switch {
	case s == "":
		return "a host is empty", "write a name such as shop.example.com"
	case strings.Contains(s, "://"):
		return fmt.Sprintf("%q is a URL, a host is needed", clip(s)), "write only the name, without scheme and path"
	case s == "*":
		return `"*" would take every host`, "name the hosts; *.example.com takes every name below example.com"
	case strings.Contains(s, "*"):
		return fmt.Sprintf("%q has a * where none can be", clip(s)), "only the whole first label can be *: *.example.com"
	}
	if _, ok := addrOf(s); ok {
		return "", ""
	}
	if strings.ContainsAny(s, "[]:/?#@%") {
		return fmt.Sprintf("%q is not a host", clip(s)), "write only the name or address, without port and path"
	}
	return dnsName(s)
}

// publicHost is a host of an entrypoint: it may begin with "*.".
func publicHost(s string) (bad, fix string) {
	below, wild := strings.CutPrefix(s, "*.")
	if _, isAddr := addrOf(below); wild && isAddr {
		return fmt.Sprintf("%q: an address has no names below it", clip(s)), "write the address alone"
	}
	return hostName(below)
}

// dnsName checks labels and length.
func dnsName(s string) (bad, fix string) {
	if len(s) > hostBytesMax {
		return fmt.Sprintf("the host %q has %d bytes, the limit is %d", clip(s), len(s), hostBytesMax), ""
	}
	if strings.HasSuffix(s, ".") {
		return fmt.Sprintf("%q ends with a dot", clip(s)), "write it without"
	}
	labels := strings.Split(s, ".")
	for _, label := range labels {
		for i := range len(label) {
			if label[i] >= 0x80 {
				return fmt.Sprintf("%q is not ASCII", clip(s)), "write the name in its DNS form, which begins with xn--"
			}
		}
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label || strings.IndexFunc(label, notHostRune) >= 0 {
			return fmt.Sprintf("%q is not a host", clip(s)), "labels have 1 to 63 letters, digits and, between them, -"
		}
	}
	if last := labels[len(labels)-1]; last[0] >= '0' && last[0] <= '9' {
		// RFC 3986 section 3.2.2 and every resolver would take it for an address, each for another one.
		return fmt.Sprintf("%q is neither a name nor an IPv4 address", clip(s)), "an address has four numbers from 0 to 255"
	}
	return "", ""
}

func notHostRune(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}

// addrOf reads an IP literal, with or without brackets; zones are none of the edge's.
func addrOf(s string) (netip.Addr, bool) {
	if inner, open := strings.CutPrefix(s, "["); open {
		var closed bool
		s, closed = strings.CutSuffix(inner, "]")
		if !closed || !strings.Contains(s, ":") {
			return netip.Addr{}, false
		}
	}
	a, err := netip.ParseAddr(s)
	return a, err == nil && a.Zone() == ""
}

// foldHost is the normal form of a checked host: lower case, IPv6 in brackets and in its shortest form.
func foldHost(s string) string {
	if a, ok := addrOf(s); ok {
		if a.Is6() {
			return "[" + a.String() + "]"
		}
		return a.String()
	}
	return strings.ToLower(s)
}

// parseEndpoint reads scheme://host[:port]; of what else an endpoint has, the defaults.
func parseEndpoint(s string) (e Endpoint, bad, fix string) {
	e.Weight = 1
	const form = "write scheme, host and port only: http://10.0.0.1:8080"
	scheme, rest, ok := strings.Cut(s, "://")
	if strings.Contains(s, "@") { // first, so that no problem shows it
		return e, "the URL has a user or password in it", "remove it; secrets do not belong into a spec"
	}
	switch scheme = strings.ToLower(scheme); {
	case !ok:
		return e, fmt.Sprintf("%q is not a URL", clip(s)), form
	case scheme == "https":
		e.TLS, e.Port = true, 443
	case scheme == "http":
		e.Port = 80
	case protocolCalled(scheme) == ProtocolHTTP2 || scheme == "grpcs":
		return e, fmt.Sprintf("the scheme %q of %q is not known", clip(scheme), clip(s)), "use http or https, and `protocol: http2` in the Service"
	default:
		return e, fmt.Sprintf("the scheme %q of %q is not known", clip(scheme), clip(s)), "use http or https"
	}
	rest = strings.TrimSuffix(rest, "/")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return e, fmt.Sprintf("%q has more than scheme, host and port", clip(s)), "a service is an address; the path of a request is kept"
	}
	host, port := splitPort(rest)
	if bad, fix = hostName(host); bad != "" {
		return e, fmt.Sprintf("in %q: %s", clip(s), bad), fix
	}
	if port != "" {
		p, err := strconv.ParseUint(strings.TrimPrefix(port, ":"), 10, 16)
		if err != nil || p == 0 || port[1] == '+' {
			return e, fmt.Sprintf("%q has no valid port", clip(s)), "a port is a number from 1 to 65535"
		}
		e.Port = uint16(p)
	}
	if a, isAddr := addrOf(host); isAddr {
		e.Addr, e.Host = a, a.String()
		return e, "", ""
	}
	e.Host = strings.ToLower(host)
	return e, "", ""
}

// splitPort cuts ":port" off, brackets respected; a bare IPv6 address has none.
func splitPort(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.HasSuffix(s, "]") {
		return s, ""
	}
	return s[:i], s[i:]
}

// URL is the endpoint in normal form; the port is left out where the scheme says it.
func (e Endpoint) URL() string {
	scheme, port := "http", uint16(80)
	if e.TLS {
		scheme, port = "https", 443
	}
	u := scheme + "://" + e.Authority()
	if e.Port != port {
		u += ":" + strconv.Itoa(int(e.Port))
	}
	return u
}

// Authority is the host of the endpoint as it stands in a URL: IPv6 in brackets.
func (e Endpoint) Authority() string {
	if e.Addr.Is6() {
		return "[" + e.Host + "]"
	}
	return e.Host
}

// matchPath checks the path of a match. Only its syntax: the one normal form of paths lives in exchange, and plan holds
// every path against it.
func matchPath(s string) (bad, fix string) {
	switch {
	case !strings.HasPrefix(s, "/"):
		return fmt.Sprintf("the path %q does not begin with /", clip(s)), "write /" + clip(strings.TrimLeft(s, "."))
	case len(s) > textBytesMax:
		return fmt.Sprintf("the path has %d bytes, the limit is %d", len(s), textBytesMax), ""
	case strings.ContainsAny(s, "?#"):
		return fmt.Sprintf("the path %q has a ? or # in it", clip(s)), "match a query with `query: {name: value}`"
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return fmt.Sprintf("the path %q has white space in it", clip(s)), "write it as %20"
	case strings.Count(s, "/") > segmentsMax:
		return fmt.Sprintf("the path has %d segments, the limit is %d", strings.Count(s, "/"), segmentsMax), ""
	}
	seen := map[string]bool{}
	for segment := range strings.SplitSeq(s, "/") {
		if !strings.ContainsAny(segment, "{}*") {
			continue
		}
		name, ok := segmentName(segment)
		switch {
		case strings.Contains(segment, "*"):
			return fmt.Sprintf("the path %q has a * in it", clip(s)), "use {name} for one segment, `prefix` for all below a path"
		case !ok:
			return fmt.Sprintf("%q is not a {name} for one whole segment", clip(segment)), "write /{name}/: letters, digits and _ in braces"
		case name == "path" || name == "query":
			return fmt.Sprintf("a segment cannot be named {%s}", name), "redirects use it for that of the request; take another name"
		case seen[name]:
			return fmt.Sprintf("{%s} stands twice in %q", name, clip(s)), "give each segment its own name"
		}
		seen[name] = true
	}
	return "", ""
}

// matchPrefix checks the path of a prefix: its last slash means nothing, so there cannot be two.
func matchPrefix(s string) (bad, fix string) {
	if strings.HasSuffix(s, "//") {
		return fmt.Sprintf("the prefix %q ends with an empty segment", clip(s)), "write it with one / at its end, or none"
	}
	return matchPath(s)
}

// segmentName is the name in {name}.
func segmentName(s string) (name string, ok bool) {
	name, open := strings.CutPrefix(s, "{")
	name, closed := strings.CutSuffix(name, "}")
	if !open || !closed || name == "" || name[0] >= '0' && name[0] <= '9' {
		return "", false
	}
	for i := range len(name) {
		if c := name[i]; !isLower(c) && c != '_' && (c < 'A' || c > 'Z') {
			return "", false
		}
	}
	return name, true
}

// fieldName checks a header name: RFC 9110 section 5.1.
func fieldName(s string) (bad, fix string) {
	if s == "" || len(s) > 256 || strings.IndexFunc(s, notToken) >= 0 {
		return fmt.Sprintf("%q is not a header name", clip(s)), "use letters, digits and -"
	}
	return "", ""
}

func notToken(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r) && r < 0x80)
}

// fieldValue checks a header value: RFC 9110 section 5.5, without the obsolete parts.
func fieldValue(s string) (bad, fix string) {
	if bad, fix = anyText(strings.ReplaceAll(s, "\t", " ")); bad != "" {
		return bad, fix
	}
	if strings.Trim(s, " \t") != s {
		return fmt.Sprintf("the header value %q begins or ends with white space", clip(s)), "remove it; no recipient would see it"
	}
	return "", ""
}

// ownFields are fields that frame a message or belong to one connection: an edit of them would break the exchange.
var ownFields = map[string]string{
	"connection":        "",
	"content-length":    "",
	"host":              "use `host` of the Service to choose the Host that it gets",
	"http2-settings":    "",
	"keep-alive":        "",
	"proxy-connection":  "",
	"te":                "",
	"trailer":           "",
	"transfer-encoding": "",
	"upgrade":           "use `websocket: on` or off",
}

// editName checks the name of a header field that an edit touches.
func editName(s string) (bad, fix string) {
	if bad, fix = fieldName(s); bad != "" {
		return bad, fix
	}
	if fix, own := ownFields[strings.ToLower(s)]; own {
		return fmt.Sprintf("%q cannot be edited: the edge writes it itself", s), fix
	}
	return "", ""
}

// method checks a method: RFC 9110 section 9.1, and no CONNECT.
func method(s string) (bad, fix string) {
	up := strings.ToUpper(s)
	switch {
	case s == "" || len(s) > 32 || strings.IndexFunc(s, func(r rune) bool { return !(r >= 'A' && r <= 'Z' || r == '-') }) >= 0:
		if s != up && s != "" {
			return fmt.Sprintf("%q is not a method", clip(s)), "methods are upper case: " + clip(up)
		}
		return fmt.Sprintf("%q is not a method", clip(s)), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, or one of your own in capitals"
	case s == "CONNECT":
		return "CONNECT cannot be allowed: the edge is no forward proxy", "remove it"
	}
	return "", ""
}
