package adopt

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/finding"
)

// Rules is the catalogue: every rule by which a row or a finding can be, sorted by id.
func Rules() []*finding.Rule {
	list := slices.Concat(readRules[:], cloudFrontRules[:], wafRuleList())
	slices.SortFunc(list, func(a, b *finding.Rule) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// readRules are what stands in the way before anything is taken over.
var readRules = [...]*finding.Rule{ruleUnreadable, ruleTwice, ruleNotUnderstood, ruleUnseen, ruleSometimes, ruleContradicts, ruleInvalid}

var (
	ruleUnreadable = &finding.Rule{
		ID: "import-unreadable", Severity: finding.Error,
		Meaning: "a file is none of the forms that are read, and nothing of it is taken over",
		Remedy: "give the JSON that `aws cloudfront get-distribution` and the like print, a state of Terraform of version 4 or " +
			"`terraform show -json`, or a template of CloudFormation",
		Witness: `{"Items": []}`,
	}
	ruleTwice = &finding.Rule{
		ID: "import-twice", Severity: finding.Error,
		Meaning: "two files describe the same resource, and only the first description is taken over",
		Remedy:  "leave one of them out",
		Witness: "the answers of get-distribution and a state of Terraform that has the same distribution",
	}
	ruleNotUnderstood = &finding.Rule{
		ID: "not-understood", Severity: finding.Error,
		Meaning: "an attribute is not known to this import, so the documents do not say it",
		Remedy:  "look up what it does and say it in the documents by hand; then allow the id",
		Witness: "an attribute that AWS has added since",
	}
	ruleUnseen = &finding.Rule{
		ID: "import-unseen", Severity: finding.Error,
		Meaning: "a macro or a loop makes resources or properties that the file does not show",
		Remedy:  "give the processed template: aws cloudformation get-template --template-stage Processed",
		Witness: "Transform: AWS::Serverless-2016-10-31",
	}
	ruleSometimes = &finding.Rule{
		ID: "import-sometimes", Severity: finding.Warning,
		Meaning: "a resource depends on a condition that is known only when the stack is deployed; it is taken over as if it held",
		Remedy:  "give the answers of AWS's API instead of the template",
		Witness: "Condition: IsProduction",
	}
	ruleContradicts = &finding.Rule{
		ID: "import-contradicts", Severity: finding.Error,
		Meaning: "a file says two different things of the same list or switch, as AWS never prints them",
		Remedy:  "export it again",
		Witness: `{"Quantity": 2, "Items": ["www.example.com"]}`,
	}
	ruleInvalid = &finding.Rule{
		ID: "import-invalid", Severity: finding.Error,
		Meaning: "a value of the input stands in a document and no spec takes it, so that nothing runs the documents as they are",
		Remedy:  "mend the document at this place",
		Witness: "an alias that is no name of a host",
	}
)
