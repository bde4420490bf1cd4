package body

import "bytes"

// parameters reads ;name=value pairs as Content-Type and Content-Disposition have them, with one reading or an error.
type parameters struct {
	in   string
	base int // what At of errors is counted from
	data []byte
	at   int  // at a semicolon, or at the end
	raw  bool // values in quotes may have bytes beyond ASCII, as names of fields and files do

	name, value []byte
	quoted      bool
	done        bool
	err         *Error // the first fault of the grammar, behind which there is no next one
	doubt       *Error // the first thing that has two readings; what follows is read all the same

	names [parametersMax][]byte
	count int
}

// next reads a parameter, or sets done or err.
func (p *parameters) next() {
	p.space()
	if p.at >= len(p.data) {
		p.done = true
		return
	}
	if p.data[p.at] != ';' {
		p.fail(malformed(p.in, p.at, "something behind a value that is not a semicolon"))
		return
	}
	p.at++
	p.space()
	if p.at >= len(p.data) { // a semicolon at the end is harmless
		p.done = true
		return
	}
	from := p.at
	for p.at < len(p.data) && tokens[p.data[p.at]] {
		p.at++
	}
	p.name = p.data[from:p.at]
	switch {
	case len(p.name) == 0 || p.at >= len(p.data) || p.data[p.at] != '=':
		p.fail(malformed(p.in, p.at, "a parameter that is not name=value"))
		return
	case p.count >= len(p.names):
		p.fail(beyond(p.in, from, "too many parameters", parametersMax, ""))
		return
	}
	if bytes.IndexByte(p.name, '*') >= 0 {
		p.note(from, "an extended or continued parameter: services do not agree on RFC 2231 and 5987")
	}
	for _, n := range p.names[:p.count] {
		if bytes.EqualFold(n, p.name) {
			p.note(from, "a parameter that occurs twice")
		}
	}
	p.names[p.count] = p.name
	p.count++
	p.at++
	p.content()
}

// content reads the value behind an equals sign.
func (p *parameters) content() {
	p.quoted = p.at < len(p.data) && p.data[p.at] == '"'
	from := p.at
	if !p.quoted {
		for p.at < len(p.data) && tokens[p.data[p.at]] {
			p.at++
		}
		if p.value = p.data[from:p.at:p.at]; len(p.value) == 0 {
			p.fail(malformed(p.in, p.at, "a parameter without a value, or one that needs quotes"))
		}
		return
	}
	for p.at++; p.at < len(p.data); p.at++ {
		c := p.data[p.at]
		switch {
		case c == '"':
			p.value = p.data[from+1 : p.at : p.at]
			p.at++
			return
		case c < ' ' && c != '\t' || c == 0x7f || c >= 0x80 && !p.raw:
			p.fail(malformed(p.in, p.at, "a character in quotes that none may have"))
			return
		case c == '\\':
			p.note(p.at, "a backslash in quotes: services do not agree what it escapes")
			if p.at+1 < len(p.data) && (p.data[p.at+1] == '"' || p.data[p.at+1] == '\\') {
				p.at++
			}
		}
	}
	p.fail(malformed(p.in, from, "quotes that are not closed"))
}

func (p *parameters) space() {
	for p.at < len(p.data) && (p.data[p.at] == ' ' || p.data[p.at] == '\t') {
		p.at++
	}
}

// note keeps a doubt; the first one counts.
func (p *parameters) note(at int, what string) {
	if p.doubt == nil {
		p.doubt = ambiguous(p.in, p.base+at, what)
	}
}

func (p *parameters) fail(err *Error) {
	err.At += p.base
	p.err = err
}
