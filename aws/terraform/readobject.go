package terraform

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/model"
)

// take takes what stands at a path out of a block, and blocks that have nothing left with it; nil: there is nothing.
func take(body node, path string) any {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		v := body[name]
		delete(body, name)
		return v
	}
	inner, ok := body[name].(node)
	if list, isList := body[name].([]any); isList && len(list) == 1 {
		inner, ok = list[0].(node)
	}
	if !ok {
		return nil
	}
	v := take(inner, rest)
	for _, other := range inner {
		if other != nil {
			return v
		}
	}
	delete(body, name)
	return v
}

// fields reads what a struct of the model has, and takes it out of the block. Its leaves are values of the model.
func (r *reader) fields(t reflect.Type, body node, path string) map[string]any {
	out := map[string]any{}
	for i := range t.NumField() {
		f := t.Field(i)
		how := row(r.variant, t, f)
		within := strings.Trim(path+"."+f.Name, ".")
		switch how.shape {
		case aside:
			continue
		case implied:
			out[f.Name] = model.Text(how.inner)
			continue
		case inline:
			if inner := r.fields(f.Type.Elem(), body, within); len(inner) > 0 {
				out[f.Name] = inner
			}
			continue
		}
		v := take(body, how.to)
		if v == nil && how.to == "rule" {
			v, how = rulesText(body)
		}
		if r.open && isUnknown(v) {
			if f.Type == valueType || f.Type.Kind() == reflect.Interface {
				out[f.Name] = unknown
			}
			continue
		}
		if v == nil {
			if how.shape == bucket && out["CustomOriginConfig"] == nil && body["vpc_origin_config"] == nil {
				out[f.Name] = map[string]any{"OriginAccessIdentity": model.Text("")}
			}
			continue
		}
		if read := r.field(f.Type, how, v, within); read != nil {
			out[f.Name] = read
		}
	}
	return out
}

// isUnknown is whether a value is one expression.
func isUnknown(v any) bool {
	text, ok := v.(string)
	parts, err := parse(text)
	return ok && err == nil && len(parts) == 1 && parts[0].expr
}

// rulesText is rules that are one text.
func rulesText(body node) (any, field) {
	for _, name := range []string{"rule_json", "rules_json"} {
		if v := take(body, name); v != nil {
			return v, field{to: name, shape: jsonText}
		}
	}
	return nil, field{}
}

// field reads one property.
func (r *reader) field(t reflect.Type, how field, v any, path string) any {
	switch how.shape {
	case jsonText:
		tree := r.json(v, path)
		if t.Kind() != reflect.Interface {
			respell(tree, "ARN", "Arn")
			return values(tree)
		}
		return tree
	case tags:
		return r.tags(v, path)
	case single:
		name := t.Elem().Elem().Field(0).Name
		return r.each(v, path, func(v any, path string) any { return map[string]any{name: r.value(v, path)} })
	case each:
		return r.blocks(v, path, func(n node, path string) any { return r.value(take(n, how.inner), path) })
	case items:
		n := r.one(v, path)
		list := r.each(take(n, "items"), path, func(v any, path string) any { return r.value(v, path) })
		if how.inner != "" && fmt.Sprint(take(n, how.inner)) != strconv.Itoa(len(list)) {
			r.fail(path, "%s is not how many items there are", how.inner)
		}
		r.left(n, path)
		return list
	case counted:
		inner, _ := t.Elem().FieldByName("Items")
		list, _ := r.plain(inner.Type, v, path).([]any)
		return map[string]any{"Items": list, "Quantity": model.Int(len(list))}
	case number:
		return model.Text(fmt.Sprint(v))
	case digits:
		text, _ := v.(string)
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			r.fail(path, "%v is no number", v)
		}
		return model.Int(n)
	case keyed:
		return r.keyed(t, v, path)
	case cases:
		return r.cases(t, v, path)
	}
	return r.plain(t, v, path)
}

// plain reads what has the same shape on both sides.
func (r *reader) plain(t reflect.Type, v any, path string) any {
	switch {
	case t == valueType:
		return r.value(v, path)
	case t.Kind() == reflect.Slice && t.Elem() == valueType:
		return r.each(v, path, func(v any, path string) any { return r.value(v, path) })
	case t.Kind() == reflect.Slice:
		return r.blocks(v, path, func(n node, path string) any { return r.fields(t.Elem().Elem(), n, path) })
	case t.Kind() == reflect.Pointer:
		n := r.one(v, path)
		out := r.fields(t.Elem(), n, path)
		r.left(n, path)
		return out
	case t.Kind() == reflect.Interface:
		r.left(r.one(v, path), path)
		return map[string]any{}
	}
	r.fail(path, "it cannot be read")
	return nil
}

// one is a block that stands there once.
func (r *reader) one(v any, path string) node {
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	return r.object(v, path)
}

// each reads the values of a list.
func (r *reader) each(v any, path string, read func(v any, path string) any) []any {
	list, ok := v.([]any)
	if !ok {
		r.fail(path, "a list is needed")
		return nil
	}
	out := []any{}
	for i, v := range list {
		out = append(out, read(v, fmt.Sprintf("%s.%d", path, i)))
	}
	return out
}

// blocks reads blocks, each of which must have nothing left then.
func (r *reader) blocks(v any, path string, read func(n node, path string) any) []any {
	if _, ok := v.(node); ok {
		v = []any{v}
	}
	return r.each(v, path, func(v any, path string) any {
		n := r.object(v, path)
		if n == nil {
			return nil
		}
		out := read(n, path)
		r.left(n, path)
		return out
	})
}

func (r *reader) tags(v any, path string) any {
	out := []any{}
	n := r.object(v, path)
	for _, key := range slices.Sorted(maps.Keys(n)) {
		out = append(out, map[string]any{"Key": r.value(key, path), "Value": r.value(n[key], path+"."+key)})
	}
	return out
}

func (r *reader) keyed(t reflect.Type, v any, path string) any {
	out := map[string]any{}
	r.blocks(v, path, func(n node, path string) any {
		key, _ := r.value(take(n, "key"), path).(model.Text)
		if key == "" || out[string(key)] != nil {
			r.fail(path, "a key that stands once is needed")
		}
		out[string(key)] = r.fields(t.Elem().Elem(), n, path)
		return nil
	})
	return out
}

func (r *reader) cases(t reflect.Type, v any, path string) any {
	out := map[string]any{}
	n := r.one(v, path)
	for _, name := range slices.Sorted(maps.Keys(n)) {
		inner := r.one(n[name], path+"."+name)
		out[strings.ToUpper(name)] = r.fields(t.Elem().Elem(), inner, path+"."+name)
		r.left(inner, path+"."+name)
	}
	return out
}

// values makes values of the model of the scalars of a tree.
func values(tree any) any {
	switch t := tree.(type) {
	case []any:
		for i := range t {
			t[i] = values(t[i])
		}
	case map[string]any:
		for name := range t {
			t[name] = values(t[name])
		}
	case string:
		return model.Text(t)
	case bool:
		return model.Bool(t)
	case json.Number:
		return numeric(t)
	}
	return tree
}

func numeric(n json.Number) model.Value {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return model.Int(i)
	}
	f, _ := n.Float64()
	return model.Float(f)
}
