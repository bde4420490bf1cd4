package terraform

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
)

// Normal is a deployment in the form that Read gives: what Terraform needs and CloudFormation has defaults for is there, tags are in
// order, joins in joins are one, an attribute that Ref returns is written as Ref, names of headers that AWS WAF compares are in lower case.
// It means the same. The resources are new; references go to the new ones.
func Normal(d *model.Deployment) *model.Deployment {
	n := normalizer{new: map[*model.Resource]*model.Resource{}, stacks: map[*model.Stack]*model.Stack{}}
	out := &model.Deployment{}
	for _, s := range d.Stacks {
		t := &model.Stack{Name: s.Name, Region: s.Region, Note: s.Note}
		n.stacks[s] = t
		out.Stacks = append(out.Stacks, t)
		for _, r := range s.Resources {
			copied := *r
			n.new[r] = &copied
			t.Add(&copied)
		}
	}
	for _, s := range d.Stacks {
		t := n.stacks[s]
		for _, a := range s.After {
			t.After = append(t.After, n.stacks[a])
		}
		for _, o := range s.Outputs {
			t.Outputs = append(t.Outputs, model.Output{ID: o.ID, Note: o.Note, Value: n.value(o.Value)})
		}
		for _, r := range t.Resources {
			n.resource(r)
		}
	}
	return out
}

type normalizer struct {
	new    map[*model.Resource]*model.Resource
	stacks map[*model.Stack]*model.Stack
}

func (n *normalizer) resource(r *model.Resource) {
	r.Props = n.copy(r.Props)
	n.free(reflect.ValueOf(r.Props).Elem())
	complete(r.Props)
	depends := r.DependsOn
	r.DependsOn = nil
	for _, on := range depends {
		r.DependsOn = append(r.DependsOn, n.to(on))
	}
	slices.SortFunc(r.DependsOn, func(a, b *model.Resource) int { return cmp.Compare(a.ID, b.ID) })
}

func (n *normalizer) to(r *model.Resource) *model.Resource {
	if t := n.new[r]; t != nil {
		return t
	}
	return r
}

// copy makes new properties with normal values.
func (n *normalizer) copy(p model.Properties) model.Properties {
	out := model.New(p.ResourceType())
	tree := model.Tree(p, func(v model.Value) any { return n.value(v) })
	if problems := model.Fill(out, tree, func(v any) (model.Value, error) { return v.(model.Value), nil }); len(problems) > 0 {
		panic("BUG: properties that cannot be copied: " + problems[0].Error())
	}
	return out
}

// free makes JSON of text where free JSON belongs.
func (n *normalizer) free(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			n.free(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			n.free(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			if text, ok := f.Interface().(model.Text); ok && f.Type() != valueType {
				var tree any
				if json.Unmarshal([]byte(text), &tree) == nil {
					f.Set(reflect.ValueOf(tree))
				}
			}
			n.free(f)
		}
	}
}

var valueType = reflect.TypeFor[model.Value]()

// value is a value in its only form.
func (n *normalizer) value(v model.Value) model.Value {
	switch v := v.(type) {
	case model.Ref:
		v.Resource = n.to(v.Resource)
		if v.Attr != "" && v.Attr == schema.RefAttr(v.Resource.Type()) {
			v.Attr = ""
		}
		return v
	case model.Join:
		var list []model.Value
		for _, p := range flat(v) {
			list = append(list, n.value(p))
		}
		return joined(resolved(list))
	case model.Text:
		return joined(resolved([]model.Value{v}))
	}
	return v
}

// resolved gives dynamic references their long form: the secret, SecretString and, where there is one, the key.
func resolved(list []model.Value) []model.Value {
	text, refs := masked(list)
	if !strings.Contains(text, "{{resolve:secretsmanager:") {
		return list
	}
	text = dynamic.ReplaceAllStringFunc(text, func(s string) string {
		m := dynamic.FindStringSubmatch(s)
		if strings.Trim(m[3], ":") != "" {
			return s
		}
		return dynamicText(m[1], m[2])
	})
	return unmasked(text, refs)
}

