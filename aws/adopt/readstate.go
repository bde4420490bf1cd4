package adopt

import (
	"reflect"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/model"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/aws/terraform"
)

// stateReader reads a state of Terraform, as the file or as `terraform show -json` prints it.
type stateReader struct {
	*source
	looked []instance // data sources: read after what is managed
}

// instance is one resource of a state.
type instance struct {
	address, kind string
	attributes    *schema.Node
}

// state reads a state of Terraform; false: the document is none.
func (f *found) state(src *source, root *schema.Node) bool {
	r := &stateReader{source: src}
	switch {
	case root.Get("terraform_version") != nil && root.Get("resources").List() != nil && root.Get("version").String() == "4":
		for _, n := range root.Get("resources").Items {
			r.stored(n)
		}
	case root.Get("format_version") != nil && root.Path("values", "root_module") != nil:
		r.module(root.Path("values", "root_module"))
	default:
		return false
	}
	for _, i := range r.looked {
		r.instance(i, true)
	}
	for _, n := range []*schema.Node{root, root.Get("values")} {
		if n == nil {
			continue
		}
		for _, field := range n.Fields {
			switch field.Name {
			case "version", "terraform_version", "serial", "lineage", "format_version":
				src.settle(field.Value, "", notesOfTerraform)
			case "outputs", "check_results", "checks":
				src.whole(field.Value, Exact, "", nil, notesOfTerraform)
			}
		}
	}
	return true
}

const notesOfTerraform = "what Terraform notes, no setting"

// stored reads a resource as the file of a state has it.
func (r *stateReader) stored(n *schema.Node) {
	address := n.Get("type").String() + "." + n.Get("name").String()
	if module := n.Get("module").String(); module != "" {
		address = module + "." + address
	}
	for _, i := range n.Get("instances").List() {
		at := address
		switch key := i.Get("index_key"); {
		case key == nil:
		case key.Kind == schema.Text:
			at += `["` + key.Text + `"]`
		default:
			at += "[" + key.String() + "]"
		}
		r.resource(instance{at, n.Get("type").String(), i.Get("attributes")}, n.Get("mode").String())
		r.notes(i, at)
	}
	r.notes(n, address)
}

// module reads the resources of a module and of those in it, as they are printed.
func (r *stateReader) module(n *schema.Node) {
	for _, n := range n.Get("resources").List() {
		address := n.Get("address").String()
		r.resource(instance{address, n.Get("type").String(), n.Get("values")}, n.Get("mode").String())
		r.notes(n, address)
	}
	r.settle(n.Get("address"), "", notesOfTerraform)
	if list := n.Get("resources"); list != nil && isLeaf(list) {
		r.settle(list, "", "an empty list: there is none")
	}
	for _, child := range n.Get("child_modules").List() {
		r.module(child)
	}
}

// notes settles what stands beside the attributes.
func (r *stateReader) notes(n *schema.Node, address string) {
	for _, f := range n.Fields {
		switch f.Name {
		case "attributes", "values", "instances":
		default:
			r.whole(f.Value, Exact, address, nil, notesOfTerraform)
		}
	}
}

func (r *stateReader) resource(i instance, mode string) {
	if i.attributes == nil || i.attributes.Kind != schema.Map {
		return
	}
	if mode == "data" && !slices.Contains(lookedUp[:], i.kind) {
		r.whole(i.attributes, Exact, i.address, nil, "it is only looked up, and managed elsewhere")
	} else if mode == "data" {
		r.looked = append(r.looked, i)
	} else {
		r.instance(i, false)
	}
}

// lookedUp are the data sources that say as much as a resource.
var lookedUp = [...]string{
	"aws_cloudfront_cache_policy", "aws_cloudfront_origin_request_policy", "aws_cloudfront_response_headers_policy",
	"aws_wafv2_ip_set", "aws_wafv2_regex_pattern_set", "aws_route53_zone",
}

