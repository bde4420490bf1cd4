package cfn

import (
	"strings"

	"skerry.dev/skerry/aws/schema"
)

// evaluator computes what parameters, conditions and functions make of the values of one template.
type evaluator struct {
	raw        *schema.Node
	parameters map[string]Parameter
	resources  map[string]bool
	conditions map[string]verdict // that are known, or are being computed
	computed   int                // bytes of text that functions made
	steps      int
}

// verdict is what is known of a condition.
type verdict uint8

const (
	perhaps verdict = iota
	holds
	fails
)

func known(b bool) verdict {
	if b {
		return holds
	}
	return fails
}

func newEvaluator(t *Template) *evaluator {
	e := &evaluator{raw: t.raw, parameters: t.Parameters, resources: map[string]bool{}, conditions: map[string]verdict{}}
	for _, f := range t.raw.Get("Resources").Fields {
		e.resources[f.Name] = true
	}
	return e
}

// resource is nil for one whose condition does not hold.
func (e *evaluator) resource(f schema.Field) *Resource {
	r := &Resource{ID: f.Name, At: f.At, Type: f.Value.Get("Type").String(), raw: f.Value, Entrypoint: f.Value.Path("Metadata", note, "Entrypoint").String()}
	if c := f.Value.Get("Condition"); c != nil {
		switch e.condition(c.Text, 0) {
		case fails:
			return nil
		case perhaps:
			r.Sometimes = true
		}
	}
	after := f.Value.Get("DependsOn")
	if after != nil && after.Kind == schema.Text {
		r.DependsOn = []string{after.Text}
	}
	for _, item := range after.List() {
		if id, ok := item.AsText(); ok {
			r.DependsOn = append(r.DependsOn, id)
		}
	}
	r.Properties = &schema.Node{Kind: schema.Map, At: f.At}
	if p := e.eval(f.Value.Get("Properties"), 0); p != nil {
		r.Properties = p
	}
	return r
}

// unknown is a value that a function makes of something that is not known here.
func unknown(at *schema.Node, call *schema.Call) *schema.Node {
	return &schema.Node{Kind: schema.Unknown, At: at.At, Call: call}
}

// spend counts a value that is looked at; false: the template has made too many.
func (e *evaluator) spend(depth int) bool {
	e.steps++
	return e.steps <= stepsMax && depth <= 4*depthMax
}

// eval returns what is known of a value: nil if it is known to be absent (AWS::NoValue).
func (e *evaluator) eval(n *schema.Node, depth int) *schema.Node {
	if n == nil {
		return nil
	}
	if !e.spend(depth) {
		return unknown(n, nil)
	}
	switch n.Kind {
	case schema.List:
		out := &schema.Node{Kind: schema.List, At: n.At, Items: make([]*schema.Node, 0, len(n.Items))}
		for _, item := range n.Items {
			if v := e.eval(item, depth+1); v != nil {
				out.Items = append(out.Items, v)
			}
		}
		return out
	case schema.Map:
		if name, arg := function(n); name != "" {
			return e.call(n, name, arg, depth+1)
		}
		out := &schema.Node{Kind: schema.Map, At: n.At, Fields: make([]schema.Field, 0, len(n.Fields))}
		for _, f := range n.Fields {
			if f.Name == "Fn::Transform" || strings.HasPrefix(f.Name, "Fn::ForEach::") {
				return unknown(n, nil)
			}
			if v := e.eval(f.Value, depth+1); v != nil {
				out.Fields = append(out.Fields, schema.Field{Name: f.Name, At: f.At, Value: v})
			}
		}
		return out
	case schema.Text:
		if strings.Contains(n.Text, "{{resolve:") {
			return resolved(n)
		}
	}
	return n
}

// resolved is a text with dynamic references, whose values only the deployment knows. The text stays in the node as it is written: it says
// where the value comes from.
func resolved(n *schema.Node) *schema.Node {
	var parts []*schema.Node
	for rest := n.Text; rest != ""; {
		before, after, found := strings.Cut(rest, "{{resolve:")
		if before != "" {
			parts = append(parts, &schema.Node{Kind: schema.Text, Text: before, At: n.At})
		}
		if found {
			parts = append(parts, unknown(n, &schema.Call{Name: "resolve"}))
			_, after, _ = strings.Cut(after, "}}")
		}
		rest = after
	}
	out := unknown(n, &schema.Call{Name: "resolve", Parts: parts})
	out.Text = n.Text
	return out
}

// function is the name and the argument of a function; empty: the object is none.
func function(n *schema.Node) (name string, arg *schema.Node) {
	if n == nil || len(n.Fields) != 1 {
		return "", nil
	}
	f := n.Fields[0]
	if f.Name == "Ref" || strings.HasPrefix(f.Name, "Fn::") {
		return f.Name, f.Value
	}
	return "", nil
}