func dynamicText(id, key string) string {
	if key != "" {
		key = ":" + key
	}
	return "{{resolve:secretsmanager:" + id + ":SecretString" + key + "}}"
}

// mask stands for the references of a text, in their order. No text of a spec has it.
const mask = "\x00"

func masked(list []model.Value) (text string, refs []model.Value) {
	var b strings.Builder
	for _, v := range list {
		if t, ok := v.(model.Text); ok {
			b.WriteString(strings.ReplaceAll(string(t), mask, ""))
			continue
		}
		b.WriteString(mask)
		refs = append(refs, v)
	}
	return b.String(), refs
}

func unmasked(text string, refs []model.Value) []model.Value {
	var out model.Join
	for i, t := range strings.Split(text, mask) {
		if i > 0 {
			out = append(out, refs[i-1])
		}
		out = append(out, model.Text(t))
	}
	return flat(out)
}

// complete writes down what CloudFormation takes for granted and Terraform does not, or reports as changed at every plan.
func complete(p model.Properties) {
	walk(reflect.ValueOf(p))
	switch p := p.(type) {
	case *model.Distribution:
		completeDistribution(p.DistributionConfig)
	case *model.Function:
		p.AutoPublish = or(p.AutoPublish, model.Bool(false))
	case *model.HostedZone:
		if p.HostedZoneConfig != nil && p.HostedZoneConfig.Comment == nil {
			p.HostedZoneConfig = nil
		}
	case *model.RecordSet:
		if p.AliasTarget != nil {
			p.AliasTarget.EvaluateTargetHealth = or(p.AliasTarget.EvaluateTargetHealth, model.Bool(false))
		}
	case *model.VpcOrigin:
		if c := p.VpcOriginEndpointConfig; c != nil {
			c.HTTPPort, c.HTTPSPort = or(c.HTTPPort, model.Int(80)), or(c.HTTPSPort, model.Int(443))
			c.OriginProtocolPolicy = or(c.OriginProtocolPolicy, model.Text("match-viewer"))
			if c.OriginSSLProtocols == nil {
				c.OriginSSLProtocols = model.Texts([]string{"TLSv1.2"})
			}
		}
	case *model.ResponseHeadersPolicy:
		if c := p.ResponseHeadersPolicyConfig; c != nil && c.ServerTimingHeadersConfig != nil {
			c.ServerTimingHeadersConfig.SamplingRate = or(c.ServerTimingHeadersConfig.SamplingRate, model.Int(0))
		}
	case *model.Certificate:
		completeCertificate(p)
	}
}

func or(v, otherwise model.Value) model.Value {
	if v == nil {
		return otherwise
	}
	return v
}

func completeDistribution(c *model.DistributionConfig) {
	if c == nil {
		return
	}
	if c.Restrictions == nil {
		c.Restrictions = &model.DistributionRestrictions{GeoRestriction: &model.DistributionGeoRestriction{RestrictionType: model.Text("none")}}
	}
	if c.ViewerCertificate == nil {
		c.ViewerCertificate = &model.DistributionViewerCertificate{CloudFrontDefaultCertificate: model.Bool(true)}
	}
	methods := func(allowed, cached *[]model.Value) {
		for _, list := range []*[]model.Value{allowed, cached} {
			if *list == nil {
				*list = model.Texts([]string{"GET", "HEAD"})
			}
		}
	}
	if b := c.DefaultCacheBehavior; b != nil {
		methods(&b.AllowedMethods, &b.CachedMethods)
	}
	for _, b := range c.CacheBehaviors {
		methods(&b.AllowedMethods, &b.CachedMethods)
	}
	for _, o := range c.Origins {
		if f := o.CustomOriginConfig; f != nil {
			f.HTTPPort, f.HTTPSPort = or(f.HTTPPort, model.Int(80)), or(f.HTTPSPort, model.Int(443))
			if f.OriginSSLProtocols == nil {
				f.OriginSSLProtocols = model.Texts([]string{"TLSv1", "SSLv3"}) // what CloudFormation takes
			}
			continue
		}
		if o.VpcOriginConfig != nil {
			continue
		}
		if o.S3OriginConfig == nil {
			o.S3OriginConfig = &model.DistributionS3OriginConfig{}
		}
		o.S3OriginConfig.OriginAccessIdentity = or(o.S3OriginConfig.OriginAccessIdentity, model.Text(""))
	}
}

