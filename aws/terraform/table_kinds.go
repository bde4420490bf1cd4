package terraform

// id is the attributes of most types.
var id = map[string]string{"": "id", "Id": "id"}

// kinds are the resource types that are mapped, by their names in CloudFormation.
var kinds = []kind{
	{cfn: "AWS::CertificateManager::Certificate", tf: "aws_acm_certificate", attrs: map[string]string{"": "arn", "CertificateArn": "arn"}, shared: true},
	{cfn: "AWS::CloudFront::CachePolicy", tf: "aws_cloudfront_cache_policy", attrs: id, shared: true},
	{cfn: "AWS::CloudFront::ConnectionGroup", tf: "aws_cloudfront_connection_group",
		attrs: map[string]string{"": "id", "Id": "id", "Arn": "arn", "RoutingEndpoint": "routing_endpoint"}},
	{cfn: "AWS::CloudFront::ContinuousDeploymentPolicy", tf: "aws_cloudfront_continuous_deployment_policy", attrs: id},
	{cfn: "AWS::CloudFront::Distribution", tf: "aws_cloudfront_distribution", attrs: distributionAttrs},
	{cfn: "AWS::CloudFront::DistributionTenant", tf: "aws_cloudfront_distribution_tenant", attrs: map[string]string{"": "id", "Id": "id", "Arn": "arn"}},
	{cfn: "AWS::CloudFront::Function", tf: "aws_cloudfront_function", attrs: map[string]string{"": "arn", "FunctionARN": "arn"}, shared: true},
	{cfn: "AWS::CloudFront::KeyGroup", tf: "aws_cloudfront_key_group", attrs: id, shared: true},
	{cfn: "AWS::CloudFront::KeyValueStore", tf: "aws_cloudfront_key_value_store", attrs: map[string]string{"": "name", "Arn": "arn", "Id": "id"}, shared: true},
	{cfn: "AWS::CloudFront::MonitoringSubscription", tf: "aws_cloudfront_monitoring_subscription", attrs: map[string]string{"": "distribution_id"}},
	{cfn: "AWS::CloudFront::OriginAccessControl", tf: "aws_cloudfront_origin_access_control", attrs: id, shared: true},
	{cfn: "AWS::CloudFront::OriginRequestPolicy", tf: "aws_cloudfront_origin_request_policy", attrs: id, shared: true},
	{cfn: "AWS::CloudFront::RealtimeLogConfig", tf: "aws_cloudfront_realtime_log_config", attrs: map[string]string{"": "arn", "Arn": "arn"}, shared: true},
	{cfn: "AWS::CloudFront::ResponseHeadersPolicy", tf: "aws_cloudfront_response_headers_policy", attrs: id, shared: true},
	{cfn: "AWS::CloudFront::VpcOrigin", tf: "aws_cloudfront_vpc_origin", attrs: map[string]string{"": "id", "Id": "id", "Arn": "arn"}, shared: true},
	{cfn: "AWS::IAM::ManagedPolicy", tf: "aws_iam_policy", attrs: map[string]string{"": "arn", "PolicyArn": "arn", "PolicyId": "policy_id"}},
	{cfn: "AWS::Lambda::Permission", tf: "aws_lambda_permission", attrs: map[string]string{"Id": "statement_id"}},
	{cfn: "AWS::Logs::Delivery", tf: "aws_cloudwatch_log_delivery", attrs: map[string]string{"": "id", "DeliveryId": "id", "Arn": "arn"}},
	{cfn: "AWS::Logs::DeliveryDestination", tf: "aws_cloudwatch_log_delivery_destination", attrs: map[string]string{"": "name", "Arn": "arn"}},
	{cfn: "AWS::Logs::DeliverySource", tf: "aws_cloudwatch_log_delivery_source", attrs: map[string]string{"": "name", "Arn": "arn", "Service": "service"}},
	{cfn: "AWS::Logs::LogGroup", tf: "aws_cloudwatch_log_group", attrs: map[string]string{"": "name"}},
	{cfn: "AWS::Logs::ResourcePolicy", tf: "aws_cloudwatch_log_resource_policy", attrs: map[string]string{"": "policy_name"}},
	{cfn: "AWS::Route53::HostedZone", tf: "aws_route53_zone", attrs: map[string]string{"": "zone_id", "Id": "zone_id"}},
	{cfn: "AWS::Route53::RecordSet", tf: "aws_route53_record", attrs: map[string]string{"": "fqdn"}},
	{cfn: "AWS::S3::BucketPolicy", tf: "aws_s3_bucket_policy", attrs: map[string]string{"": "bucket"}},
	{cfn: "AWS::SecretsManager::RotationSchedule", tf: "aws_secretsmanager_secret_rotation", attrs: id},
	{cfn: "AWS::SecretsManager::Secret", tf: "aws_secretsmanager_secret", attrs: map[string]string{"": "arn", "Id": "arn"}},
	{cfn: "AWS::WAFv2::IPSet", tf: "aws_wafv2_ip_set", attrs: firewallAttrs, shared: true},
	{cfn: "AWS::WAFv2::LoggingConfiguration", tf: "aws_wafv2_web_acl_logging_configuration", attrs: map[string]string{"": "resource_arn"}},
	{cfn: "AWS::WAFv2::RegexPatternSet", tf: "aws_wafv2_regex_pattern_set", attrs: firewallAttrs, shared: true},
	{cfn: "AWS::WAFv2::RuleGroup", tf: "aws_wafv2_rule_group", attrs: firewallAttrs, shared: true},
	{cfn: "AWS::WAFv2::WebACL", tf: "aws_wafv2_web_acl", attrs: map[string]string{"Arn": "arn", "Id": "id", "Capacity": "capacity"}, shared: true},
}

var (
	distributionAttrs = map[string]string{"": "id", "Id": "id", "DomainName": "domain_name"}
	firewallAttrs     = map[string]string{"Arn": "arn", "Id": "id"}
)

// multitenant is a distribution whose ConnectionMode says that it has tenants: a resource type of its own in Terraform.
var multitenant = kind{cfn: "AWS::CloudFront::Distribution", tf: "aws_cloudfront_multitenant_distribution", attrs: distributionAttrs, variant: "tenants"}

// since is the version of the provider that first has a resource type, or an attribute of one, where that is later than the schema's.
var since = map[string]string{
	"aws_lambda_permission.invoked_via_function_url": "6.29.0",
	// They came with 6.28.0, which did nothing when a distribution changed.
	"aws_cloudfront_connection_group":         "6.51.0",
	"aws_cloudfront_distribution_tenant":      "6.51.0",
	"aws_cloudfront_multitenant_distribution": "6.51.0",
}