func (e *evaluator) call(n *schema.Node, name string, arg *schema.Node, depth int) *schema.Node {
	switch name {
	case "Ref":
		return e.ref(n, arg.Text)
	case "Fn::GetAtt":
		return e.attribute(n, arg)
	case "Fn::If":
		return e.choose(n, arg, depth)
	case "Fn::Sub":
		return e.sub(n, arg, depth)
	case "Fn::Join":
		return e.join(n, arg, depth)
	case "Fn::FindInMap":
		return e.find(n, arg, depth)
	case "Fn::Select":
		return e.pick(n, arg, depth)
	case "Fn::Split":
		return e.split(n, arg, depth)
	case "Fn::ImportValue":
		return unknown(n, &schema.Call{Name: name, From: e.eval(arg, depth)})
	}
	return unknown(n, &schema.Call{Name: name})
}

func (e *evaluator) ref(n *schema.Node, to string) *schema.Node {
	switch p, isParameter := e.parameters[to]; {
	case to == "AWS::NoValue":
		return nil
	case e.resources[to]:
		return unknown(n, &schema.Call{Name: "Ref", Resource: to})
	case isParameter && len(p.Allowed) == 1 && p.Allowed[0].Kind != schema.Map: // there is no choice
		return &schema.Node{Kind: p.Allowed[0].Kind, Text: p.Allowed[0].Text, At: n.At}
	case isParameter || strings.HasPrefix(to, "AWS::"):
		return unknown(n, &schema.Call{Name: "Ref", Parameter: to})
	}
	return unknown(n, &schema.Call{Name: "Ref", Resource: to}) // of nothing: lint says so
}

func (e *evaluator) attribute(n, arg *schema.Node) *schema.Node {
	id, attr := "", ""
	if arg.Kind == schema.Text {
		id, attr, _ = strings.Cut(arg.Text, ".")
	} else if len(arg.Items) == 2 {
		id, attr = arg.Items[0].String(), arg.Items[1].String() // an attribute may be a reference to a parameter
	}
	return unknown(n, &schema.Call{Name: "Fn::GetAtt", Resource: id, Attr: attr})
}

func (e *evaluator) choose(n, arg *schema.Node, depth int) *schema.Node {
	if len(arg.Items) != 3 {
		return unknown(n, &schema.Call{Name: "Fn::If"})
	}
	switch e.condition(arg.Items[0].String(), 0) {
	case holds:
		return e.eval(arg.Items[1], depth)
	case fails:
		return e.eval(arg.Items[2], depth)
	}
	return unknown(n, &schema.Call{Name: "Fn::If", Choices: []*schema.Node{e.eval(arg.Items[1], depth), e.eval(arg.Items[2], depth)}})
}

// text makes one text of parts: known if all of them are.
func (e *evaluator) text(n *schema.Node, name string, parts []*schema.Node) *schema.Node {
	var b strings.Builder
	for _, p := range parts {
		if !p.Known() {
			return unknown(n, &schema.Call{Name: name, Parts: parts})
		}
		b.WriteString(p.Text)
	}
	if e.computed += b.Len(); e.computed > computedBytesMax {
		return unknown(n, &schema.Call{Name: name})
	}
	return e.eval(&schema.Node{Kind: schema.Text, Text: b.String(), At: n.At}, 0) // it may be a dynamic reference
}

func (e *evaluator) sub(n, arg *schema.Node, depth int) *schema.Node {
	var vars *schema.Node
	if len(arg.Items) == 2 {
		arg, vars = arg.Items[0], arg.Items[1]
	}
	if arg.Kind != schema.Text {
		return unknown(n, &schema.Call{Name: "Fn::Sub"})
	}
	var parts []*schema.Node
	for rest := arg.Text; rest != ""; {
		plain, variable, after := cutVariable(rest)
		if plain != "" {
			parts = append(parts, &schema.Node{Kind: schema.Text, Text: plain, At: arg.At})
		}
		if variable != "" {
			parts = append(parts, e.variable(n, variable, vars, depth))
		}
		rest = after
	}
	return e.text(n, "Fn::Sub", parts)
}

// cutVariable takes the text before the first ${name}, and the name. "${!name}" stands for the text "${name}".
func cutVariable(s string) (plain, name, after string) {
	i := strings.Index(s, "${")
	if i < 0 {
		return s, "", ""
	}
	if strings.HasPrefix(s[i+2:], "!") {
		return s[:i] + "${", "", s[i+3:]
	}
	name, after, closed := strings.Cut(s[i+2:], "}")
	if !closed {
		return s, "", ""
	}
	return s[:i], strings.TrimSpace(name), after
}

