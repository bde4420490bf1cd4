package compile

import (
	"strings"

	"skerry.dev/skerry/aws/model"
)

// permits is a row for each type of resource that is made. Which actions CloudFormation uses for a type stands in its resource
// type schema (handlers); which actions can be narrowed, in the service authorization reference.
var permits = map[string]permit{
	"AWS::CloudFront::CachePolicy":                policyPermit("CachePolicy", "cache-policy"),
	"AWS::CloudFront::OriginRequestPolicy":        policyPermit("OriginRequestPolicy", "origin-request-policy"),
	"AWS::CloudFront::ResponseHeadersPolicy":      policyPermit("ResponseHeadersPolicy", "response-headers-policy"),
	"AWS::CloudFront::OriginAccessControl":        policyPermit("OriginAccessControl", "origin-access-control"),
	"AWS::CloudFront::ContinuousDeploymentPolicy": policyPermit("ContinuousDeploymentPolicy", "continuous-deployment-policy"),
	"AWS::CloudFront::Function": {
		sid: "Function", anyOf: []string{"cloudfront:CreateFunction"},
		actions: cloudfront("DeleteFunction", "DescribeFunction", "GetFunction", "ListTagsForResource", "PublishFunction", "TagResource",
			"UntagResource", "UpdateFunction"),
		arns: func(a arns, r *model.Resource) []string {
			return []string{a.cloudfront("function/" + namePattern(r.Props.(*model.Function).Name))}
		},
	},
	"AWS::CloudFront::KeyValueStore": {
		sid: "KeyValueStore", anyOf: []string{"cloudfront:CreateKeyValueStore"},
		actions: cloudfront("DeleteKeyValueStore", "DescribeKeyValueStore", "ListTagsForResource", "TagResource", "UntagResource", "UpdateKeyValueStore"),
		arns:    kindOf("key-value-store/*"),
		more:    importRights,
	},
	"AWS::CloudFront::Distribution": {
		sid: "Distribution", anyOf: []string{"cloudfront:CreateConnectionGroup", "cloudfront:CreateDistribution"},
		actions: cloudfront("DeleteDistribution", "GetDistribution", "GetDistributionConfig", "ListTagsForResource", "TagResource",
			"UntagResource", "UpdateDistribution"),
		arns: kindOf("distribution/*"),
	},
	"AWS::CloudFront::DistributionTenant": {
		sid: "DistributionTenant", anyOf: []string{"cloudfront:CreateDistributionTenant"},
		actions: cloudfront("AssociateDistributionTenantWebACL", "DeleteDistributionTenant", "DisassociateDistributionTenantWebACL",
			"GetDistributionTenant", "GetManagedCertificateDetails", "ListTagsForResource", "TagResource", "UntagResource", "UpdateDistributionTenant"),
		arns: kindOf("distribution-tenant/*"),
	},
	"AWS::CloudFront::ConnectionGroup": {
		sid: "ConnectionGroup", anyOf: []string{"cloudfront:CreateConnectionGroup"},
		actions: cloudfront("DeleteConnectionGroup", "GetConnectionGroup", "ListTagsForResource", "TagResource", "UntagResource", "UpdateConnectionGroup"),
		arns:    kindOf("connection-group/*"),
	},
	"AWS::CloudFront::VpcOrigin": {
		sid: "VpcOrigin", anyOf: []string{"cloudfront:CreateVpcOrigin", "ec2:DescribeInstances", "ec2:DescribeInternetGateways",
			"elasticloadbalancing:DescribeLoadBalancers"},
		actions: cloudfront("DeleteVpcOrigin", "GetVpcOrigin", "ListTagsForResource", "TagResource", "UntagResource", "UpdateVpcOrigin"),
		arns:    kindOf("vpcorigin/*"),
		more: func(a arns, _ *model.Resource) []right {
			return []right{linkedRole(a, "vpcorigin.cloudfront.amazonaws.com/AWSServiceRoleForCloudFrontVPCOrigin")}
		},
	},
	"AWS::WAFv2::WebACL": firewallPermit("WebACL", func(p model.Properties) string {
		return "webacl/" + namePattern(p.(*model.WebACL).Name)
	}, "managedruleset/*", "ipset/"+madeHere+"-*", "regexpatternset/"+madeHere+"-*", "rulegroup/"+madeHere+"-*"),
	"AWS::WAFv2::IPSet": firewallPermit("IPSet", func(p model.Properties) string { return "ipset/" + namePattern(p.(*model.IPSet).Name) }),
	"AWS::WAFv2::RegexPatternSet": firewallPermit("RegexPatternSet", func(p model.Properties) string {
		return "regexpatternset/" + namePattern(p.(*model.RegexPatternSet).Name)
	}),
	"AWS::WAFv2::RuleGroup": firewallPermit("RuleGroup", func(p model.Properties) string {
		return "rulegroup/" + namePattern(p.(*model.RuleGroup).Name)
	}),
	"AWS::WAFv2::LoggingConfiguration": {
		sid: "WebACL", arns: noARN, more: logRights,
		actions: []string{"wafv2:DeleteLoggingConfiguration", "wafv2:GetLoggingConfiguration", "wafv2:PutLoggingConfiguration"},
	},
	"AWS::CertificateManager::Certificate": {
		sid: "Certificate", anyOf: []string{"acm:RequestCertificate"},
		actions: []string{"acm:AddTagsToCertificate", "acm:DeleteCertificate", "acm:DescribeCertificate", "acm:ListTagsForCertificate",
			"acm:RemoveTagsFromCertificate"},
		arns: func(a arns, _ *model.Resource) []string { return []string{a.regional("acm", "certificate/*")} },
		more: func(_ arns, r *model.Resource) []right {
			var out []right
			for _, v := range r.Props.(*model.Certificate).DomainValidationOptions {
				out = append(out, zoneRights(v.HostedZoneId)...)
			}
			return out
		},
	},
	"AWS::Route53::RecordSet": {
		sid: "Records", arns: noARN,
		more: func(_ arns, r *model.Resource) []right { return zoneRights(r.Props.(*model.RecordSet).HostedZoneId) },
	},
	"AWS::S3::BucketPolicy": {
		sid: "BucketPolicy", actions: []string{"s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"},
		arns: func(_ arns, r *model.Resource) []string { return bucketARN(r.Props.(*model.BucketPolicy).Bucket) },
	},
	"AWS::Lambda::Permission": {
		sid: "LambdaPermission", actions: []string{"lambda:AddPermission", "lambda:GetPolicy", "lambda:RemovePermission"},
		arns: func(_ arns, r *model.Resource) []string { return literal(r.Props.(*model.Permission).FunctionName) },
	},
	"AWS::SecretsManager::Secret": {
		sid: "Secret", anyOf: []string{"secretsmanager:GetRandomPassword"},
		actions: []string{"secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret",
			"secretsmanager:GetSecretValue", "secretsmanager:TagResource", "secretsmanager:UntagResource", "secretsmanager:UpdateSecret"},
		arns: func(a arns, r *model.Resource) []string {
			name := namePattern(r.Props.(*model.Secret).Name)
			return []string{a.regional("secretsmanager", "secret:"+strings.TrimSuffix(name, "*")+"*")} // six letters follow the name
		},
	},
	"AWS::SecretsManager::RotationSchedule": {
		sid: "Secret", actions: []string{"secretsmanager:CancelRotateSecret", "secretsmanager:RotateSecret"}, arns: noARN,
	},
	"AWS::Logs::LogGroup": {
		sid: "LogGroup", anyOf: []string{"logs:DescribeLogGroups"},
		actions: prefixed("logs:", []string{"CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy", "ListTagsForResource", "PutRetentionPolicy",
			"TagResource", "UntagResource"}),
		arns: func(a arns, r *model.Resource) []string {
			name := r.Props.(*model.LogGroup).LogGroupName
			return []string{a.regional("logs", "log-group:"+namePattern(name)), a.regional("logs", "log-group:"+namePattern(name)+":*")}
		},
	},
	"AWS::Logs::ResourcePolicy": {
		sid: "NotNarrowed", arns: noARN, anyOf: []string{"logs:DeleteResourcePolicy", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"},
	},
	"AWS::Logs::DeliverySource":      deliveryPermit("Source", "delivery-source:"),
	"AWS::Logs::DeliveryDestination": deliveryPermit("Destination", "delivery-destination:"),
	"AWS::Logs::Delivery":            deliveryPermit("", "delivery:"),
}

func cloudfront(names ...string) []string { return prefixed("cloudfront:", names) }

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + n
	}
	return out
}