// instance reads the attributes of a resource.
func (r *stateReader) instance(i instance, lookup bool) {
	res := &resource{Name: i.address, names: stateNames(i), lookup: lookup}
	took := map[*schema.Node]*schema.Node{}
	res.Type, res.Props = terraform.State(i.kind, i.attributes, func(from, to *schema.Node) { took[from] = to })
	if res.Type == "" {
		res.Type, res.Props = byHand(i, took)
	}
	if known := slices.Contains(edgeTypes[:], res.Type); !known {
		r.foreign(i)
		return
	}
	if lookup && slices.ContainsFunc(r.found.resources, func(other *resource) bool { return other.Type == res.Type && shareName(other, res) }) {
		r.whole(i.attributes, Exact, i.address, nil, "it is only looked up, and stands here itself")
		return
	}
	if twice := r.found.add(res); twice != "" {
		r.whole(i.attributes, Refused, i.address, ruleTwice, twice)
		return
	}
	prune(res.Props, took)
	r.rules(i, res)
	r.leaves(i.attributes, func(leaf *schema.Node) {
		if to, ok := took[leaf]; ok && to == nil {
			r.settle(leaf, i.address, "it says which of a list this is, or how many there are")
		} else if ok {
			r.became(leaf, to, res)
		}
	})
	r.others(i, res)
}

// prune takes out what a state has as zero where nothing is set.
func prune(n *schema.Node, took map[*schema.Node]*schema.Node) {
	policy := n.Get("CachePolicyId") != nil
	n.Fields = slices.DeleteFunc(n.Fields, func(f schema.Field) bool {
		zero := false
		switch f.Name {
		case "ResponseCode", "ResponseCompletionTimeout", "TTL", "MultiValueAnswer":
			zero = true
		case "MinTTL", "DefaultTTL", "MaxTTL":
			zero = policy
		}
		zero = zero && (f.Value.Text == "0" || f.Value.Text == "false")
		if zero {
			delete(took, f.Value)
		}
		return zero
	})
	for _, item := range n.Items {
		prune(item, took)
	}
	for _, f := range n.Fields {
		prune(f.Value, took)
	}
}

