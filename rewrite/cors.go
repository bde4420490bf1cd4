package rewrite

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"skerry.dev/skerry/exchange"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// cors is a compiled spec.CORS (Fetch standard, section 3.3).
type cors struct {
	any         bool // origin "*"
	origins     []allowedOrigin
	credentials bool
	anyHeader   bool
	methods     []byte
	headers     []byte // nil: none beyond the safelisted
	expose      []byte // nil: none beyond the safelisted
	maxAge      []byte // seconds
}

// allowedOrigin is an origin, or with a wildcard what stands around it: "https://" and ".example.com", or with a port
// ".example.com:8443".
type allowedOrigin struct {
	before, after []byte
	wildcard      bool
}

var (
	star           = []byte("*")
	corsTrue       = []byte("true")
	corsMethods    = []string{"GET", "HEAD", "POST"}
	varyOrigin     = []byte("Origin")
	varyAskHeaders = []byte("Access-Control-Request-Headers")
)

// newCORS compiles a policy; nil: off, and a service's own fields stay as they are.
func newCORS(p *spec.CORS) (*cors, []fault.Problem) {
	if p == nil || len(p.Origins) == 0 {
		return nil, nil
	}
	c := &cors{any: slices.Contains(p.Origins, "*"), credentials: p.Credentials, anyHeader: slices.Contains(p.Headers, "*")}
	var problems []fault.Problem
	bad := func(fix, format string, args ...any) {
		problems = append(problems, fault.Problem{Text: "cors: " + fmt.Sprintf(format, args...), Fix: fix})
	}
	if c.any && len(p.Origins) > 1 {
		bad("name the origins, or write \"*\" alone", "origin \"*\" stands beside others")
	}
	if c.any && c.credentials {
		bad("name the origins", "origin \"*\" with credentials: every page of the web could act as the user")
	}
	for _, o := range p.Origins {
		if c.any {
			break
		}
		a, ok := newOrigin(o)
		if !ok {
			bad("write https://app.example.com or https://*.example.com, with no path", "%q is no origin", o)
		}
		c.origins = append(c.origins, a)
	}
	for _, list := range [][]string{p.Methods, p.Headers, p.Expose} {
		for _, name := range list {
			if name == "" || strings.Trim(name, tokenBytes) != "" {
				bad("use the names alone", "%q is no method or header name", name)
			}
		}
	}
	methods := p.Methods
	if len(methods) == 0 {
		methods = corsMethods
	}
	c.methods, c.headers, c.expose = joined(methods), joined(p.Headers), joined(p.Expose)
	c.maxAge = strconv.AppendInt(nil, int64(p.MaxAge/time.Second), 10)
	return c, problems
}

func joined(names []string) []byte {
	if len(names) == 0 {
		return nil
	}
	return []byte(strings.Join(names, ", "))
}

// newOrigin compiles an origin as browsers write it: lower case, no port where it is the scheme's.
func newOrigin(text string) (a allowedOrigin, ok bool) {
	text = strings.ToLower(text)
	scheme, authority, ok := strings.Cut(text, "://")
	if !ok || scheme == "" || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+.-") != "" {
		return a, false // applications have schemes of their own
	}
	name, wildcard := strings.CutPrefix(authority, "*.")
	host, port, err := exchange.NormalHost([]byte(name), new(exchange.Scratch))
	if err != nil || wildcard && isAddress(host) {
		return a, false
	}
	after := string(host)
	if port != 0 && !(scheme == "http" && port == portHTTP || scheme == "https" && port == portHTTPS) {
		after += ":" + strconv.Itoa(int(port))
	}
	if wildcard {
		return allowedOrigin{[]byte(scheme + "://"), []byte("." + after), true}, true
	}
	return allowedOrigin{before: []byte(scheme + "://" + after)}, true
}