// kindOf are the ARNs of everything of a kind in the account: CloudFront chooses the ids.
func kindOf(what string) func(arns, *model.Resource) []string {
	return func(a arns, _ *model.Resource) []string { return []string{a.cloudfront(what)} }
}

func noARN(arns, *model.Resource) []string { return nil }

func policyPermit(name, kind string) permit {
	return permit{
		sid: name, anyOf: cloudfront("Create" + name), actions: cloudfront("Delete"+name, "Get"+name, "Update"+name), arns: kindOf(kind + "/*"),
	}
}

// firewallPermit is that of a type of AWS WAF; with is what its actions are on besides, for rules that refer to it.
func firewallPermit(name string, arn func(model.Properties) string, with ...string) permit {
	return permit{
		sid: name,
		actions: prefixed("wafv2:", []string{"Create" + name, "Delete" + name, "Get" + name, "ListTagsForResource", "TagResource",
			"UntagResource", "Update" + name}),
		arns: func(a arns, r *model.Resource) []string {
			out := []string{a.regional("wafv2", "global/"+arn(r.Props)+"/*")}
			for _, w := range with {
				out = append(out, a.regional("wafv2", "global/"+w+"/*"))
			}
			return out
		},
	}
}

func deliveryPermit(kind, arn string) permit {
	put := "Put"
	if kind == "" {
		put = "Create"
	}
	p := permit{
		sid: "Delivery" + kind, anyOf: []string{"logs:DescribeDeliveries"},
		actions: prefixed("logs:", []string{put + "Delivery" + kind, "DeleteDelivery" + kind, "GetDelivery" + kind, "ListTagsForResource",
			"TagResource", "UntagResource"}),
		arns: func(a arns, _ *model.Resource) []string {
			if kind == "" { // creating one is an action on its two ends too
				return []string{a.regional("logs", "delivery:*"), a.regional("logs", "delivery-source:*"), a.regional("logs", "delivery-destination:*")}
			}
			return []string{a.regional("logs", arn+"*")}
		},
	}
	switch kind {
	case "Source":
		p.more = func(a arns, _ *model.Resource) []right {
			return []right{{"Distribution", []string{"cloudfront:AllowVendedLogDeliveryForResource"}, []string{a.cloudfront("distribution/*")}}}
		}
	case "Destination":
		p.more = func(_ arns, r *model.Resource) []right {
			return bucketRights(r.Props.(*model.DeliveryDestination).DestinationResourceArn)
		}
	default:
		p.actions = append(p.actions, "logs:UpdateDeliveryConfiguration")
	}
	return p
}

