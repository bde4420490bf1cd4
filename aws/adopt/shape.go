package adopt

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// shaper gives what AWS's API says of one resource the shape that CloudFormation has for it. Both have the same names, but for
// their letters' case and the rows of respelled; lists come as {Quantity, Items}.
type shaper struct {
	*source
	resource *resource
	plain    bool // what a firewall looks for is text, as in Terraform's rule_json
}

var valueType = reflect.TypeFor[model.Value]()

// respelled are the names that CloudFormation has for those of the API, by the struct of the model that they stand in.
var respelled = map[string]map[string]string{
	"DistributionConfig":         {"IsIPV6Enabled": "IPV6Enabled"},
	"DistributionGeoRestriction": {"Items": "Locations"},
	"DistributionOrigin":         {"CustomHeaders": "OriginCustomHeaders"},
	"HostedZone":                 {"Config": "HostedZoneConfig"},
}

// property finds the property of a struct that has a name of the API.
func property(t reflect.Type, name string) (reflect.StructField, bool) {
	if to := respelled[t.Name()][name]; to != "" {
		name = to
	}
	if f, ok := t.FieldByName(name); ok {
		return f, true
	}
	return t.FieldByNameFunc(func(other string) bool { return strings.EqualFold(other, name) })
}

// shape is a value in CloudFormation's shape; nil: nothing of it is a setting.
func (s *shaper) shape(t reflect.Type, n *schema.Node) *schema.Node {
	switch {
	case n.Kind == schema.Null:
		s.settle(n, s.resource.Name, "null: it is not set")
		return nil
	case t.Kind() == reflect.Slice && n.Kind == schema.Map && (n.Get("Quantity") != nil || n.Get("Items") != nil):
		return s.counted(t, n)
	case t.Kind() == reflect.Slice && n.Kind == schema.List:
		return s.list(t, n)
	case t.Kind() == reflect.Map && n.Kind == schema.Map && len(n.Fields) > 0:
		out := &schema.Node{Kind: schema.Map, At: n.At}
		for _, f := range n.Fields {
			s.put(out, f, f.Name, t.Elem())
		}
		return out
	case t.Kind() == reflect.Pointer && n.Kind == schema.Map && len(n.Fields) > 0:
		return s.object(t.Elem(), n)
	case t == valueType && n.Kind == schema.Map && len(n.Fields) == 1 && isLeaf(n.Fields[0].Value):
		n = n.Fields[0].Value // {"RegexString": …}, {"Value": …}
	}
	s.itself(n, s.resource)
	return n
}

// put shapes a value into an object.
func (s *shaper) put(out *schema.Node, f schema.Field, name string, t reflect.Type) {
	if v := s.shape(t, f.Value); v != nil {
		out.Fields = append(out.Fields, schema.Field{Name: name, At: f.At, Value: v})
	}
}

// list shapes the items of a list; nil: it has none, as a list that is not there.
func (s *shaper) list(t reflect.Type, n *schema.Node) *schema.Node {
	if len(n.Items) == 0 {
		s.settle(n, s.resource.Name, "an empty list: there is none")
		return nil
	}
	out := &schema.Node{Kind: schema.List, At: n.At}
	for _, item := range n.Items {
		if v := s.shape(t.Elem(), item); v != nil {
			out.Items = append(out.Items, v)
		}
	}
	return out
}

// counted is the list of {Quantity, Items}, with a switch in those of trusted signers. What else stands there is not understood.
func (s *shaper) counted(t reflect.Type, n *schema.Node) *schema.Node {
	items := n.Get("Items")
	s.quantity(n)
	if on := n.Get("Enabled"); on != nil {
		if want := strconv.FormatBool(len(items.List()) > 0); on.Text == want {
			s.settle(on, s.resource.Name, "it says whether there are any")
		} else {
			s.refuse(on, s.resource.Name, ruleContradicts, "the list beside it says "+want)
		}
	}
	if items == nil {
		return nil
	}
	return s.shape(t, items)
}

