package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

type corsDoc struct {
	origins         val[[]val[string]]
	methods         val[[]string]
	headers, expose val[[]string]
	credentials     val[Switch]
	maxAge          val[time.Duration]
}

var cors = switched(modelled(object[corsDoc]{
	name: "cors", doc: "Which pages of other origins may call, answered by the edge (Fetch standard, section 3.2).",
	fields: []field[*corsDoc]{
		row("origins", func(c *corsDoc) *val[[]val[string]] { return &c.origins },
			listOf(words(pageOrigin, map[string]any{"pattern": `^(\*|[a-z][a-z0-9+.-]*://[^/?#@A-Z]+)$`, "maxLength": textBytesMax}), originsMax),
			`Origins of pages: https://app.example.com, https://*.example.com for every name below example.com, or "*" alone.`).needed(),
		rowOr("methods", func(c *corsDoc) *val[[]string] { return &c.methods }, methodList, []string{"GET", "HEAD", "POST"}, "The methods that they may use."),
		rowOr("headers", func(c *corsDoc) *val[[]string] { return &c.headers }, foldedNames, []string{},
			`The request header fields that they may send beyond the safelisted ones; "*" is any.`),
		rowOr("expose", func(c *corsDoc) *val[[]string] { return &c.expose }, foldedNames, []string{},
			`The response header fields that their scripts may read; "*" is any.`),
		rowOr("credentials", func(c *corsDoc) *val[Switch] { return &c.credentials }, onOff, false,
			"Whether they may send cookies and other credentials."),
		rowOr("maxAge", func(c *corsDoc) *val[time.Duration] { return &c.maxAge }, wholeSeconds(0, 24*time.Hour), 10*time.Minute,
			"How long a browser may keep the answer to a preflight, in whole seconds."),
	},
	check: checkCORS,
}.shape(),
	func(d corsDoc) CORS {
		origins := values(d.origins.V)
		slices.Sort(origins)
		return CORS{slices.Compact(origins), d.methods.V, d.headers.V, d.expose.V, bool(d.credentials.V), d.maxAge.V}
	},
	func(c CORS) corsDoc {
		d := corsDoc{
			origins: said([]val[string](nil)), methods: said(c.Methods), headers: said(c.Headers), expose: said(c.Expose),
			credentials: said(Switch(c.Credentials)), maxAge: said(c.MaxAge),
		}
		for _, o := range c.Origins {
			d.origins.V = append(d.origins.V, said(o))
		}
		return d
	},
), func(c CORS) bool { return len(c.Origins) == 0 }, false)

// foldedNames is a set of header names, in lower case.
var foldedNames = folded(fieldName, nameInSchema, conditionsMax)

func checkCORS(l *log, _ Pos, c *corsDoc) {
	if c.origins.Set && len(c.origins.V) == 0 {
		l.refuse(c.origins.At, "name at least one, or write `cors: off`", "the list of origins is empty")
	}
	with := bool(c.credentials.V)
	for _, o := range c.origins.V {
		if o.V != "*" || !o.Set {
			continue
		}
		if len(c.origins.V) > 1 {
			l.refuse(o.At, `write ["*"], or name the origins`, `"*" stands beside other origins`)
		}
		if with {
			l.refuse(c.credentials.At, "name the origins, or remove credentials", `credentials cannot go with the origin "*": every page could act as its visitor`)
		}
	}
	for _, names := range []*val[[]string]{&c.headers, &c.expose} {
		if with && slices.Contains(names.V, "*") {
			l.refuse(names.At, "name the fields", `with credentials browsers take "*" for the name of a field`)
		}
	}
}

// pageOrigin checks an origin as browsers send it: scheme://host[:port] in lower case, without the scheme's own port. A
// wildcard stands for labels, never for a whole domain: "*.com" would be everybody.
func pageOrigin(s string) (bad, fix string) {
	if s == "*" {
		return "", ""
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || s == "null" {
		return fmt.Sprintf("%q is not an origin", clip(s)), "write scheme and host: https://app.example.com"
	}
	if lower := strings.ToLower(s); lower != s {
		return fmt.Sprintf("the origin %q is not in lower case, as browsers send it", clip(s)), "write " + clip(lower)
	}
	if scheme == "" || !isLetter(scheme[0]) || strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+.-") != "" {
		return fmt.Sprintf("the origin %q has no scheme", clip(s)), "write https://app.example.com"
	}
	if strings.ContainsAny(rest, "/?#@") {
		return fmt.Sprintf("the origin %q has more than scheme, host and port", clip(s)), "write https://app.example.com"
	}
	host, port := splitPort(rest)
	below, wild := strings.CutPrefix(host, "*.")
	if bad, fix = hostName(below); bad != "" {
		return fmt.Sprintf("in the origin %q: %s", clip(s), bad), fix
	}
	_, isAddr := addrOf(below)
	if wild && (isAddr || !strings.Contains(below, ".") && below != "localhost") {
		return fmt.Sprintf("the origin %q would be every name below %s", clip(s), below), "name a domain of your own: https://*.example.com"
	}
	if folded := foldHost(below); folded != below {
		return fmt.Sprintf("the origin %q is not as browsers send it", clip(s)), "write the host as " + folded
	}
	return originPort(s, scheme, port)
}

func originPort(s, scheme, port string) (bad, fix string) {
	if port == "" {
		return "", ""
	}
	n, ok := digitsOf(port[1:])
	switch {
	case !ok || n < 1 || n > 65535 || port[1] == '0':
		return fmt.Sprintf("the origin %q has no valid port", clip(s)), "a port is a number from 1 to 65535"
	case scheme == "https" && n == 443 || scheme == "http" && n == 80:
		return fmt.Sprintf("the origin %q names the port of its scheme, which browsers leave out", clip(s)), "write " + clip(strings.TrimSuffix(s, port))
	}
	return "", ""
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' }
