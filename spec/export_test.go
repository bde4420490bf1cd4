package spec

// FieldPaths are the fields that portability.yaml must cover.
func FieldPaths() []string { return described().rows }

// The names that words stand for.
var (
	AnalyticsCookies   = analyticsCookies
	ConsentCookies     = consentCookies
	CampaignParameters = campaignParameters
)
