package adopt

import (
	"bytes"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
	"skerry.dev/skerry/fault"
	"skerry.dev/skerry/spec"
)

// The types that others ask for by name.
const (
	typeFunction    = "AWS::CloudFront::Function"
	typeRecordSet   = "AWS::Route53::RecordSet"
	typeRecordSets  = "AWS::Route53::RecordSetGroup"
	typeCertificate = "AWS::CertificateManager::Certificate"
)

// read reads the files, each in the form that it has.
func read(files []File) *found {
	f := &found{ledger: newLedger()}
	var names []string
	for i, file := range files {
		at := spec.Pos{File: file.Name, Line: 1, Col: 1}
		switch {
		case i == filesMax:
			f.problem(at, ruleUnreadable, "", "there are %d files, and %d are read", len(files), filesMax)
		case slices.Contains(names, file.Name):
			f.problem(at, ruleUnreadable, "", "two files have this name")
			continue
		}
		if i >= filesMax {
			break
		}
		names = append(names, file.Name)
		f.file(file)
	}
	f.imports()
	f.decoded()
	f.zones()
	f.ledger.sorted(names)
	return f
}

// file reads one file. JSON begins with a brace; what does not is code or a template in YAML.
func (f *found) file(file File) {
	text := bytes.TrimLeft(bytes.TrimPrefix(file.Data, []byte("\ufeff")), " \t\r\n")
	if !bytes.HasPrefix(text, []byte("{")) {
		if filepath.Ext(file.Name) == ".js" {
			f.code(file)
			return
		}
		f.template(file)
		return
	}
	root, err := cfn.ReadJSON(file.Name, file.Data, FileBytesMax)
	if err != nil {
		f.unreadable(file.Name, err)
		return
	}
	if root.Get("Resources") != nil {
		f.template(file)
		return
	}
	src := newSource(f, file.Name, root)
	if !f.admit(src, root) {
		return
	}
	switch {
	case f.state(src, root), f.answer(src, root):
		src.rest(root)
	default:
		text := "this JSON is none of the forms that are read"
		if version := root.Get("version").String(); root.Get("terraform_version") != nil && version != "" {
			text = "this is a state of version " + version + " of Terraform"
		}
		f.problem(root.At, ruleUnreadable, "", "%s", text)
	}
}

// admit counts the leaves of a file; false: there are too many.
func (f *found) admit(src *source, root *schema.Node) bool {
	if f.leaves += len(src.open); f.leaves > leavesMax {
		f.problem(root.At, ruleUnreadable, "", "all files together have more than %d attributes; give fewer at once", leavesMax)
		return false
	}
	return true
}

// unreadable turns an error of a reader into a finding.
func (f *found) unreadable(name string, err error) {
	at, text := spec.Pos{File: name, Line: 1, Col: 1}, err.Error()
	var list fault.Problems
	if errors.As(err, &list) && len(list) > 0 {
		at.Line, at.Col, text = list[0].Line, list[0].Col, list[0].Text
		if list[0].Fix != "" {
			text += " (" + list[0].Fix + ")"
		}
	}
	f.problem(at, ruleUnreadable, "", "%s", text)
}

// code is the code of a function, in a file that has its name.
func (f *found) code(file File) {
	n := &schema.Node{Kind: schema.Text, Text: string(file.Data), At: spec.Pos{File: file.Name, Line: 1, Col: 1}}
	name := baseName(file.Name)
	src := newSource(f, file.Name, n)
	src.hide(n)
	if !f.admit(src, n) {
		return
	}
	r := &resource{Type: typeFunction, Name: name, Code: n, Props: &schema.Node{Kind: schema.Map, At: n.At}, names: []string{name}}
	f.resources = append(f.resources, r)
	src.itself(n, r)
}

// baseName is the name of a file without folder and ending: what a resource is called that has no other name.
func baseName(file string) string {
	base := path.Base(filepath.ToSlash(file))
	return strings.TrimSuffix(base, path.Ext(base))
}

// add takes a resource up, unless there is another description of it; twice says where, or is empty.
func (f *found) add(r *resource) (twice string) {
	for _, other := range f.resources {
		if other.Type == r.Type && (other.Code == nil || r.Code != nil) && shareName(other, r) {
			return "it is described already at " + other.Props.At.String()
		}
	}
	f.resources = append(f.resources, r)
	return ""
}

// shareName is whether two resources are known by the same name.
func shareName(a, b *resource) bool {
	return slices.ContainsFunc(a.names, func(name string) bool { return name != "" && slices.Contains(b.names, name) })
}

// inEdge is whether resources of a type are part of an edge, by its name; known only if the mapping reads them.
func inEdge(resourceType string) (part, known bool) {
	if slices.Contains(edgeTypes[:], resourceType) {
		return true, true
	}
	for _, family := range [...]string{"AWS::CloudFront::", "AWS::WAF", "AWS::Shield::", "AWS::FMS::", typeRecordSets} {
		part = part || strings.HasPrefix(resourceType, family)
	}
	return part, false
}

// edgeTypes are what the mapping reads.
var edgeTypes = [...]string{
	typeCertificate,
	"AWS::CloudFront::CachePolicy",
	"AWS::CloudFront::CloudFrontOriginAccessIdentity",
	"AWS::CloudFront::ConnectionGroup",
	"AWS::CloudFront::ContinuousDeploymentPolicy",
	"AWS::CloudFront::Distribution",
	"AWS::CloudFront::DistributionTenant",
	typeFunction,
	"AWS::CloudFront::KeyGroup",
	"AWS::CloudFront::KeyValueStore",
	"AWS::CloudFront::MonitoringSubscription",
	"AWS::CloudFront::OriginAccessControl",
	"AWS::CloudFront::OriginRequestPolicy",
	"AWS::CloudFront::PublicKey",
	"AWS::CloudFront::RealtimeLogConfig",
	"AWS::CloudFront::ResponseHeadersPolicy",
	"AWS::CloudFront::VpcOrigin",
	"AWS::Logs::Delivery",
	"AWS::Logs::DeliveryDestination",
	"AWS::Logs::DeliverySource",
	"AWS::Route53::HostedZone",
	typeRecordSet,
	"AWS::WAFv2::IPSet",
	"AWS::WAFv2::LoggingConfiguration",
	"AWS::WAFv2::RegexPatternSet",
	"AWS::WAFv2::RuleGroup",
	"AWS::WAFv2::WebACL",
	"AWS::WAFv2::WebACLAssociation",
}

const notEdge = "no part of an edge"
