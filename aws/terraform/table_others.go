package terraform

// firewall is AWS WAF. Rows that begin with Rules hold for web ACLs and for rule groups.
var firewall = map[string]fieldsOf{
	"WebACL":                                  {"CustomResponseBodies": {to: "custom_response_body", shape: keyed}, "Rules": {to: "rule"}},
	"RuleGroup":                               {"CustomResponseBodies": {to: "custom_response_body", shape: keyed}, "Rules": {to: "rule"}},
	"WebACLAssociationConfig":                 {"RequestBody": {to: "request_body", shape: cases}},
	"WebACLDataProtectionConfig":              {"DataProtections": {to: "data_protection"}},
	"RegexPatternSet":                         {"RegularExpressionList": {to: "regular_expression", shape: each, inner: "regex_string"}},
	"LoggingConfigurationLoggingFilter":       {"Filters": {to: "filter"}},
	"LoggingConfigurationFilter":              {"Conditions": {to: "condition"}},
	"Rules.AndStatement":                      {"Statements": {to: "statement"}},
	"Rules.OrStatement":                       {"Statements": {to: "statement"}},
	"Rules.ByteMatchStatement":                transformed,
	"Rules.RegexMatchStatement":               transformed,
	"Rules.RegexPatternSetReferenceStatement": transformed,
	"Rules.SizeConstraintStatement":           transformed,
	"Rules.SqliMatchStatement":                transformed,
	"Rules.XssMatchStatement":                 transformed,
	"Rules.RateLimitCookie":                   transformed,
	"Rules.RateLimitHeader":                   transformed,
	"Rules.RateLimitQueryArgument":            transformed,
	"Rules.RateLimitQueryString":              transformed,
	"Rules.RateLimitUriPath":                  transformed,
	"Rules.RateBasedStatement":                {"CustomKeys": {to: "custom_key"}},
	"Rules.ManagedRuleGroupStatement":         {"RuleActionOverrides": {to: "rule_action_override"}},
	"Rules.RuleGroupReferenceStatement":       {"RuleActionOverrides": {to: "rule_action_override"}},
	"Rules.CustomRequestHandling":             {"InsertHeaders": {to: "insert_header"}},
	"Rules.CustomResponse":                    {"ResponseHeaders": {to: "response_header"}},
	"Rules.Rule":                              {"RuleLabels": {to: "rule_label"}},
	"Rules.ClientSideAction":                  {"ExemptUriRegularExpressions": {to: "exempt_uri_regular_expression"}},
}

var transformed = fieldsOf{"TextTransformations": {to: "text_transformation"}}

// others are certificates, records, logs, permissions and secrets.
var others = map[string]fieldsOf{
	"BucketPolicy": {"PolicyDocument": {to: "policy", shape: jsonText}},
	"Certificate": {
		"CertificateExport":                        {to: "options.export"},
		"CertificateTransparencyLoggingPreference": {to: "options.certificate_transparency_logging_preference"},
		"DomainValidationOptions":                  {shape: aside},
	},
	"Delivery": {
		"S3EnableHiveCompatiblePath": {to: "s3_delivery_configuration.enable_hive_compatible_path"},
		"S3SuffixPath":               {to: "s3_delivery_configuration.suffix_path"},
	},
	"DeliveryDestination": {"DestinationResourceArn": {to: "delivery_destination_configuration.destination_resource_arn"}},
	"HostedZone": {
		"HostedZoneConfig": {shape: inline},
		"HostedZoneTags":   {to: "tags", shape: tags},
		"VPCs":             {to: "vpc"},
	},
	"LogGroup":      {"LogGroupName": {to: "name"}},
	"ManagedPolicy": {"ManagedPolicyName": {to: "name"}, "PolicyDocument": {to: "policy", shape: jsonText}},
	"RecordSet": {
		"AliasTarget":       {to: "alias"},
		"CidrRoutingConfig": {to: "cidr_routing_policy"},
		"Failover":          {to: "failover_routing_policy.type"},
		"GeoLocation":       {to: "geolocation_routing_policy"},
		"HostedZoneId":      {to: "zone_id"},
		"MultiValueAnswer":  {to: "multivalue_answer_routing_policy"},
		"Region":            {to: "latency_routing_policy.region"},
		"ResourceRecords":   {to: "records"},
		"TTL":               {to: "ttl", shape: number},
		"Weight":            {to: "weighted_routing_policy.weight"},
	},
	"RecordSetAliasTarget": {"DNSName": {to: "name"}, "HostedZoneId": {to: "zone_id"}},
	"RecordSetGeoLocation": {"ContinentCode": {to: "continent"}, "CountryCode": {to: "country"}, "SubdivisionCode": {to: "subdivision"}},
	"ResourcePolicy":       {"PolicyDocument": {to: "policy_document", shape: jsonText}},
	"RotationSchedule":     {"RotateImmediatelyOnUpdate": {to: "rotate_immediately"}},
	"Secret":               {"GenerateSecretString": {shape: aside}, "ReplicaRegions": {to: "replica"}},
}