func (e *evaluator) variable(n *schema.Node, name string, vars *schema.Node, depth int) *schema.Node {
	var v *schema.Node
	if given := vars.Get(name); given != nil {
		v = e.eval(given, depth+1)
	} else if id, attr, isAttr := strings.Cut(name, "."); isAttr {
		v = unknown(n, &schema.Call{Name: "Fn::GetAtt", Resource: id, Attr: attr})
	} else {
		v = e.ref(n, name)
	}
	if _, ok := v.AsText(); !ok && !v.Open() {
		return unknown(n, nil)
	}
	return v
}

func (e *evaluator) join(n, arg *schema.Node, depth int) *schema.Node {
	if len(arg.Items) != 2 || arg.Items[0].Kind != schema.Text {
		return unknown(n, &schema.Call{Name: "Fn::Join"})
	}
	list := e.eval(arg.Items[1], depth)
	if list == nil || list.Kind != schema.List {
		return unknown(n, &schema.Call{Name: "Fn::Join"})
	}
	var parts []*schema.Node
	for i, item := range list.Items {
		if _, ok := item.AsText(); !ok && !item.Open() {
			return unknown(n, &schema.Call{Name: "Fn::Join"})
		}
		if i > 0 && arg.Items[0].Text != "" {
			parts = append(parts, arg.Items[0])
		}
		parts = append(parts, item)
	}
	return e.text(n, "Fn::Join", parts)
}

func (e *evaluator) find(n, arg *schema.Node, depth int) *schema.Node {
	no := unknown(n, &schema.Call{Name: "Fn::FindInMap"})
	if len(arg.Items) < 3 {
		return no
	}
	at := e.raw.Get("Mappings")
	for _, key := range arg.Items[:3] {
		name, ok := e.eval(key, depth).AsText()
		if !ok {
			return no
		}
		at = at.Get(name)
	}
	if at == nil || at.Kind == schema.Map {
		return no
	}
	return e.eval(at, depth)
}

func (e *evaluator) pick(n, arg *schema.Node, depth int) *schema.Node {
	no := unknown(n, &schema.Call{Name: "Fn::Select"})
	if len(arg.Items) != 2 {
		return no
	}
	index, ok := e.eval(arg.Items[0], depth).AsNumber()
	no.Call.From = e.eval(arg.Items[1], depth)
	list := no.Call.From.List()
	if !ok || index < 0 || index != float64(int(index)) || int(index) >= len(list) {
		return no
	}
	for _, item := range list[:int(index)+1] {
		if item.Open() && item.Call != nil && item.Call.Name == "Fn::If" {
			return no // it may be nothing, and then others move up
		}
	}
	return list[int(index)]
}

func (e *evaluator) split(n, arg *schema.Node, depth int) *schema.Node {
	no := unknown(n, &schema.Call{Name: "Fn::Split"})
	if len(arg.Items) != 2 || arg.Items[0].String() == "" {
		return no
	}
	no.Call.From = e.eval(arg.Items[1], depth)
	text, ok := no.Call.From.AsText()
	if e.computed += len(text); !ok || e.computed > computedBytesMax {
		return no
	}
	out := &schema.Node{Kind: schema.List, At: n.At}
	for part := range strings.SplitSeq(text, arg.Items[0].String()) {
		if !e.spend(depth) {
			return no
		}
		out.Items = append(out.Items, &schema.Node{Kind: schema.Text, Text: part, At: n.At})
	}
	return out
}

// condition says what is known of a condition by its name.
func (e *evaluator) condition(name string, depth int) verdict {
	if v, done := e.conditions[name]; done {
		return v
	}
	c := e.raw.Get("Conditions").Get(name)
	if c == nil {
		return perhaps
	}
	e.conditions[name] = perhaps // one that refers to itself is never known
	v := e.test(c, depth+1)
	e.conditions[name] = v
	return v
}

func (e *evaluator) test(c *schema.Node, depth int) verdict {
	if c == nil || len(c.Fields) != 1 || !e.spend(depth) {
		return perhaps
	}
	arg := c.Fields[0].Value
	switch c.Fields[0].Name {
	case "Condition":
		return e.condition(arg.String(), depth)
	case "Fn::Equals":
		if len(arg.Items) != 2 {
			return perhaps
		}
		a, known1 := e.eval(arg.Items[0], depth).AsText()
		b, known2 := e.eval(arg.Items[1], depth).AsText()
		if known1 && known2 {
			return known(a == b)
		}
	case "Fn::Not":
		if len(arg.Items) == 1 {
			return [...]verdict{perhaps: perhaps, holds: fails, fails: holds}[e.test(arg.Items[0], depth+1)]
		}
	case "Fn::And":
		return e.all(arg.Items, holds, fails, depth)
	case "Fn::Or":
		return e.all(arg.Items, fails, holds, depth)
	}
	return perhaps
}

// all is same if every condition is, and other as soon as one is.
func (e *evaluator) all(list []*schema.Node, same, other verdict, depth int) verdict {
	out := same
	for _, c := range list {
		switch e.test(c, depth+1) {
		case other:
			return other
		case perhaps:
			out = perhaps
		}
	}
	return out
}
