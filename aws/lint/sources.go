package lint

import "skerry.dev/skerry/aws/finding"

// Where AWS says what the rules hold against a template.
const (
	guide     = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
	api       = "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_"
	waf       = "https://docs.aws.amazon.com/waf/latest/developerguide/"
	wafAPI    = "https://docs.aws.amazon.com/waf/latest/APIReference/API_"
	route53   = "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/"
	templates = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
	logs      = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/"

	settings   = guide + "DownloadDistValuesGeneral.html"
	originPage = guide + "DownloadDistValuesOrigin.html"
	cachePage  = guide + "DownloadDistValuesCacheBehavior.html"
	limitsPage = guide + "cloudfront-limits.html"
	wafLimits  = waf + "limits.html"
)

// The severities, by what comes of it: refuses is refused at deployment or does not do what it says; risk works and should
// not stay so.
const (
	refuses = finding.Error
	risk    = finding.Warning
	hint    = finding.Note
)

// rule is a row of the catalogue.
func rule(id string, severity finding.Severity, meaning, remedy, witness, source string) finding.Rule {
	return finding.Rule{ID: id, Severity: severity, Meaning: meaning, Remedy: remedy, Witness: witness, Source: source}
}
