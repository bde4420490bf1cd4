package terraform

import "skerry.dev/skerry/aws/finding"

// The findings of Emit.
var (
	ruleUnsupported = &finding.Rule{
		ID: "terraform-unsupported", Severity: finding.Error,
		Meaning: "the AWS provider of Terraform has no place for something that the deployment needs",
		Remedy:  "compile for CloudFormation or the CDK, or change the spec so that it is not needed",
		Witness: "terraform validate of a file that has it: Unsupported argument",
	}
	ruleRuleJSON = &finding.Rule{
		ID: "terraform-rule-json", Severity: finding.Warning,
		Meaning: "rules of the firewall nest deeper than the provider's blocks, so all rules of the web ACL are one text in rule_json, and Terraform does not see it when somebody changes them outside of it",
		Remedy:  "say the condition with fewer levels of and, or and not; or look at the web ACL's rules by other means",
		Witness: "delete a rule in the console: terraform plan says that nothing has changed",
		Source:  "https://github.com/hashicorp/terraform-provider-aws/issues/43166",
	}
	ruleTenants = &finding.Rule{
		ID: "terraform-tenants", Severity: finding.Warning,
		Meaning: "multi-tenant distributions are written after the documentation of a newer provider than the one whose schema is checked here",
		Remedy:  "look at terraform plan before terraform apply; or choose another packing",
		Witness: "terraform validate with the provider's own schema",
		Source:  "https://github.com/hashicorp/terraform-provider-aws/blob/main/website/docs/r/cloudfront_multitenant_distribution.html.markdown",
	}
	ruleRetain = &finding.Rule{
		ID: "terraform-retain", Severity: finding.Note,
		Meaning: "Terraform cannot keep a resource that leaves the file; prevent_destroy only refuses to delete it while it is there",
		Remedy:  "when it leaves the file, put a removed block with destroy = false in its place",
		Witness: "take the resource out of main.tf.json: terraform plan wants to destroy it",
		Source:  "https://developer.hashicorp.com/terraform/language/resources/syntax#removing-resources",
	}
	ruleStateSecret = &finding.Rule{
		ID: "terraform-state-secret", Severity: finding.Warning,
		Meaning: "the value of a secret is a property of the distribution, so that it stands in Terraform's state",
		Remedy:  "keep the state where only who may read the secret can read it, encrypted",
		Witness: "terraform show -json | grep secret_string",
		Source:  "https://developer.hashicorp.com/terraform/language/manage-sensitive-data",
	}
)

// Rules are the catalogue of this package.
func Rules() []*finding.Rule {
	return []*finding.Rule{ruleUnsupported, ruleRuleJSON, ruleTenants, ruleRetain, ruleStateSecret}
}
