package terraform

import (
	"fmt"
	"strconv"
	"strings"

	"skerry.dev/skerry/aws/model"
)

// Resources that CloudFormation makes on its own, and Terraform only if they are written.
const (
	validationKind = "aws_acm_certificate_validation"
	recordKind     = "aws_route53_record"
	versionKind    = "aws_secretsmanager_secret_version"
	passwordKind   = "aws_secretsmanager_random_password"
)

// proofTTL is how long resolvers keep the record that proves a domain, in seconds.
const proofTTL = 60

// aside writes what stands beside a resource.
func (e *emitter) aside(r *model.Resource, a address) {
	switch p := r.Props.(type) {
	case *model.Certificate:
		e.certificate(r, p, a)
	case *model.Secret:
		if p.GenerateSecretString != nil {
			e.secret(r, p.GenerateSecretString, a)
		}
	}
}

// certificate writes the records that prove the domains, one for each domain with its wildcard, and what waits until the certificate is
// issued, as CloudFormation does.
func (e *emitter) certificate(r *model.Resource, p *model.Certificate, a address) {
	var zones []any // of each proof
	var domains [][]string
	for i, o := range p.DomainValidationOptions {
		path := fmt.Sprintf("DomainValidationOptions.%d", i)
		name, ok := o.DomainName.(model.Text)
		if !ok || o.HostedZoneId == nil || o.ValidationDomain != nil {
			e.find(ruleUnsupported, path, "a domain is proven with its name and a hosted zone only")
			continue
		}
		zone := e.value(o.HostedZoneId, path)
		base := strings.TrimPrefix(string(name), "*.")
		found := false
		for j := range domains {
			if zones[j] == zone && strings.TrimPrefix(domains[j][0], "*.") == base {
				domains[j] = append(domains[j], string(name))
				found = true
			}
		}
		if !found {
			zones, domains = append(zones, zone), append(domains, []string{string(name)})
		}
	}
	wait := node{"//": comment(r), "certificate_arn": "${" + a.String() + ".arn}"}
	var proofs []string
	for i := range domains {
		to := address{recordKind, a.name + "_proof_" + strconv.Itoa(i+1)}
		body := node{"//": comment(r), "zone_id": zones[i], "ttl": proofTTL, "allow_overwrite": true}
		for attr, of := range proofAttrs {
			value := proof(a, domains[i], of)
			if attr == "records" {
				body[attr] = []any{value}
				continue
			}
			body[attr] = value
		}
		e.add("resource", to, body)
		proofs = append(proofs, "${"+to.String()+".fqdn}")
	}
	if len(proofs) > 0 {
		wait["validation_record_fqdns"] = proofs
	}
	wait["lifecycle"] = node{"create_before_destroy": true}
	e.add("resource", address{validationKind, a.name}, wait)
}

// proofAttrs are the attributes of a record that proves domains, and what the certificate says for each.
var proofAttrs = map[string]string{"name": "resource_record_name", "type": "resource_record_type", "records": "resource_record_value"}

// proof asks a certificate for the record that proves domains. A domain and its wildcard have the same.
func proof(a address, domains []string, of string) string {
	return "${[for o in " + a.String() + ".domain_validation_options : o." + of + " if contains(" + list(domains) + ", o.domain_name)][0]}"
}

// list is texts inside of an expression.
func list(texts []string) string {
	var all []string
	for _, t := range texts {
		all = append(all, quoted(t))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// secret writes a generated secret: the password is in no plan and in no state, and made once.
func (e *emitter) secret(r *model.Resource, g *model.SecretGenerateSecretString, a address) {
	body := node{"//": comment(r)}
	put := func(name string, v model.Value, property string) {
		if v != nil {
			body[name] = e.value(v, "GenerateSecretString."+property)
		}
	}
	put("exclude_characters", g.ExcludeCharacters, "ExcludeCharacters")
	put("exclude_lowercase", g.ExcludeLowercase, "ExcludeLowercase")
	put("exclude_numbers", g.ExcludeNumbers, "ExcludeNumbers")
	put("exclude_punctuation", g.ExcludePunctuation, "ExcludePunctuation")
	put("exclude_uppercase", g.ExcludeUppercase, "ExcludeUppercase")
	put("include_space", g.IncludeSpace, "IncludeSpace")
	put("password_length", g.PasswordLength, "PasswordLength")
	put("require_each_included_type", g.RequireEachIncludedType, "RequireEachIncludedType")
	e.add("ephemeral", address{passwordKind, a.name}, body)

	value := "ephemeral." + address{passwordKind, a.name}.String() + ".random_password"
	key, keyed := g.GenerateStringKey.(model.Text)
	form, formed := g.SecretStringTemplate.(model.Text)
	switch {
	case keyed && formed:
		value = fmt.Sprintf("jsonencode(merge(jsondecode(%s), {%s = %s}))", quoted(string(form)), quoted(string(key)), value)
	case g.GenerateStringKey != nil || g.SecretStringTemplate != nil:
		e.find(ruleUnsupported, "GenerateSecretString", "GenerateStringKey and SecretStringTemplate need each other, as text")
	}
	e.add("resource", address{versionKind, a.name}, node{
		"//": comment(r), "secret_id": "${" + a.String() + ".id}", "secret_string_wo": "${" + value + "}", "secret_string_wo_version": 1,
	})
}

// quoted is a text inside of an expression. The language knows fewer escapes than JSON.
func quoted(text string) string {
	return `"` + escape(strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text)) + `"`
}

// dynamic is a text with values from Secrets Manager: a data source for each secret.
func (e *emitter) dynamic(text string, refs []model.Value, path string) []part {
	var out []part
	literals := func(text string) { // its references are the next ones
		n := strings.Count(text, mask)
		out = append(out, e.parts(joined(unmasked(text, refs[:n])), path)...)
		refs = refs[n:]
	}
	for {
		m := dynamic.FindStringSubmatchIndex(text)
		if m == nil {
			break
		}
		literals(text[:m[0]])
		sub := dynamic.FindStringSubmatch(text[m[0]:])
		text = text[m[1]:]
		n := strings.Count(sub[1], mask)
		out = append(out, part{text: e.secretValue(joined(unmasked(sub[1], refs[:n])), sub[2], path), expr: true})
		refs = refs[n:]
		if strings.Trim(sub[3], ":") != "" {
			e.find(ruleUnsupported, path, "a version of a secret cannot be named")
		}
	}
	if strings.Contains(text, "{{resolve:") {
		e.find(ruleUnsupported, path, "only values of Secrets Manager can be asked for")
		return out
	}
	literals(text)
	return out
}

// secretValue is the expression for a value of a secret. One that is made here is asked for once it has a value.
func (e *emitter) secretValue(id model.Value, key, path string) string {
	a := address{versionKind, "secret_" + digest(template(e.parts(id, path)))}
	ask := template(e.parts(id, path))
	if ref, ok := id.(model.Ref); ok {
		if s, ok := ref.Resource.Props.(*model.Secret); ok && s.GenerateSecretString != nil {
			a.name = e.names.of[ref.Resource].name
			ask = "${" + address{versionKind, a.name}.String() + ".secret_id}"
		}
	}
	e.add("data", a, node{"secret_id": ask})
	if e.told != e.in {
		e.find(ruleStateSecret, path, "a property of %s has the value of a secret", e.in.ID)
		e.told = e.in
	}
	value := "data." + a.String() + ".secret_string"
	if key != "" {
		value = "jsondecode(" + value + ")[" + quoted(key) + "]"
	}
	return value
}
