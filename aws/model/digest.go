package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
)

// Digest is a fingerprint of properties: the same for the same content. Resources that they refer to count by their ids.
func Digest(props any) string {
	sum := sha256.Sum256(AppendText(nil, props))
	return hex.EncodeToString(sum[:])
}

// AppendText appends what Digest is a fingerprint of: JSON without spaces, the same for the same content alone.
func AppendText(out []byte, props any) []byte { return AppendTextWith(out, props, nil) }

// AppendTextWith does so, and shows each step to somebody else too; nil: nobody.
func AppendTextWith(out []byte, props any, visit func(step Step, name string, leaf any)) []byte {
	t := texter{out: out}
	if visit == nil {
		Walk(props, t.visit)
		return t.out
	}
	Walk(props, func(step Step, name string, leaf any) {
		t.visit(step, name, leaf)
		visit(step, name, leaf)
	})
	return t.out
}

// texter writes properties as encoding/json writes what Tree makes of them: names of resources that are deployed hang on the digests of
// that text, so it must never change.
type texter struct {
	out   []byte
	open  []byte // the brackets that are to be closed
	later bool   // something stands before this in the same object or list
}

func (t *texter) visit(step Step, name string, leaf any) {
	if step == End {
		last := len(t.open) - 1
		t.out, t.open, t.later = append(t.out, t.open[last]), t.open[:last], true
		return
	}
	if t.later {
		t.out = append(t.out, ',')
	}
	if len(t.open) > 0 && t.open[len(t.open)-1] == '}' {
		t.out = append(appendQuoted(t.out, name), ':')
	}
	t.later = step == Leaf
	switch step {
	case Object:
		t.out, t.open = append(t.out, '{'), append(t.open, '}')
	case List:
		t.out, t.open = append(t.out, '['), append(t.open, ']')
	case Leaf:
		t.out = appendLeaf(t.out, leaf)
	}
}

// appendLeaf writes a value in a form that tells all of them apart.
func appendLeaf(out []byte, v any) []byte {
	switch v := v.(type) {
	case Text:
		return appendQuoted(out, string(v))
	case string:
		return appendQuoted(out, v)
	case Int:
		return strconv.AppendInt(out, int64(v), 10)
	case Bool:
		return strconv.AppendBool(out, bool(v))
	case bool:
		return strconv.AppendBool(out, v)
	case Ref:
		out = appendQuoted(append(out, `{"attr":`...), v.Attr)
		return append(appendQuoted(append(out, `,"ref":`...), v.Resource.ID), '}')
	case Join:
		out = append(out, `{"join":[`...)
		for i := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendLeaf(out, v[i])
		}
		return append(out, "]}"...)
	case Pseudo:
		return append(appendQuoted(append(out, `{"pseudo":`...), string(v)), '}')
	case Intrinsic:
		return append(AppendText(append(appendQuoted(append(out, '{'), v.Name), ':'), v.Arg), '}')
	}
	return appendJSON(out, v)
}

func appendJSON(out []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("BUG: properties that cannot be written: " + err.Error())
	}
	return append(out, text...)
}

// appendQuoted writes text; what needs an escape is left to encoding/json, which has rules of its own for it.
func appendQuoted(out []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return appendJSON(out, s)
		}
	}
	return append(append(append(out, '"'), s...), '"')
}