// completeCertificate puts the proofs of domains into the order of the domains.
func completeCertificate(c *model.Certificate) {
	if len(c.DomainValidationOptions) == 0 {
		c.DomainValidationOptions = nil
	}
	domains := []string{text(c.DomainName)}
	for _, n := range c.SubjectAlternativeNames {
		domains = append(domains, text(n))
	}
	slices.SortStableFunc(c.DomainValidationOptions, func(a, b *model.CertificateDomainValidationOption) int {
		return cmp.Compare(slices.Index(domains, text(a.DomainName)), slices.Index(domains, text(b.DomainName)))
	})
}

// walk visits every object: tags in order, what the firewall compares in its only form, texts that are numbers.
func walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		normalObject(v.Interface())
		walk(v.Elem())
	case reflect.Struct:
		if list := v.FieldByName("Items"); v.FieldByName("Quantity").IsValid() && list.IsNil() {
			list.Set(reflect.MakeSlice(list.Type(), 0, 0))
		}
		for i := range v.NumField() {
			f := v.Field(i)
			switch list := f.Interface().(type) {
			case []*model.Tag:
				slices.SortStableFunc(list, func(a, b *model.Tag) int { return cmp.Compare(text(a.Key), text(b.Key)) })
			case []*model.HostedZoneTag:
				slices.SortStableFunc(list, func(a, b *model.HostedZoneTag) int { return cmp.Compare(text(a.Key), text(b.Key)) })
			}
			walk(f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i))
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			walk(v.MapIndex(k))
		}
	}
}

func text(v model.Value) string {
	t, _ := v.(model.Text)
	return string(t)
}

func normalObject(o any) {
	switch o := o.(type) {
	case *model.WebACLSingleHeader:
		o.Name = lowered(o.Name)
	case *model.RuleGroupSingleHeader:
		o.Name = lowered(o.Name)
	case *model.LoggingConfigurationSingleHeader:
		o.Name = lowered(o.Name)
	case *model.WebACLSingleQueryArgument:
		o.Name = lowered(o.Name)
	case *model.RuleGroupSingleQueryArgument:
		o.Name = lowered(o.Name)
	case *model.WebACLByteMatchStatement:
		o.SearchString, o.SearchStringBase64 = searched(o.SearchString, o.SearchStringBase64)
	case *model.RuleGroupByteMatchStatement:
		o.SearchString, o.SearchStringBase64 = searched(o.SearchString, o.SearchStringBase64)
	}
}

// lowered is a name in lower case, the only form that the provider takes; AWS WAF does not tell letters of such names apart.
func lowered(v model.Value) model.Value {
	if t, ok := v.(model.Text); ok {
		return model.Text(strings.ToLower(string(t)))
	}
	return v
}

// searched is what is searched for as text, which is the only form outside of CloudFormation; other bytes than UTF-8 stay as they are.
func searched(plain, encoded model.Value) (model.Value, model.Value) {
	if t, ok := encoded.(model.Text); ok && plain == nil {
		if raw, err := base64.StdEncoding.DecodeString(string(t)); err == nil && utf8.Valid(raw) {
			return model.Text(raw), nil
		}
	}
	return plain, encoded
}