// matches compares byte by byte, as the standard wants it. A wildcard stands for one label or more.
func (a *allowedOrigin) matches(origin []byte) bool {
	if !a.wildcard {
		return bytes.Equal(origin, a.before)
	}
	if len(origin) <= len(a.before)+len(a.after) || !bytes.HasPrefix(origin, a.before) || !bytes.HasSuffix(origin, a.after) {
		return false
	}
	for _, c := range origin[len(a.before) : len(origin)-len(a.after)] {
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return true
}

// allowed returns the value of Access-Control-Allow-Origin, nil if the origin may not call.
func (c *cors) allowed(x *exchange.Exchange) []byte {
	if c.any {
		return star
	}
	if x.Req.Sent.Count(exchange.NameOrigin) != 1 { // as sent: the route may edit what the service gets
		return nil
	}
	origin := x.Req.Sent.Get(exchange.NameOrigin)
	for i := range c.origins {
		if c.origins[i].matches(origin) {
			return origin
		}
	}
	return nil
}

// preflight reports whether a request is one: the browser asks, before the script's own request, whether it may make it.
func preflight(x *exchange.Exchange) bool {
	return x.Req.Method == exchange.MethodOptions && x.Req.Sent.Get(exchange.NameOrigin) != nil &&
		x.Req.Sent.Get(exchange.NameAccessControlRequestMethod) != nil
}

// respond edits an answer, the edge's own included: the service's say on it goes. A refused origin gets no field, and
// its browser then refuses.
func (c *cors) respond(x *exchange.Exchange) {
	f := &x.Resp.Fields
	removeCORS(f)
	if !c.any {
		addVary(x, varyOrigin)
	}
	asks := preflight(x)
	if asks && c.anyHeader {
		addVary(x, varyAskHeaders)
	}
	origin := c.allowed(x)
	if origin == nil {
		return
	}
	f.Add(exchange.NameAccessControlAllowOrigin, origin)
	if c.credentials {
		f.Add(exchange.NameAccessControlAllowCredentials, corsTrue)
	}
	if !asks {
		if c.expose != nil {
			f.Add(exchange.NameAccessControlExposeHeaders, c.expose)
		}
		return
	}
	f.Add(exchange.NameAccessControlAllowMethods, c.methods)
	if headers := c.allowedHeaders(x); len(headers) > 0 {
		f.Add(exchange.NameAccessControlAllowHeaders, headers)
	}
	f.Add(exchange.NameAccessControlMaxAge, c.maxAge)
}

// allowedHeaders is what a preflight may send. For any, what it asks for is repeated: "*" would not cover Authorization,
// and with credentials it would be a name like others.
func (c *cors) allowedHeaders(x *exchange.Exchange) []byte {
	if !c.anyHeader {
		return c.headers
	}
	asked := x.Req.Sent.Get(exchange.NameAccessControlRequestHeaders)
	if len(asked) > preflightBytesMax {
		return nil
	}
	for _, b := range asked {
		if !tokenByte[b] && b != ',' && b != ' ' && b != '\t' {
			return nil
		}
	}
	return asked
}

// removeCORS removes what only the policy says.
func removeCORS(fields *exchange.Fields) {
	list := *fields
	kept := 0
	for i := range list {
		switch list[i].ID {
		case exchange.NameAccessControlAllowOrigin, exchange.NameAccessControlAllowCredentials, exchange.NameAccessControlAllowMethods,
			exchange.NameAccessControlAllowHeaders, exchange.NameAccessControlExposeHeaders, exchange.NameAccessControlMaxAge:
			continue
		}
		if kept != i {
			list[kept] = list[i]
		}
		kept++
	}
	*fields = list[:kept]
}

// addVary adds a name to Vary (RFC 9110 section 12.5.5), once, to the field that is there already.
func addVary(x *exchange.Exchange, name []byte) {
	at := -1
	for i := range x.Resp.Fields {
		f := &x.Resp.Fields[i]
		if f.ID != exchange.NameVary {
			continue
		}
		if listed(f.Value, name) || listed(f.Value, star) {
			return
		}
		if at < 0 {
			at = i
		}
	}
	if at < 0 {
		x.Resp.Fields.Add(exchange.NameVary, name)
		return
	}
	f := &x.Resp.Fields[at]
	if len(f.Value) == 0 {
		f.Value = name
		return
	}
	value := x.Scratch.Alloc(len(f.Value) + len(", ") + len(name))
	n := copy(value, f.Value)
	n += copy(value[n:], ", ")
	copy(value[n:], name)
	f.Value = value
}

// listed reports whether a comma-separated list has a name.
func listed(list, name []byte) bool {
	for len(list) > 0 {
		item, rest, _ := bytes.Cut(list, comma)
		if exchange.EqualFold(exchange.TrimOWS(item), name) {
			return true
		}
		list = rest
	}
	return false
}
