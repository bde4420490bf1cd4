package terraform

import (
	"reflect"
	"strings"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// State gives the attributes of one resource, as Terraform's state has them, the shape that CloudFormation has for its type, by the
// same tables as Emit and Read. took is called for each leaf that was taken, with the node that it has become; nil: it is a name or a
// count. What is not taken has no property in CloudFormation or is not set: null, empty text, an empty list. It returns an empty type
// for a resource that no row maps. JSON in a text is not taken.
func State(tf string, attributes *schema.Node, took func(from, to *schema.Node)) (resourceType string, properties *schema.Node) {
	k := kindNamed(tf)
	if k == nil || attributes == nil || attributes.Kind != schema.Map {
		return "", nil
	}
	r := &stateReader{variant: k.variant, took: took}
	return k.cfn, r.object(reflect.TypeOf(model.New(k.cfn)).Elem(), attributes)
}

type stateReader struct {
	variant string
	took    func(from, to *schema.Node)
}

// unset is whether a state says of an attribute that it has no value.
func unset(n *schema.Node) bool {
	return n == nil || n.Kind == schema.Null || n.Kind == schema.Text && n.Text == "" || n.Kind == schema.List && len(n.Items) == 0
}

// lone is a block that stands there at most once: a list of one in a state. An empty block may be null.
func lone(n *schema.Node) *schema.Node {
	if n != nil && n.Kind == schema.List && len(n.Items) == 1 {
		return n.Items[0]
	}
	return n
}

func within(n *schema.Node, path string) *schema.Node {
	for name := range strings.SplitSeq(path, ".") {
		n = lone(n).Get(name)
	}
	return n
}

func made(kind schema.Kind, text string, like *schema.Node) *schema.Node {
	return &schema.Node{Kind: kind, Text: text, At: like.At}
}

func (r *stateReader) object(t reflect.Type, body *schema.Node) *schema.Node {
	out := made(schema.Map, "", body)
	if len(body.Fields) == 0 && len(body.Items) == 0 {
		r.took(body, out)
		return out
	}
	add := func(name string, from, v *schema.Node) {
		if v != nil {
			out.Fields = append(out.Fields, schema.Field{Name: name, At: from.At, Value: v})
		}
	}
	for i := range t.NumField() {
		f := t.Field(i)
		how := row(r.variant, t, f)
		switch how.shape {
		case aside, jsonText:
			continue
		case implied:
			add(f.Name, body, made(schema.Text, how.inner, body))
			continue
		case inline:
			if inner := r.object(f.Type.Elem(), body); len(inner.Fields) > 0 {
				add(f.Name, body, inner)
			}
			continue
		}
		v := within(body, how.to)
		if !unset(v) {
			add(f.Name, v, r.field(f.Type, how, v))
		} else if how.shape == bucket && unset(body.Get("custom_origin_config")) && unset(body.Get("vpc_origin_config")) {
			add(f.Name, body, made(schema.Map, "", body))
		}
	}
	return out
}

// field is one property that is set.
func (r *stateReader) field(t reflect.Type, how field, v *schema.Node) *schema.Node {
	switch how.shape {
	case tags:
		return r.tags(v)
	case single:
		name := t.Elem().Elem().Field(0).Name
		return r.each(v, func(item *schema.Node) *schema.Node {
			out := made(schema.Map, "", item)
			out.Fields = []schema.Field{{Name: name, At: item.At, Value: r.value(item)}}
			return out
		})
	case each:
		return r.each(v, func(item *schema.Node) *schema.Node { return r.value(item.Get(how.inner)) })
	case items:
		if count := lone(v).Get(how.inner); count != nil {
			r.took(count, nil)
		}
		if list := lone(v).Get("items"); !unset(list) {
			return r.each(list, r.value)
		}
		return nil
	case counted:
		list, _ := t.Elem().FieldByName("Items")
		out := made(schema.Map, "", v)
		out.Fields = []schema.Field{{Name: "Items", At: v.At, Value: r.plain(list.Type, v)}}
		return out
	case keyed, cases:
		return r.table(t, how, v)
	}
	return r.plain(t, v)
}

// plain is what has the same shape on both sides.
func (r *stateReader) plain(t reflect.Type, v *schema.Node) *schema.Node {
	switch {
	case t == valueType:
		return r.value(v)
	case t.Kind() == reflect.Slice && t.Elem() == valueType:
		return r.each(v, r.value)
	case t.Kind() == reflect.Slice:
		return r.each(v, func(item *schema.Node) *schema.Node { return r.object(t.Elem().Elem(), item) })
	case t.Kind() == reflect.Pointer:
		return r.object(t.Elem(), lone(v))
	case t.Kind() == reflect.Interface: // it is there, and says no more
		out := made(schema.Map, "", v)
		if there := lone(v); len(there.Fields) == 0 {
			r.took(there, out)
		}
		return out
	}
	return nil
}

// value is one value; nil: an object stands where one belongs.
func (r *stateReader) value(v *schema.Node) *schema.Node {
	if v == nil || v.Kind == schema.List || v.Kind == schema.Map {
		return nil
	}
	r.took(v, v)
	return v
}

// each reads the items of a list, or one block as a list of it.
func (r *stateReader) each(v *schema.Node, read func(item *schema.Node) *schema.Node) *schema.Node {
	items := v.Items
	if v.Kind == schema.Map {
		items = []*schema.Node{v}
	}
	out := made(schema.List, "", v)
	for _, item := range items {
		if read := read(item); read != nil {
			out.Items = append(out.Items, read)
		}
	}
	return out
}

func (r *stateReader) tags(v *schema.Node) *schema.Node {
	out := made(schema.List, "", v)
	for _, f := range v.Fields {
		tag := made(schema.Map, "", f.Value)
		tag.Fields = []schema.Field{
			{Name: "Key", At: f.At, Value: &schema.Node{Kind: schema.Text, Text: f.Name, At: f.At}},
			{Name: "Value", At: f.At, Value: r.value(f.Value)},
		}
		out.Items = append(out.Items, tag)
	}
	return out
}

// table is a map: blocks that name their key, or one block with a block for each key.
func (r *stateReader) table(t reflect.Type, how field, v *schema.Node) *schema.Node {
	out := made(schema.Map, "", v)
	add := func(key string, body *schema.Node) {
		out.Fields = append(out.Fields, schema.Field{Name: key, At: body.At, Value: r.object(t.Elem().Elem(), body)})
	}
	if how.shape == cases {
		for _, f := range lone(v).Fields {
			if !unset(f.Value) {
				add(strings.ToUpper(f.Name), lone(f.Value))
			}
		}
		return out
	}
	for _, body := range v.Items {
		if key := body.Get("key"); key != nil {
			r.took(key, nil)
			add(key.Text, body)
		}
	}
	return out
}
