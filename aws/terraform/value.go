package terraform

import (
	"fmt"
	"regexp"
	"strings"

	"skerry.dev/skerry/aws/model"
)

// A text of Terraform is a template: literal text, and expressions between ${ and }. ${ and %{ are doubled to mean themselves.

// part is one piece of a template: literal text, or an expression.
type part struct {
	text string
	expr bool
}

// template writes parts down.
func template(parts []part) string {
	var b strings.Builder
	for i, p := range parts {
		switch rest := strings.TrimRight(p.text, "$"); {
		case p.expr:
			b.WriteString("${" + p.text + "}")
		case rest != p.text && i+1 < len(parts): // a dollar before ${ would escape it
			b.WriteString(escape(rest) + `${"` + p.text[len(rest):] + `"}`)
		default:
			b.WriteString(escape(p.text))
		}
	}
	return b.String()
}

// dollars is the expression of dollars.
var dollars = regexp.MustCompile(`^"\$+"$`)

var escapes = strings.NewReplacer("${", "$${", "%{", "%%{")

func escape(text string) string { return escapes.Replace(text) }

// parse takes a template to pieces. The text of an expression ends with the brace that closes it: braces in strings do not count.
func parse(text string) ([]part, error) {
	var parts []part
	literal := func(s string) {
		if n := len(parts); n > 0 && !parts[n-1].expr {
			parts[n-1].text += s
		} else if s != "" {
			parts = append(parts, part{text: s})
		}
	}
	for text != "" {
		at := strings.IndexAny(text, "$%")
		if at < 0 || at == len(text)-1 {
			literal(text)
			break
		}
		literal(text[:at])
		mark, rest := text[at:at+1], text[at:]
		switch {
		case strings.HasPrefix(rest, mark+mark+"{"):
			literal(mark + "{")
			text = rest[3:]
		case strings.HasPrefix(rest, "%{"):
			return nil, fmt.Errorf("%q has a directive, which is not read", text)
		case strings.HasPrefix(rest, "${"):
			n := closing(rest[2:])
			if n < 0 {
				return nil, fmt.Errorf("%q has ${ without its end", text)
			}
			if expr := rest[2 : 2+n]; dollars.MatchString(expr) {
				literal(strings.Trim(expr, `"`))
			} else {
				parts = append(parts, part{text: expr, expr: true})
			}
			text = rest[2+n+1:]
		default:
			literal(mark)
			text = rest[1:]
		}
	}
	return parts, nil
}

// closing is where the brace stands that closes an expression; -1: nowhere.
func closing(text string) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}' && depth == 0:
			return i
		case c == '}':
			depth--
		}
	}
	return -1
}

// pseudo is what CloudFormation fills in, as Terraform asks for it.
var pseudo = map[model.Pseudo]string{
	model.AccountID:  "data.aws_caller_identity.current.account_id",
	model.Region:     "data.aws_region.current.region",
	model.Partition:  "data.aws_partition.current.partition",
	"AWS::URLSuffix": "data.aws_partition.current.dns_suffix",
}

// dynamic is a value that CloudFormation fetches from Secrets Manager: which secret, and which key of its JSON. A placeholder stands for
// each reference of the text.
var dynamic = regexp.MustCompile(`\{\{resolve:secretsmanager:([^{}]*?)(?::SecretString(?::([^:{}]*))?(:[^{}]*)?)?\}\}`)

// flat is a value as text and references with nothing between: joins in joins are one, and neighbouring texts too.
func flat(v model.Value) []model.Value {
	var out []model.Value
	var add func(model.Value)
	add = func(v model.Value) {
		switch v := v.(type) {
		case model.Join:
			for _, p := range v {
				add(p)
			}
		case model.Int, model.Float, model.Bool:
			add(model.Text(fmt.Sprint(v)))
		case model.Text:
			if n := len(out); n > 0 {
				if before, ok := out[n-1].(model.Text); ok {
					out[n-1] = before + v
					return
				}
			}
			if v != "" {
				out = append(out, v)
			}
		default:
			out = append(out, v)
		}
	}
	add(v)
	return out
}

// joined is the value of which flat made a list.
func joined(list []model.Value) model.Value {
	switch len(list) {
	case 0:
		return model.Text("")
	case 1:
		return list[0]
	}
	return model.Join(list)
}
