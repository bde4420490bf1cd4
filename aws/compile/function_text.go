package compile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// This file is how JavaScript is written: only what CloudFront Functions 2.0 has (ES 5.1 and a few features of later years),
// and every text of a spec as a literal of js or jsRegexp.

// js is a text as a JavaScript literal of ASCII alone. Neither the end of a literal, nor a line terminator, nor the end of a
// script element in a page can come out of it.
func js(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r >= ' ' && r < 0x7f && r != '<':
			out.WriteRune(r)
		default:
			for _, u := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&out, `\u%04x`, u)
			}
		}
	}
	out.WriteByte('"')
	return out.String()
}

// jsBytes is the bytes of a text, each as a character: what percent-codes decode to.
func jsBytes(s string) string {
	out := make([]rune, len(s))
	for i := range len(s) {
		out[i] = rune(s[i])
	}
	return js(string(out))
}

// jsList is texts as an array.
func jsList(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = js(s)
	}
	return "[" + strings.Join(out, ",") + "]"
}

// jsRegexp is what matches a text and nothing else, as part of a literal regular expression.
func jsRegexp(s string) string {
	var out strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '~':
			out.WriteByte(c)
		case c == '/' || c == '.':
			out.WriteByte('\\')
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, `\x%02x`, c)
		}
	}
	return out.String()
}

// helper is a function that others call.
type helper struct{ name, what, code string }

// helpers stand in the code in this order, those that are needed.
var helpers = []helper{
	// N is the normal form of a path, as exchange.NormalPath makes it; empty: the path is refused.
	{"N", "the normal form of paths", `function N(u){
if(!/^\/[!-~]*$/.test(u)||/[?#\\]|%00|%5c|%(?![\da-f]{2})/i.test(u)||u.split('/').length>257)return '';
if(!/%|\/\./.test(u))return u;
var a=u.split('/'),b=u.replace(/%../g,function(x){var c=String.fromCharCode(parseInt(x.slice(1),16));return /[\w.~-]/.test(c)?c:x.toUpperCase()}).split('/'),o=[],i,x;
for(i=1;i<b.length;i++){x=b[i];
if(x==='.'||x==='..'){
if(a[i]!==x||x==='..'&&!o.length)return '';
if(x==='..')o.pop();
if(i===b.length-1)o.push('')
}else if(/(^|%2F)\.{1,2}($|;|%(2F|3B|3F|23|7F|[01][\dA-F]|20))/.test(x))return '';
else o.push(x)}
return '/'+o.join('/')}
`},
	// H reports whether a field is there, and v, unless it is undefined, one of its values.
	{"H", "conditions", `function H(h,n,v){var f=h[n];
return !!f&&(v===undefined||(f.multiValue||[f]).some(function(x){return x.value===v}))}
`},
	// Q reports whether a parameter is there, and v, unless it is undefined, one of its values; both as bytes.
	{"Q", "conditions", `function Q(q,n,v){function d(s){return s.replace(/\+/g,' ').replace(/%([\da-fA-F]{2})/g,function(x,c){return String.fromCharCode(parseInt(c,16))})}
return (q||'').split('&').some(function(x){var i=x.indexOf('='),k=i<0?x:x.slice(0,i);
return x!==''&&d(k)===n&&(v===undefined||d(i<0?'':x.slice(i+1))===v)})}
`},
	// W is a number that depends on a text alone, of 48 bits.
	{"W", "weights", `function W(s){return parseInt(crypto.createHash('sha256').update(s).digest('hex').slice(0,12),16)}
`},
	// K takes away what only a proxy may say, k: but what says who the client is. Where '_' is read as '-', that counts too.
	{"K", "request fields", `function K(h,k){Object.keys(h).forEach(function(x){var n=x.replace(/_/g,'-');
if(/^(traceparent|tracestate|x-skerry-.*)$/.test(n)||!k&&/^(forwarded|x-real-ip|x-forwarded-.*)$/.test(n)||n!==x&&/^(connection|content-length|expect|host|http2-settings|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/.test(n))delete h[x]})}
`},
}

// coder collects the code of one function.
type coder struct {
	used   []string // names of helpers
	groups []string // code of the functions of a policy for its answers, with mark for their number
	tells  []string // code of those for what services are told
	cf     bool     // the module cloudfront
	awaits bool
	body   strings.Builder
	sizes  []size
}

// size is how many bytes something takes.
type size struct {
	what  string
	bytes int
}

// mark stands for the number of functions in their code. No literal has it.
const mark = "\x01"

// use notes that a helper is needed, and returns its name.
func (c *coder) use(name string) string {
	if !slices.Contains(c.used, name) {
		c.used = append(c.used, name)
	}
	return name
}

// add appends a line to the handler, and counts it.
func (c *coder) add(what, format string, args ...any) {
	line := fmt.Sprintf(format, args...) + "\n"
	c.body.WriteString(line)
	c.count(what, len(line))
}

func (c *coder) count(what string, bytes int) {
	for i := range c.sizes {
		if c.sizes[i].what == what {
			c.sizes[i].bytes += bytes
			return
		}
	}
	c.sizes = append(c.sizes, size{what, bytes})
}

// number is the place of code in a list, as text; the same code has the same one.
func number(list *[]string, code string) string {
	i := slices.Index(*list, code)
	if i < 0 {
		i = len(*list)
		*list = append(*list, code)
	}
	return strconv.Itoa(i)
}

// code is the whole function.
func (c *coder) code() string {
	var out strings.Builder
	if c.cf {
		out.WriteString("import cf from 'cloudfront';\n")
	}
	if slices.Contains(c.used, "W") {
		out.WriteString("import crypto from 'crypto';\n")
	}
	for _, h := range helpers {
		if slices.Contains(c.used, h.name) {
			out.WriteString(h.code)
			c.count(h.what, len(h.code))
		}
	}
	for what, list := range [2][]string{c.groups, c.tells} {
		for i, code := range list {
			text := strings.ReplaceAll(code, mark, strconv.Itoa(i))
			out.WriteString(text)
			c.count([2]string{"answers of policies", "request fields of policies"}[what], len(text))
		}
	}
	if c.awaits {
		out.WriteString("async ")
	}
	out.WriteString("function handler(event){\n" + c.body.String() + "}\n")
	return out.String()
}

// worst names what takes most of the code, the largest first.
func (c *coder) worst() string {
	slices.SortStableFunc(c.sizes, func(a, b size) int { return b.bytes - a.bytes })
	var out []string
	for _, s := range c.sizes[:min(len(c.sizes), 3)] {
		out = append(out, fmt.Sprintf("%s %d", s.what, s.bytes))
	}
	return strings.Join(out, ", ")
}
