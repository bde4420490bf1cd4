package terraform

// properties are the rows of all structs of the model, by name.
var properties = merge(cloudfront, tenants, firewall, others)

func merge(tables ...map[string]fieldsOf) map[string]fieldsOf {
	all := map[string]fieldsOf{}
	for _, t := range tables {
		for name, f := range t {
			all[name] = f
		}
	}
	return all
}

// behavior is the same for the default behaviour and the others.
var behavior = fieldsOf{
	"FunctionAssociations":       {to: "function_association"},
	"LambdaFunctionAssociations": {to: "lambda_function_association"},
}

var cloudfront = map[string]fieldsOf{
	"CachePolicy":                {"CachePolicyConfig": {shape: inline}},
	"ContinuousDeploymentPolicy": {"ContinuousDeploymentPolicyConfig": {shape: inline}},
	"Distribution":               {"DistributionConfig": {shape: inline}},
	"Function": {
		"AutoPublish":    {to: "publish"},
		"FunctionCode":   {to: "code"},
		"FunctionConfig": {shape: inline},
	},
	"KeyGroup":              {"KeyGroupConfig": {shape: inline}},
	"OriginAccessControl":   {"OriginAccessControlConfig": {shape: inline}},
	"OriginRequestPolicy":   {"OriginRequestPolicyConfig": {shape: inline}},
	"ResponseHeadersPolicy": {"ResponseHeadersPolicyConfig": {shape: inline}},

	"CachePolicyCookiesConfig":              {"Cookies": {to: "cookies", shape: items}},
	"CachePolicyHeadersConfig":              {"Headers": {to: "headers", shape: items}},
	"CachePolicyQueryStringsConfig":         {"QueryStrings": {to: "query_strings", shape: items}},
	"OriginRequestPolicyCookiesConfig":      {"Cookies": {to: "cookies", shape: items}},
	"OriginRequestPolicyHeadersConfig":      {"Headers": {to: "headers", shape: items}},
	"OriginRequestPolicyQueryStringsConfig": {"QueryStrings": {to: "query_strings", shape: items}},
	"ContinuousDeploymentPolicyConfig":      {"StagingDistributionDnsNames": {to: "staging_distribution_dns_names", shape: items, inner: "quantity"}},
	"FunctionConfig":                        {"KeyValueStoreAssociations": {to: "key_value_store_associations", shape: single}},
	"VpcOriginEndpointConfig":               {"OriginSSLProtocols": {to: "origin_ssl_protocols", shape: items, inner: "quantity"}},
	"RealtimeLogConfig":                     {"EndPoints": {to: "endpoint"}},

	"DistributionConfig": {
		"CacheBehaviors":       {to: "ordered_cache_behavior"},
		"CustomErrorResponses": {to: "custom_error_response"},
		"IPV6Enabled":          {to: "is_ipv6_enabled"},
		"Logging":              {to: "logging_config"},
		"OriginGroups":         {to: "origin_group", shape: counted},
		"Origins":              {to: "origin"},
	},
	"DistributionCacheBehavior":             behavior,
	"DistributionDefaultCacheBehavior":      behavior,
	"DistributionLambdaFunctionAssociation": {"LambdaFunctionARN": {to: "lambda_arn"}},
	"DistributionOrigin": {
		"Id":                  {to: "origin_id"},
		"OriginCustomHeaders": {to: "custom_header"},
		"S3OriginConfig":      {to: "s3_origin_config", shape: bucket},
	},
	"DistributionOriginCustomHeader":          {"HeaderName": {to: "name"}, "HeaderValue": {to: "value"}},
	"DistributionOriginGroup":                 {"Id": {to: "origin_id"}, "Members": {to: "member", shape: counted}},
	"DistributionOriginGroupFailoverCriteria": {"StatusCodes": {to: "status_codes", shape: counted}},
}

// tenantsBehavior is what multi-tenant distributions have otherwise.
var tenantsBehavior = fieldsOf{
	"AllowedMethods":   {to: "allowed_methods.items"},
	"CachedMethods":    {to: "allowed_methods.cached_methods"},
	"TrustedKeyGroups": {to: "trusted_key_groups.items"},
}

var tenants = map[string]fieldsOf{
	"tenants.DistributionConfig": {
		"CacheBehaviors": {to: "cache_behavior"},
		"ConnectionMode": {shape: implied, inner: connectionTenants},
	},
	"tenants.DistributionCacheBehavior":        tenantsBehavior,
	"tenants.DistributionDefaultCacheBehavior": tenantsBehavior,
	"tenants.DistributionCustomErrorResponse":  {"ResponseCode": {to: "response_code", shape: digits}},
	"tenants.DistributionGeoRestriction":       {"Locations": {to: "items"}},
	"tenants.DistributionOrigin":               {"Id": {to: "id"}},
	"tenants.DistributionOriginCustomHeader":   {"HeaderName": {to: "header_name"}, "HeaderValue": {to: "header_value"}},
	"DistributionTenantConfig":                 {"ParameterDefinitions": {to: "parameter_definition"}},
	"DistributionTenant":                       {"Domains": {to: "domain", shape: each, inner: "domain"}, "Parameters": {to: "parameter"}},
	"DistributionTenantCustomizations":         {"GeoRestrictions": {to: "geo_restriction"}},
}
