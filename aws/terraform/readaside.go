package terraform

import (
	"fmt"
	"regexp"
	"slices"

	"skerry.dev/skerry/aws/model"
)

// What stands beside certificates and secrets, read back.
var (
	proofName   = regexp.MustCompile(`^\[for o in aws_acm_certificate\.([a-z0-9_]+)\.domain_validation_options : o\.[a-z_]+ if contains\((\[.*\]), o\.domain_name\)\]\[0\]$`)
	quotedTexts = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)
	keyedSecret = regexp.MustCompile(`^jsonencode\(merge\(jsondecode\(("(?:[^"\\]|\\.)*")\), \{("(?:[^"\\]|\\.)*") = ephemeral\.`)
)

// isProof is whether a record proves domains of a certificate.
func (r *reader) isProof(a address, body node) bool {
	return a.kind == recordKind && proofOf(body) != nil
}

// proofOf is the certificate's name, and its domains as they stand in the expression; nil: it proves nothing.
func proofOf(body node) []string {
	name, _ := body["name"].(string)
	parts, err := parse(name)
	if err != nil || len(parts) != 1 || !parts[0].expr {
		return nil
	}
	return proofName.FindStringSubmatch(parts[0].text)
}

// aside reads what stands beside resources and belongs to them.
func (r *reader) aside(sections map[string]map[address]node) {
	waits := map[string]bool{}
	for _, a := range ordered(sections["resource"]) {
		body := sections["resource"][a]
		r.at = a.String()
		switch {
		case a.kind == validationKind:
			waits[a.name] = true
			if _, ok := r.resources[address{"aws_acm_certificate", a.name}]; !ok {
				r.fail("", "there is no certificate %s", a.name)
			}
		case a.kind == versionKind:
			r.secret(a, body, sections["ephemeral"])
		case r.isProof(a, body):
			r.proof(body)
		}
	}
	for a, resource := range r.resources {
		c, ok := resource.Props.(*model.Certificate)
		if !ok {
			continue
		}
		r.at = a.String()
		if !waits[a.name] {
			r.fail("", "nothing waits for it")
		}
		completeCertificate(c)
	}
	for a := range sections["ephemeral"] {
		r.at = "ephemeral." + a.String()
		if _, ok := sections["resource"][address{versionKind, a.name}]; !ok || a.kind != passwordKind {
			r.fail("", "no secret has it")
		}
	}
}

// proof adds the domains that a record proves to their certificate.
func (r *reader) proof(body node) {
	m := proofOf(body)
	resource := r.resources[address{"aws_acm_certificate", m[1]}]
	if resource == nil {
		r.fail("name", "there is no certificate %s", m[1])
		return
	}
	c := resource.Props.(*model.Certificate)
	for _, domain := range quotedTexts.FindAllString(m[2], -1) {
		c.DomainValidationOptions = append(c.DomainValidationOptions, &model.CertificateDomainValidationOption{
			DomainName: model.Text(unquoted(domain)), HostedZoneId: r.value(body["zone_id"], "zone_id"),
		})
	}
}

// secret reads how a secret is generated.
func (r *reader) secret(a address, body node, passwords map[address]node) {
	resource, password := r.resources[address{"aws_secretsmanager_secret", a.name}], passwords[address{passwordKind, a.name}]
	if resource == nil || password == nil {
		r.fail("", "there is no secret of its name, or no password")
		return
	}
	delete(password, "//")
	g := &model.SecretGenerateSecretString{}
	get := func(name string, v *model.Value) {
		if raw := take(password, name); raw != nil {
			*v = r.value(raw, name)
		}
	}
	get("exclude_characters", &g.ExcludeCharacters)
	get("exclude_lowercase", &g.ExcludeLowercase)
	get("exclude_numbers", &g.ExcludeNumbers)
	get("exclude_punctuation", &g.ExcludePunctuation)
	get("exclude_uppercase", &g.ExcludeUppercase)
	get("include_space", &g.IncludeSpace)
	get("password_length", &g.PasswordLength)
	get("require_each_included_type", &g.RequireEachIncludedType)
	r.left(password, "")
	value, _ := body["secret_string_wo"].(string)
	parts, err := parse(value)
	if err != nil || len(parts) != 1 {
		r.fail("secret_string_wo", "one expression is needed")
		return
	}
	if m := keyedSecret.FindStringSubmatch(parts[0].text); m != nil {
		g.SecretStringTemplate, g.GenerateStringKey = model.Text(unquoted(m[1])), model.Text(unquoted(m[2]))
	} else if parts[0].text != fmt.Sprintf("ephemeral.%s.random_password", address{passwordKind, a.name}) {
		r.fail("secret_string_wo", "Emit writes no expression like %q", parts[0].text)
	}
	names := []string{"secret_id", "secret_string_wo", "secret_string_wo_version"}
	for name := range body {
		if !slices.Contains(names, name) {
			r.fail(name, "no property of CloudFormation is mapped to it")
		}
	}
	resource.Props.(*model.Secret).GenerateSecretString = g
}
