package terraform

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// json is free JSON as the template of its text: what jsonencode would make of it, so that the provider finds nothing to change.
func (e *emitter) json(v any, path string) string {
	var b strings.Builder
	e.writeJSON(&b, v, path)
	return b.String()
}

func (e *emitter) writeJSON(b *strings.Builder, v any, path string) {
	switch v := v.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(escape(literal(key)) + ":")
			e.writeJSON(b, v[key], path+"."+key)
		}
		b.WriteByte('}')
	case model.Int, model.Bool, model.Float:
		b.WriteString(literal(v))
	case model.Value:
		parts := e.parts(v, path)
		for i := range parts {
			if !parts[i].expr {
				text := literal(parts[i].text)
				parts[i].text = text[1 : len(text)-1]
			}
		}
		b.WriteString(`"` + template(parts) + `"`)
	default:
		if list := reflect.ValueOf(v); list.IsValid() && list.Kind() == reflect.Slice {
			b.WriteByte('[')
			for i := range list.Len() {
				if i > 0 {
					b.WriteByte(',')
				}
				e.writeJSON(b, list.Index(i).Interface(), path)
			}
			b.WriteByte(']')
			return
		}
		b.WriteString(escape(literal(v)))
	}
}

// literal is a plain value as JSON.
func literal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("BUG: a value that JSON has not: " + err.Error())
	}
	return string(text)
}

// ruleJSON writes the rules of a firewall as one text in the spelling of the API of AWS WAF.
func (e *emitter) ruleJSON(v reflect.Value, block *schema.TerraformBlock, body node, path string) {
	name := "rule_json"
	if block.Attributes[name] == nil {
		name = "rules_json"
	}
	tree := model.Tree(v.Interface(), func(v model.Value) any { return v })
	respell(tree, "Arn", "ARN")
	body[name] = e.json(tree, path)
	e.find(ruleRuleJSON, path, "a statement nests %d deep, the provider's blocks %d", nested(v.Interface()), nestingMax)
}

// respell renames the one property that the API of AWS WAF spells otherwise than CloudFormation.
func respell(tree any, from, to string) {
	switch t := tree.(type) {
	case []any:
		for _, v := range t {
			respell(v, from, to)
		}
	case map[string]any:
		for _, name := range []string{"IPSetReferenceStatement", "RegexPatternSetReferenceStatement", "RuleGroupReferenceStatement"} {
			if statement, ok := t[name].(map[string]any); ok && statement[from] != nil {
				statement[to] = statement[from]
				delete(statement, from)
			}
		}
		for _, v := range t {
			respell(v, from, to)
		}
	}
}

// nested is how deep the statements of rules nest below each rule's own.
func nested(rules any) int {
	deepest := 0
	list, _ := model.Tree(rules, func(v model.Value) any { return v }).([]any)
	for _, r := range list {
		deepest = max(deepest, depth(r.(map[string]any)["Statement"]))
	}
	return deepest
}

// depth is how deep statements nest below a statement.
func depth(statement any) int {
	deepest := 0
	below := func(v any) {
		if v != nil {
			deepest = max(deepest, 1+depth(v))
		}
	}
	m, _ := statement.(map[string]any)
	for _, v := range m {
		kind, _ := v.(map[string]any)
		below(kind["Statement"])
		below(kind["ScopeDownStatement"])
		list, _ := kind["Statements"].([]any)
		for _, s := range list {
			below(s)
		}
	}
	return deepest
}
