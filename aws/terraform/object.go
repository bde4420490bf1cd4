package terraform

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// object writes the properties of one object into a block.
func (e *emitter) object(props any, block *schema.TerraformBlock, body node) {
	e.fields(reflect.ValueOf(props).Elem(), block, body, "")
}

func (e *emitter) fields(v reflect.Value, block *schema.TerraformBlock, body node, path string) {
	for i := range v.NumField() {
		f, t := v.Field(i), v.Type().Field(i)
		if f.IsNil() {
			continue
		}
		within := t.Name
		if path != "" {
			within = path + "." + t.Name
		}
		how := row(e.variant, v.Type(), t)
		if how.shape == bucket && onlyBucket(v) {
			continue
		}
		e.field(f, how, block, body, within)
	}
}

// onlyBucket is whether the one thing to say of an origin is that it is a bucket. The provider takes it for granted, and reports a block
// that says no more as changed at every plan.
func onlyBucket(origin reflect.Value) bool {
	o, ok := origin.Addr().Interface().(*model.DistributionOrigin)
	return ok && o.CustomOriginConfig == nil && o.VpcOriginConfig == nil &&
		o.S3OriginConfig.OriginAccessIdentity == model.Text("") && o.S3OriginConfig.OriginReadTimeout == nil
}

// field writes one property that is there.
func (e *emitter) field(v reflect.Value, f field, block *schema.TerraformBlock, body node, path string) {
	switch f.shape {
	case inline:
		e.fields(v.Elem(), block, body, path)
		return
	case aside:
		return
	case implied:
		if v.Interface() != model.Text(f.inner) {
			e.find(ruleUnsupported, path, "only %s can be said", f.inner)
		}
		return
	}
	if f.to == "rule" && nested(v.Interface()) > nestingMax {
		e.ruleJSON(v, block, body, path)
		return
	}
	names := strings.Split(f.to, ".")
	for _, name := range names[:len(names)-1] {
		block, body = e.enter(name, block, body, path)
		if block == nil {
			return
		}
	}
	e.put(names[len(names)-1], v, f, block, body, path)
}

// enter goes into the block that several properties stand in; nil: there is none.
func (e *emitter) enter(name string, block *schema.TerraformBlock, body node, path string) (*schema.TerraformBlock, node) {
	if a := block.Attributes[name]; a != nil && a.Object != nil {
		inner := &schema.TerraformBlock{Attributes: map[string]*schema.TerraformAttribute{}}
		if body[name] == nil {
			first := node{}
			for _, f := range a.Object {
				first[f.Name] = nil // Terraform wants all attributes of an object
			}
			body[name] = []any{first}
		}
		for _, f := range a.Object {
			inner.Attributes[f.Name] = &schema.TerraformAttribute{Type: f.Type, Optional: true}
		}
		return inner, body[name].([]any)[0].(node)
	}
	n := block.Blocks[name]
	if n == nil {
		e.unknown(name, path)
		return nil, nil
	}
	if body[name] == nil {
		body[name] = node{}
	}
	return n.Block, body[name].(node)
}

func (e *emitter) unknown(name, path string) {
	e.find(ruleUnsupported, path, "the provider's version %s has no %s there", schema.Terraform().Version, name)
}

// put writes an attribute, a block or blocks.
func (e *emitter) put(name string, v reflect.Value, f field, block *schema.TerraformBlock, body node, path string) {
	if a := block.Attributes[name]; a != nil && (a.Required || a.Optional) {
		if out, ok := e.attribute(v, f, path); ok {
			body[name] = out
			return
		}
	}
	n := block.Blocks[name]
	if n == nil {
		e.unknown(name, path)
		return
	}
	list := e.inner(v, f, n, path)
	if f.shape == plain && v.Kind() != reflect.Slice || f.shape == items || f.shape == cases || f.shape == bucket {
		body[name] = list[0]
		return
	}
	body[name] = list
}

// attribute is the value of an attribute; false: the property is blocks.
func (e *emitter) attribute(v reflect.Value, f field, path string) (any, bool) {
	switch f.shape {
	case jsonText:
		return e.json(v.Interface(), path), true
	case tags:
		return e.tags(v, path), true
	case single:
		list := []any{}
		for i := range v.Len() {
			value, _ := v.Index(i).Elem().Field(0).Interface().(model.Value)
			list = append(list, e.value(value, fmt.Sprintf("%s.%d", path, i)))
		}
		return list, true
	case counted:
		v = e.counted(v, path)
	case number:
		if t, ok := v.Interface().(model.Text); ok {
			n, err := strconv.Atoi(string(t))
			if err != nil {
				e.find(ruleUnsupported, path, "%q is no number", string(t))
			}
			return n, true
		}
	case digits:
		if n, ok := v.Interface().(model.Int); ok {
			return strconv.FormatInt(int64(n), 10), true
		}
	}
	if value, ok := v.Interface().(model.Value); ok {
		return e.value(value, path), true
	}
	if values, ok := v.Interface().([]model.Value); ok {
		return e.values(values, path), true
	}
	return nil, false
}