// quantity settles the count of a list.
func (s *shaper) quantity(n *schema.Node) {
	q, count := n.Get("Quantity"), strconv.Itoa(len(n.Get("Items").List()))
	switch {
	case q == nil:
	case q.String() == count:
		s.settle(q, s.resource.Name, "how many items there are")
	default:
		s.refuse(q, s.resource.Name, ruleContradicts, "the list has "+count)
	}
}

// object shapes what a struct of the model has. A name that the model does not have stays as it is, for whoever knows it.
func (s *shaper) object(t reflect.Type, n *schema.Node) *schema.Node {
	s.special(t.Name(), n)
	out := &schema.Node{Kind: schema.Map, At: n.At}
	if n.Get("Items") != nil || n.Get("Quantity") != nil {
		s.quantity(n)
	}
	for _, f := range n.Fields {
		if !s.some(f.Value) {
			continue
		}
		p, known := property(t, f.Name)
		switch {
		case t.Name() == "Certificate" && f.Name == "Options":
			s.options(out, f.Value)
		case f.Name == "AllowedMethods" && f.Value.Kind == schema.Map:
			cached := f.Value.Get("CachedMethods")
			s.put(out, f, f.Name, p.Type)
			if cached != nil {
				s.put(out, schema.Field{Name: "CachedMethods", At: cached.At, Value: cached}, "CachedMethods", p.Type)
			}
		case strings.HasSuffix(t.Name(), "ByteMatchStatement") && f.Name == "SearchString":
			s.searched(out, f)
		case known:
			s.put(out, f, p.Name, p.Type)
		default:
			s.itself(f.Value, s.resource)
			out.Fields = append(out.Fields, f)
		}
	}
	return out
}

// some is whether anything at or below a value stands in no row yet.
func (s *source) some(n *schema.Node) bool {
	some := false
	s.leaves(n, func(*schema.Node) { some = true })
	return some
}

// special settles what an object has only in the API, by the struct of the model.
func (s *shaper) special(name string, n *schema.Node) {
	settle := func(text string, names ...string) {
		for _, name := range names {
			s.settle(n.Get(name), s.resource.Name, text)
		}
	}
	switch name {
	case "DistributionConfig":
		settle("what the request that made it was called", "CallerReference")
		if logging := n.Get("Logging"); logging.Get("Enabled").String() == "false" {
			s.settle(logging, s.resource.Name, "there is no such log")
		} else {
			s.settle(logging.Get("Enabled"), s.resource.Name, "it says that there is a log")
		}
	case "CloudFrontOriginAccessIdentityConfig", "PublicKeyConfig":
		settle("what the request that made it was called", "CallerReference")
	case "DistributionViewerCertificate":
		settle("the old name of what stands beside it", "Certificate", "CertificateSource")
	case "WebACL", "LoggingConfiguration":
		for _, name := range []string{"ManagedByFirewallManager", "RetrofittedByFirewallManager"} {
			if n.Get(name).String() == "false" {
				settle(awsState, name)
			}
		}
		if n.Get("LogType").String() == "WAF_LOGS" && n.Get("LogScope").String() == "CUSTOMER" {
			settle("the only log that a customer has", "LogType", "LogScope")
		}
	case "HostedZoneConfig":
		if n.Get("PrivateZone").String() == "false" {
			settle("the zone is public", "PrivateZone")
		}
	}
}

// options are those of a certificate, each a property in CloudFormation.
func (s *shaper) options(out, n *schema.Node) {
	for _, f := range n.Fields {
		name := f.Name
		if name == "Export" {
			name = "CertificateExport"
		}
		s.put(out, f, name, valueType)
	}
}

// searched is what a firewall looks for, which the API writes in base64. Bytes that are no text stay in it.
func (s *shaper) searched(out *schema.Node, f schema.Field) {
	raw, err := base64.StdEncoding.DecodeString(f.Value.Text)
	name, to := f.Name, f.Value
	switch {
	case s.plain || err != nil: // some tools print it as text
	case utf8.Valid(raw):
		to = &schema.Node{Kind: schema.Text, Text: string(raw), At: f.Value.At}
	default:
		name = "SearchStringBase64"
	}
	s.became(f.Value, to, s.resource)
	out.Fields = append(out.Fields, schema.Field{Name: name, At: f.At, Value: to})
}