func zoneRights(zone model.Value) []right {
	var list []string
	for _, id := range literal(zone) {
		list = append(list, "arn:aws:route53:::hostedzone/"+id)
	}
	if list == nil {
		return nil
	}
	return []right{
		{"Records", []string{"route53:ChangeResourceRecordSets", "route53:GetHostedZone", "route53:ListResourceRecordSets"}, list},
		{"Changes", []string{"route53:GetChange"}, []string{"arn:aws:route53:::change/*"}},
	}
}

// logRights are for where a web ACL writes its log.
func logRights(a arns, r *model.Resource) []right {
	out := []right{{"NotNarrowed", []string{"logs:CreateLogDelivery", "logs:DeleteLogDelivery"}, nil}}
	for _, v := range r.Props.(*model.LoggingConfiguration).LogDestinationConfigs {
		for _, arn := range literal(v) {
			switch {
			case strings.HasPrefix(arn, "arn:aws:s3:"):
				out = append(out, bucketRights(v)...)
			case strings.HasPrefix(arn, "arn:aws:firehose:"):
				out = append(out, linkedRole(a, "wafv2.amazonaws.com/AWSServiceRoleForWAFV2Logging"))
			default:
				out = append(out, right{"NotNarrowed", []string{"logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:PutResourcePolicy"}, nil})
			}
		}
	}
	return out
}

// bucketRights are for a bucket that logs are delivered to, which must let the service write.
func bucketRights(arn model.Value) []right {
	var out []right
	for _, text := range literal(arn) {
		if name, _, _ := strings.Cut(text, "/"); strings.HasPrefix(name, "arn:aws:s3:") {
			out = append(out, right{"LogBucket", []string{"s3:GetBucketPolicy", "s3:PutBucketPolicy"}, []string{name}})
		}
	}
	return out
}

// importRights are for the object that a key value store is filled from.
func importRights(_ arns, r *model.Resource) []right {
	from := r.Props.(*model.KeyValueStore).ImportSource
	if from == nil {
		return nil
	}
	var out []right
	for _, arn := range literal(from.SourceArn) {
		name, _, _ := strings.Cut(arn, "/")
		out = append(out, right{"ImportObject", []string{"s3:GetObject"}, []string{arn}}, right{"ImportBucket", []string{"s3:GetBucketLocation"}, []string{name}})
	}
	return out
}

func linkedRole(a arns, role string) right {
	return right{"LinkedRole", []string{"iam:CreateServiceLinkedRole"}, []string{"arn:aws:iam::" + a.account + ":role/aws-service-role/" + role}}
}

func bucketARN(name model.Value) []string {
	var out []string
	for _, n := range literal(name) {
		out = append(out, "arn:aws:s3:::"+n)
	}
	return out
}

// literal is the text of a value; nothing, if it is not known.
func literal(v model.Value) []string {
	if text, ok := v.(model.Text); ok && text != "" {
		return []string{string(text)}
	}
	return nil
}