// stateNames are what others refer to a resource by, its id in AWS first.
func stateNames(i instance) []string {
	names := []string{}
	fields := []string{"zone_id", "id", "arn", "cloudfront_access_identity_path", "routing_endpoint"}
	switch i.kind {
	case "aws_cloudfront_distribution", "aws_cloudfront_multitenant_distribution":
		fields = append(fields, "domain_name")
	case "aws_route53_record":
		fields = []string{"id"} // its zone_id is another's
	}
	for _, field := range fields {
		if name := i.attributes.Get(field).String(); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return append(names, i.address)
}

// foreign settles a resource that no edge has, or refuses one that the import does not know.
func (r *stateReader) foreign(i instance) {
	for _, family := range [...]string{"aws_cloudfront_", "aws_waf", "aws_shield_", "aws_fms_"} {
		if strings.HasPrefix(i.kind, family) {
			r.whole(i.attributes, Refused, i.address, ruleNotUnderstood, "an "+i.kind+" is not known to this import")
			return
		}
	}
	r.whole(i.attributes, Exact, i.address, nil, notEdge)
}

// rules reads the rules of a firewall that are one text, in the spelling of AWS's API.
func (r *stateReader) rules(i instance, res *resource) {
	for _, name := range []string{"rule_json", "rules_json"} {
		n := i.attributes.Get(name)
		if n.String() == "" {
			continue
		}
		// The text is no JSON document, which begins with a brace.
		root, err := cfn.ReadJSON(n.At.File, []byte(`{"Rules":`+n.Text+`}`), FileBytesMax)
		if err != nil {
			r.refuse(n, i.address, ruleUnreadable, "the text is not JSON")
			continue
		}
		inner := newSource(r.found, r.name, &schema.Node{})
		placed(root, n)
		inner.walk(root.Get("Rules"), r.pointer[n]+"#")
		inner.secrets(root.Get("Rules"), "")
		s := &shaper{source: inner, resource: res, plain: true}
		rules, _ := reflect.TypeOf(model.New(res.Type)).Elem().FieldByName("Rules")
		if v := s.shape(rules.Type, root.Get("Rules")); v != nil {
			res.Props.Fields = append(res.Props.Fields, schema.Field{Name: "Rules", At: n.At, Value: v})
		}
		inner.rest(root.Get("Rules"))
		r.whole(n, Exact, i.address, nil, "what the text says stands in rows of its own, behind a #")
	}
}

// placed says of all values of a text where the text stands.
func placed(n, text *schema.Node) {
	n.At = text.At
	for _, item := range n.Items {
		placed(item, text)
	}
	for i := range n.Fields {
		n.Fields[i].At = text.At
		placed(n.Fields[i].Value, text)
	}
}

// others settles what has no property: it is not set, or state of AWS, or tells Terraform what to do. The rest is not understood.
func (r *stateReader) others(i instance, res *resource) {
	block := schema.Terraform().Resources[i.kind]
	for _, f := range i.attributes.Fields {
		if block != nil {
			if a := block.Attributes[f.Name]; a != nil && a.Computed && !a.Optional {
				r.settle(f.Value, i.address, awsState)
			}
		}
		if slices.Contains(stateAttributes[:], f.Name) || res.lookup {
			r.settle(f.Value, i.address, awsState)
		}
	}
	r.unset(i.attributes, block, i.address)
	for _, f := range i.attributes.Fields {
		if slices.Contains(terraformOnly[:], f.Name) {
			r.settle(f.Value, i.address, "what Terraform does, no setting")
		}
		if r.some(f.Value) {
			r.itself(f.Value, res)
			res.Props.Fields = append(res.Props.Fields, schema.Field{Name: f.Name, At: f.At, Value: f.Value})
		}
	}
}

// unset settles what has no value: nothing, or the zero of an attribute that no row maps. Of an attribute that the provider's
// schema does not have here, false and 0 may mean something.
func (r *stateReader) unset(n *schema.Node, b *schema.TerraformBlock, address string) {
	for _, f := range n.Fields {
		known := b == nil || b.Attributes[f.Name] != nil
		if b != nil && b.Blocks[f.Name] != nil {
			for _, item := range append([]*schema.Node{f.Value}, f.Value.Items...) {
				r.unset(item, b.Blocks[f.Name].Block, address)
			}
			if !isLeaf(f.Value) {
				continue
			}
		}
		r.leaves(f.Value, func(leaf *schema.Node) {
			if leaf.Text == "" || known && (leaf.Text == "0" || leaf.Text == "false") {
				r.settle(leaf, address, "it is not set")
			}
		})
	}
}

// stateAttributes are state of AWS in every resource.
var stateAttributes = [...]string{"id", "arn", "etag", "tags_all", "region", "caller_reference", "iam_arn", "s3_canonical_user_id", "capacity"}

// terraformOnly are what tells Terraform how to go about it.
var terraformOnly = [...]string{
	"retain_on_delete", "wait_for_deployment", "timeouts", "allow_overwrite", "force_destroy", "name_prefix", "skip_destroy", "publish",
	"early_renewal_duration",
}

// byHand reads the resources that the tables of the emitter do not have, since it never writes them.
func byHand(i instance, took map[*schema.Node]*schema.Node) (resourceType string, props *schema.Node) {
	config := ""
	switch i.kind {
	case "aws_cloudfront_origin_access_identity":
		resourceType, config = "AWS::CloudFront::CloudFrontOriginAccessIdentity", "CloudFrontOriginAccessIdentityConfig"
	case "aws_cloudfront_public_key":
		resourceType, config = "AWS::CloudFront::PublicKey", "PublicKeyConfig"
	default:
		return "", nil
	}
	inner := &schema.Node{Kind: schema.Map, At: i.attributes.At}
	for from, to := range map[string]string{"comment": "Comment", "name": "Name", "encoded_key": "EncodedKey"} {
		if v := i.attributes.Get(from); v.String() != "" {
			took[v] = v
			inner.Fields = append(inner.Fields, schema.Field{Name: to, At: v.At, Value: v})
		}
	}
	slices.SortFunc(inner.Fields, func(a, b schema.Field) int { return strings.Compare(a.Name, b.Name) })
	return resourceType, &schema.Node{Kind: schema.Map, At: i.attributes.At, Fields: []schema.Field{{Name: config, At: i.attributes.At, Value: inner}}}
}