func (e *emitter) values(values []model.Value, path string) []any {
	list := []any{}
	for i, value := range values {
		list = append(list, e.value(value, fmt.Sprintf("%s.%d", path, i)))
	}
	return list
}

// counted is the list of {Items, Quantity}.
func (e *emitter) counted(v reflect.Value, path string) reflect.Value {
	list := v.Elem().FieldByName("Items")
	if q := v.Elem().FieldByName("Quantity"); q.Interface() != model.Int(list.Len()) {
		e.fail("%s: %s: Quantity is %v of %d items", e.in.ID, path, q.Interface(), list.Len())
	}
	return list
}

func (e *emitter) tags(v reflect.Value, path string) node {
	out := node{}
	for i := range v.Len() {
		tag := v.Index(i).Elem()
		key, ok := tag.FieldByName("Key").Interface().(model.Text)
		value, has := tag.FieldByName("Value").Interface().(model.Value)
		if !ok || !has || out[escape(string(key))] != nil {
			e.find(ruleUnsupported, fmt.Sprintf("%s.%d", path, i), "a tag needs a value, and a key that is text and stands once")
			continue
		}
		out[escape(string(key))] = e.value(value, path)
	}
	return out
}

// inner is the blocks of a property.
func (e *emitter) inner(v reflect.Value, f field, n *schema.TerraformNested, path string) []any {
	list := []any{}
	add := func(v reflect.Value, path string, more node) {
		body := more
		if v.IsValid() {
			e.fields(v, n.Block, body, path)
		}
		e.need(n.Block, body, path)
		list = append(list, body)
	}
	switch f.shape {
	case items:
		values := v.Interface().([]model.Value)
		more := node{"items": e.values(values, path)}
		if f.inner != "" {
			more[f.inner] = len(values)
		}
		add(reflect.Value{}, path, more)
		return list
	case each:
		for i, value := range v.Interface().([]model.Value) {
			within := fmt.Sprintf("%s.%d", path, i)
			add(reflect.Value{}, within, node{f.inner: e.value(value, within)})
		}
		return list
	case keyed:
		for _, key := range sortedKeys(v) {
			add(v.MapIndex(reflect.ValueOf(key)).Elem(), path+"."+key, node{"key": escape(key)})
		}
		return list
	case cases:
		return []any{e.cases(v, n, path)}
	case counted:
		v = e.counted(v, path)
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			add(v.Index(i).Elem(), fmt.Sprintf("%s.%d", path, i), node{})
		}
	case reflect.Pointer:
		add(v.Elem(), path, node{})
	default: // free JSON, which only says that it is there
		if m, ok := v.Interface().(map[string]any); !ok || len(m) > 0 {
			e.find(ruleUnsupported, path, "it can only be there or not, and has %v", v.Interface())
		}
		add(reflect.Value{}, path, node{})
	}
	return list
}

func sortedKeys(m reflect.Value) []string {
	var keys []string
	for _, k := range m.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}

// cases is a block with one block for each key of a map.
func (e *emitter) cases(v reflect.Value, n *schema.TerraformNested, path string) node {
	out := node{}
	for _, key := range sortedKeys(v) {
		to := strings.ToLower(key)
		inner := n.Block.Blocks[to]
		if inner == nil || strings.ToUpper(to) != key {
			e.unknown(to, path)
			continue
		}
		body := node{}
		e.fields(v.MapIndex(reflect.ValueOf(key)).Elem(), inner.Block, body, path+"."+key)
		out[to] = body
	}
	return out
}

// need finds what the provider requires and the properties do not have.
func (e *emitter) need(block *schema.TerraformBlock, body node, path string) {
	for _, name := range slices.Sorted(maps.Keys(block.Attributes)) {
		if block.Attributes[name].Required && body[name] == nil {
			e.find(ruleUnsupported, path, "the provider needs %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(block.Blocks)) {
		n, count := block.Blocks[name], 0
		switch b := body[name].(type) {
		case node:
			count = 1
		case []any:
			count = len(b)
		}
		if count < n.Min {
			e.find(ruleUnsupported, path, "the provider needs %d of %s", n.Min, name)
		}
		if n.Max > 0 && count > n.Max {
			e.find(ruleUnsupported, path, "the provider takes %d of %s, and there are %d", n.Max, name, count)
		}
	}
}
