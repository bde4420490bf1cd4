package terraform_test

import (
	"skerry.dev/skerry/aws/model"
)

// Deployments made by hand, each with what its name says.

func text(s string) model.Value { return model.Text(s) }

func ref(r *model.Resource, attr string) model.Value { return model.Ref{Resource: r, Attr: attr} }

func thing(id, owner string, p model.Properties) *model.Resource {
	return &model.Resource{ID: id, Owner: owner, Props: p}
}

// metrics is how a rule or a web ACL is counted.
func metrics(name string) *model.WebACLVisibilityConfig {
	return &model.WebACLVisibilityConfig{CloudWatchMetricsEnabled: model.Bool(true), MetricName: text(name), SampledRequestsEnabled: model.Bool(true)}
}

func cachePolicy(id string) *model.Resource {
	return thing(id, "", &model.CachePolicy{CachePolicyConfig: &model.CachePolicyConfig{
		Name: text("skerry-" + id), MinTTL: model.Int(0), DefaultTTL: model.Int(0), MaxTTL: model.Int(86400),
		ParametersInCacheKeyAndForwardedToOrigin: &model.CachePolicyParametersInCacheKeyAndForwardedToOrigin{
			EnableAcceptEncodingGzip: model.Bool(true), EnableAcceptEncodingBrotli: model.Bool(true),
			CookiesConfig:      &model.CachePolicyCookiesConfig{CookieBehavior: text("none")},
			HeadersConfig:      &model.CachePolicyHeadersConfig{HeaderBehavior: text("whitelist"), Headers: model.Texts([]string{"Authorization", "Accept"})},
			QueryStringsConfig: &model.CachePolicyQueryStringsConfig{QueryStringBehavior: text("all")},
		},
	}})
}

// behavior is the default behaviour that reaches an origin.
func behavior(origin string, policy model.Value) *model.DistributionDefaultCacheBehavior {
	return &model.DistributionDefaultCacheBehavior{
		TargetOriginId: text(origin), ViewerProtocolPolicy: text("redirect-to-https"), CachePolicyId: policy, Compress: model.Bool(true),
		AllowedMethods: model.Texts([]string{"GET", "HEAD", "OPTIONS"}), CachedMethods: model.Texts([]string{"GET", "HEAD"}),
	}
}

func custom(id, host string) *model.DistributionOrigin {
	return &model.DistributionOrigin{
		Id: text(id), DomainName: text(host), ConnectionAttempts: model.Int(3), ConnectionTimeout: model.Int(10),
		CustomOriginConfig: &model.DistributionCustomOriginConfig{
			HTTPSPort: model.Int(443), OriginProtocolPolicy: text("https-only"), OriginSSLProtocols: model.Texts([]string{"TLSv1.2"}),
			OriginReadTimeout: model.Int(30), OriginKeepaliveTimeout: model.Int(5),
		},
	}
}

// stacked puts resources into two stacks: what is shared, and the rest, which comes after it.
func stacked(shared, rest []*model.Resource) *model.Deployment {
	one := &model.Stack{Name: "skerry-shared", Region: "us-east-1", Note: "what several distributions use"}
	two := &model.Stack{Name: "skerry-edge-01", Region: "us-east-1", After: []*model.Stack{one}}
	one.Add(shared...)
	two.Add(rest...)
	return &model.Deployment{Stacks: []*model.Stack{one, two}}
}

// shop has two origins in a group, a function with its store, a certificate with its proofs, records and logs, behind a firewall.
func shop() *model.Deployment {
	policy, acl := cachePolicy("CachePolicyAB12"), firewall("FirewallAB12", rules(nil))
	store := thing("StoreAB12", "", &model.KeyValueStore{Name: text("skerry-moved"), Comment: text("where pages went")})
	function := thing("FunctionAB12", "", &model.Function{
		Name: text("skerry-ab12"), AutoPublish: model.Bool(true), FunctionCode: text("function handler(event) {\n  return `${event.request.uri}%{x}`;\n}\n"),
		FunctionConfig: &model.FunctionConfig{Comment: text("routes of shop"), Runtime: text("cloudfront-js-2.0"),
			KeyValueStoreAssociations: []*model.FunctionKeyValueStoreAssociation{{KeyValueStoreARN: ref(store, "Arn")}}},
	})
	certificate := thing("CertificateShop", "shop", &model.Certificate{
		DomainName: text("shop.example.com"), SubjectAlternativeNames: model.Texts([]string{"*.shop.example.com", "www.example.org"}), ValidationMethod: text("DNS"),
		DomainValidationOptions: []*model.CertificateDomainValidationOption{
			{DomainName: text("shop.example.com"), HostedZoneId: text("Z0123456789ABCDEFGHIJ")},
			{DomainName: text("*.shop.example.com"), HostedZoneId: text("Z0123456789ABCDEFGHIJ")},
			{DomainName: text("www.example.org"), HostedZoneId: text("Z1123456789ABCDEFGHIJ")},
		},
		Tags: []*model.Tag{{Key: text("team"), Value: text("shop")}, {Key: text("cost"), Value: text("${x}")}},
	})
	d := shopDistribution(policy, function, certificate, acl)
	record := func(id, kind string) *model.Resource {
		return thing(id, "shop", &model.RecordSet{
			HostedZoneId: text("Z0123456789ABCDEFGHIJ"), Name: text("shop.example.com"), Type: text(kind),
			AliasTarget: &model.RecordSetAliasTarget{DNSName: ref(d, "DomainName"), HostedZoneId: text("Z2FDTNDATAQYW2")},
		})
	}
	source := thing("LogsSourceShop", "shop", &model.DeliverySource{Name: text("skerry-shop"), LogType: text("ACCESS_LOGS"),
		ResourceArn: model.Join{text("arn:"), model.Partition, text(":cloudfront::"), model.AccountID, text(":distribution/"), ref(d, "")}})
	target := thing("LogsTarget", "", &model.DeliveryDestination{Name: text("skerry-logs"), DestinationResourceArn: text("arn:aws:s3:::logs.example.com"), OutputFormat: text("json")})
	delivery := thing("LogsShop", "shop", &model.Delivery{DeliverySourceName: ref(source, ""), DeliveryDestinationArn: ref(target, "Arn"), S3SuffixPath: text("/{DistributionId}/{yyyy}")})
	delivery.DependsOn = []*model.Resource{source, target}
	d.DependsOn = []*model.Resource{certificate}
	d.Retain = true
	out := stacked([]*model.Resource{policy, store, function, acl, target}, []*model.Resource{certificate, d, record("RecordShopA", "A"), record("RecordShopAAAA", "AAAA"), source, delivery})
	out.Stacks[1].Outputs = []model.Output{{ID: "ShopDomainName", Note: "where shop answers", Value: ref(d, "DomainName")}}
	return out
}

func shopDistribution(policy, function, certificate, acl *model.Resource) *model.Resource {
	group := &model.DistributionOriginGroup{
		Id:               text("app"),
		FailoverCriteria: &model.DistributionOriginGroupFailoverCriteria{StatusCodes: &model.DistributionStatusCodes{Items: []model.Value{model.Int(502), model.Int(503)}, Quantity: model.Int(2)}},
		Members:          &model.DistributionOriginGroupMembers{Items: []*model.DistributionOriginGroupMember{{OriginId: text("app-1")}, {OriginId: text("app-2")}}, Quantity: model.Int(2)},
	}
	first := custom("app-1", "app.internal.example.net")
	first.OriginCustomHeaders = []*model.DistributionOriginCustomHeader{{HeaderName: text("X-Edge"), HeaderValue: text("shop")}}
	byDefault := behavior("app", ref(policy, "Id"))
	byDefault.FunctionAssociations = []*model.DistributionFunctionAssociation{{EventType: text("viewer-request"), FunctionARN: ref(function, "FunctionARN")}}
	api := &model.DistributionCacheBehavior{
		PathPattern: text("/api/*"), TargetOriginId: text("app-2"), ViewerProtocolPolicy: text("https-only"), CachePolicyId: text("4135ea2d-6df8-44a3-9df3-4b5a84be39ad"),
		AllowedMethods: model.Texts([]string{"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}), GrpcConfig: &model.DistributionGrpcConfig{Enabled: model.Bool(true)},
	}
	return thing("DistributionShop", "shop", &model.Distribution{
		DistributionConfig: &model.DistributionConfig{
			Enabled: model.Bool(true), Comment: text("shop"), Aliases: model.Texts([]string{"shop.example.com", "*.shop.example.com", "www.example.org"}),
			HttpVersion: text("http2and3"), IPV6Enabled: model.Bool(true), PriceClass: text("PriceClass_All"), WebACLId: ref(acl, "Arn"),
			Origins:        []*model.DistributionOrigin{first, custom("app-2", "app2.internal.example.net")},
			OriginGroups:   &model.DistributionOriginGroups{Items: []*model.DistributionOriginGroup{group}, Quantity: model.Int(1)},
			CacheBehaviors: []*model.DistributionCacheBehavior{api}, DefaultCacheBehavior: byDefault,
			ViewerCertificate: &model.DistributionViewerCertificate{AcmCertificateArn: ref(certificate, ""), MinimumProtocolVersion: text("TLSv1.2_2021"), SslSupportMethod: text("sni-only")},
		},
		Tags: []*model.Tag{{Key: text("owner"), Value: text("team-shop")}},
	})
}

func firewall(id string, rules []*model.WebACLRule) *model.Resource {
	return thing(id, "", &model.WebACL{
		Name: text("skerry-" + id), Scope: text("CLOUDFRONT"), DefaultAction: &model.WebACLDefaultAction{Allow: &model.WebACLAllowAction{}},
		VisibilityConfig: metrics("skerry"), Rules: rules,
		CustomResponseBodies: map[string]*model.WebACLCustomResponseBody{"blocked": {Content: text(`{"status": 403}`), ContentType: text("APPLICATION_JSON")}},
		AssociationConfig:    &model.WebACLAssociationConfig{RequestBody: map[string]*model.WebACLRequestBodyAssociatedResourceTypeConfig{"CLOUDFRONT": {DefaultSizeInspectionLimit: text("KB_32")}}},
	})
}

func path(prefix string) *model.WebACLStatement {
	return &model.WebACLStatement{ByteMatchStatement: &model.WebACLByteMatchStatement{
		FieldToMatch: &model.WebACLFieldToMatch{UriPath: map[string]any{}}, PositionalConstraint: text("STARTS_WITH"), SearchString: text(prefix),
		TextTransformations: []*model.WebACLTextTransformation{{Priority: model.Int(0), Type: text("NONE")}},
	}}
}

func not(s *model.WebACLStatement) *model.WebACLStatement {
	return &model.WebACLStatement{NotStatement: &model.WebACLNotStatement{Statement: s}}
}

// rules are a managed group, a rate and one of its own; inner is what the last one is to nest in two of its levels, nil for nothing.
func rules(inner *model.WebACLStatement) []*model.WebACLRule {
	header := &model.WebACLStatement{SizeConstraintStatement: &model.WebACLSizeConstraintStatement{
		FieldToMatch: &model.WebACLFieldToMatch{SingleHeader: &model.WebACLSingleHeader{Name: text("X-Token")}}, ComparisonOperator: text("GT"), Size: model.Int(4096),
		TextTransformations: []*model.WebACLTextTransformation{{Priority: model.Int(0), Type: text("NONE")}},
	}}
	own := &model.WebACLStatement{AndStatement: &model.WebACLAndStatement{Statements: []*model.WebACLStatement{path("/admin"), not(path("/admin/login")), header}}}
	if inner != nil {
		own.AndStatement.Statements = append(own.AndStatement.Statements, &model.WebACLStatement{
			OrStatement: &model.WebACLOrStatement{Statements: []*model.WebACLStatement{not(not(inner)), path("/x")}}})
	}
	return []*model.WebACLRule{
		{Name: text("common"), Priority: model.Int(0), OverrideAction: &model.WebACLOverrideAction{None: map[string]any{}}, VisibilityConfig: metrics("common"),
			Statement: &model.WebACLStatement{ManagedRuleGroupStatement: &model.WebACLManagedRuleGroupStatement{
				VendorName: text("AWS"), Name: text("AWSManagedRulesCommonRuleSet"),
				RuleActionOverrides: []*model.WebACLRuleActionOverride{{Name: text("SizeRestrictions_BODY"), ActionToUse: &model.WebACLRuleAction{Count: &model.WebACLCountAction{}}}},
				ScopeDownStatement:  not(path("/health")),
			}}},
		{Name: text("rate"), Priority: model.Int(1), VisibilityConfig: metrics("rate"), RuleLabels: []*model.WebACLLabel{{Name: text("skerry:rate")}},
			Action: &model.WebACLRuleAction{Block: &model.WebACLBlockAction{CustomResponse: &model.WebACLCustomResponse{ResponseCode: model.Int(429),
				ResponseHeaders: []*model.WebACLCustomHTTPHeader{{Name: text("Retry-After"), Value: text("60")}}}}},
			Statement: &model.WebACLStatement{RateBasedStatement: &model.WebACLRateBasedStatement{
				Limit: model.Int(1000), EvaluationWindowSec: model.Int(60), AggregateKeyType: text("CUSTOM_KEYS"),
				CustomKeys: []*model.WebACLRateBasedStatementCustomKey{{IP: map[string]any{}}, {Header: &model.WebACLRateLimitHeader{Name: text("x-client"),
					TextTransformations: []*model.WebACLTextTransformation{{Priority: model.Int(0), Type: text("LOWERCASE")}}}}},
			}}},
		{Name: text("own"), Priority: model.Int(2), Action: &model.WebACLRuleAction{Block: &model.WebACLBlockAction{}}, VisibilityConfig: metrics("own"), Statement: own},
	}
}

// deep has a rule that nests too deep for blocks.
func deep() *model.Deployment {
	set := thing("ListAB12", "", &model.IPSet{Name: text("skerry-list"), Scope: text("CLOUDFRONT"), IPAddressVersion: text("IPV4"), Addresses: model.Texts([]string{"192.0.2.0/24"})})
	patterns := thing("PatternsAB12", "", &model.RegexPatternSet{Name: text("skerry-patterns"), Scope: text("CLOUDFRONT"), RegularExpressionList: model.Texts([]string{`^/a\d+$`, `${x}`})})
	acl := firewall("FirewallDeep", rules(&model.WebACLStatement{IPSetReferenceStatement: &model.WebACLIPSetReferenceStatement{Arn: ref(set, "Arn")}}))
	logging := thing("FirewallLogs", "", &model.LoggingConfiguration{
		ResourceArn: ref(acl, "Arn"), LogDestinationConfigs: model.Texts([]string{"arn:aws:s3:::aws-waf-logs-edge"}),
		RedactedFields: []*model.LoggingConfigurationFieldToMatch{{SingleHeader: &model.LoggingConfigurationSingleHeader{Name: text("Authorization")}}, {QueryString: map[string]any{}}},
	})
	return stacked([]*model.Resource{set, patterns, acl, logging, firewall("FirewallPaths", rules(path("/y")))}, nil)
}

// closed has origins that only CloudFront reaches: a bucket, a function, a load balancer, and one by a secret.
func closed() *model.Deployment {
	access := func(id, kind string) *model.Resource {
		return thing(id, "", &model.OriginAccessControl{OriginAccessControlConfig: &model.OriginAccessControlConfig{
			Name: text("skerry-" + kind), OriginAccessControlOriginType: text(kind), SigningBehavior: text("always"), SigningProtocol: text("sigv4")}})
	}
	files, lambda := access("AccessFiles", "s3"), access("AccessLambda", "lambda")
	vpc := thing("BalancerAB12", "", &model.VpcOrigin{VpcOriginEndpointConfig: &model.VpcOriginEndpointConfig{
		Name: text("skerry-pages"), Arn: text("arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/pages/0123456789abcdef"),
		HTTPPort: model.Int(80), HTTPSPort: model.Int(443), OriginProtocolPolicy: text("https-only"), OriginSSLProtocols: model.Texts([]string{"TLSv1.2"})}})
	secret := thing("SecretShop", "", &model.Secret{Name: text("skerry/shop"), Description: text("what the origin must see"),
		GenerateSecretString: &model.SecretGenerateSecretString{PasswordLength: model.Int(48), ExcludePunctuation: model.Bool(true),
			SecretStringTemplate: text(`{"of": "\n"}`), GenerateStringKey: text("value")}})
	bucket := &model.DistributionOrigin{Id: text("files"), DomainName: text("shop-files.s3.us-east-1.amazonaws.com"), OriginAccessControlId: ref(files, "Id"), S3OriginConfig: &model.DistributionS3OriginConfig{}}
	quotes := custom("quotes", "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws")
	quotes.OriginAccessControlId = ref(lambda, "Id")
	open := custom("open", "open.internal.example.net")
	open.OriginCustomHeaders = []*model.DistributionOriginCustomHeader{
		{HeaderName: text("X-Origin-Secret"), HeaderValue: model.Join{text("{{resolve:secretsmanager:"), ref(secret, ""), text(":SecretString:value}}")}},
		{HeaderName: text("X-Other"), HeaderValue: text("a {{resolve:secretsmanager:arn:aws:secretsmanager:us-east-1:123456789012:secret:other-a1B2c3}}")},
	}
	pages := &model.DistributionOrigin{Id: text("pages"), DomainName: text("pages.internal.example.com"), VpcOriginConfig: &model.DistributionVpcOriginConfig{VpcOriginId: ref(vpc, "Id"), OriginReadTimeout: model.Int(30)}}
	d := thing("DistributionClosed", "closed", &model.Distribution{DistributionConfig: &model.DistributionConfig{
		Enabled: model.Bool(true), Origins: []*model.DistributionOrigin{bucket, quotes, open, pages}, DefaultCacheBehavior: behavior("files", text("658327ea-f89d-4fab-a63d-7e88639e58f6")),
		CacheBehaviors: []*model.DistributionCacheBehavior{
			{PathPattern: text("/quotes"), TargetOriginId: text("quotes"), ViewerProtocolPolicy: text("https-only"), CachePolicyId: text("4135ea2d-6df8-44a3-9df3-4b5a84be39ad")},
			{PathPattern: text("/open/*"), TargetOriginId: text("open"), ViewerProtocolPolicy: text("https-only"), CachePolicyId: text("4135ea2d-6df8-44a3-9df3-4b5a84be39ad")},
			{PathPattern: text("/pages/*"), TargetOriginId: text("pages"), ViewerProtocolPolicy: text("https-only"), CachePolicyId: text("4135ea2d-6df8-44a3-9df3-4b5a84be39ad")},
		},
		DefaultRootObject: text("index.html"),
	}})
	arn := model.Join{text("arn:aws:cloudfront::"), model.AccountID, text(":distribution/"), ref(d, "Id")}
	policy := thing("PolicyFiles", "closed", &model.BucketPolicy{Bucket: text("shop-files"), PolicyDocument: map[string]any{
		"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shop-files/${not:this}*",
			"Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceArn": arn}},
		}},
	}})
	permission := thing("InvokeQuotes", "closed", &model.Permission{Action: text("lambda:InvokeFunction"), FunctionName: text("arn:aws:lambda:us-east-1:123456789012:function:quotes"),
		Principal: text("cloudfront.amazonaws.com"), SourceArn: arn, InvokedViaFunctionUrl: model.Bool(true)})
	return stacked([]*model.Resource{files, lambda, vpc, secret}, []*model.Resource{d, policy, permission})
}

// canary has a second distribution with a share of the traffic.
func canary() *model.Deployment {
	config := func(staging bool) *model.DistributionConfig {
		return &model.DistributionConfig{Enabled: model.Bool(true), Staging: model.Bool(staging), HttpVersion: text("http2"),
			Origins: []*model.DistributionOrigin{custom("app", "app.internal.example.net")}, DefaultCacheBehavior: behavior("app", text("4135ea2d-6df8-44a3-9df3-4b5a84be39ad"))}
	}
	staging := thing("StagingShop", "shop", &model.Distribution{DistributionConfig: config(true)})
	policy := thing("CanaryShop", "shop", &model.ContinuousDeploymentPolicy{ContinuousDeploymentPolicyConfig: &model.ContinuousDeploymentPolicyConfig{
		Enabled: model.Bool(true), StagingDistributionDnsNames: []model.Value{ref(staging, "DomainName")},
		TrafficConfig: &model.ContinuousDeploymentPolicyTrafficConfig{Type: text("SingleWeight"), SingleWeightConfig: &model.ContinuousDeploymentPolicySingleWeightConfig{Weight: model.Float(0.05)}},
	}})
	primary := config(false)
	primary.ContinuousDeploymentPolicyId = ref(policy, "Id")
	headers := thing("HeadersAB12", "", &model.ResponseHeadersPolicy{ResponseHeadersPolicyConfig: &model.ResponseHeadersPolicyConfig{
		Name: text("skerry-headers"),
		SecurityHeadersConfig: &model.ResponseHeadersPolicySecurityHeadersConfig{
			StrictTransportSecurity: &model.ResponseHeadersPolicyStrictTransportSecurity{AccessControlMaxAgeSec: model.Int(31536000), Override: model.Bool(true), IncludeSubdomains: model.Bool(true)},
			ContentTypeOptions:      &model.ResponseHeadersPolicyContentTypeOptions{Override: model.Bool(true)},
		},
		CustomHeadersConfig: &model.ResponseHeadersPolicyCustomHeadersConfig{Items: []*model.ResponseHeadersPolicyCustomHeader{{Header: text("X-Team"), Value: text("shop"), Override: model.Bool(false)}}},
		RemoveHeadersConfig: &model.ResponseHeadersPolicyRemoveHeadersConfig{Items: []*model.ResponseHeadersPolicyRemoveHeader{{Header: text("Server")}}},
	}})
	primary.DefaultCacheBehavior.ResponseHeadersPolicyId = ref(headers, "Id")
	return stacked([]*model.Resource{headers}, []*model.Resource{staging, policy, thing("DistributionShop", "shop", &model.Distribution{DistributionConfig: primary})})
}

// many has tenants.
func many() *model.Deployment {
	tenantOrigin := custom("app", "app.internal.example.net")
	tenantOrigin.OriginPath = text("/{{origin}}")
	config := &model.DistributionConfig{
		Enabled: model.Bool(true), Comment: text("many"), ConnectionMode: text("tenant-only"), HttpVersion: text("http2and3"),
		Origins: []*model.DistributionOrigin{tenantOrigin}, DefaultCacheBehavior: behavior("app", text("4135ea2d-6df8-44a3-9df3-4b5a84be39ad")),
		TenantConfig: &model.DistributionTenantConfig{ParameterDefinitions: []*model.DistributionParameterDefinition{
			{Name: text("origin"), Definition: &model.DistributionDefinition{StringSchema: &model.DistributionStringSchema{Required: model.Bool(true)}}}}},
		CustomErrorResponses: []*model.DistributionCustomErrorResponse{{ErrorCode: model.Int(404), ResponseCode: model.Int(200), ResponsePagePath: text("/404.html"), ErrorCachingMinTTL: model.Int(10)}},
	}
	d := thing("DistributionMany", "", &model.Distribution{DistributionConfig: config})
	group := thing("GroupMany", "", &model.ConnectionGroup{Name: text("skerry-many"), Enabled: model.Bool(true), Ipv6Enabled: model.Bool(true)})
	tenant := thing("TenantShop", "shop", &model.DistributionTenant{
		Name: text("shop"), DistributionId: ref(d, ""), ConnectionGroupId: ref(group, "Id"), Domains: model.Texts([]string{"shop.example.com"}), Enabled: model.Bool(true),
		Parameters: []*model.DistributionTenantParameter{{Name: text("origin"), Value: text("shop")}},
		Customizations: &model.DistributionTenantCustomizations{
			Certificate:     &model.DistributionTenantCertificate{Arn: text("arn:aws:acm:us-east-1:123456789012:certificate/aaaaaaaa-90ab-cdef-1234-567890abcdef")},
			GeoRestrictions: &model.DistributionTenantGeoRestrictionCustomization{RestrictionType: text("blacklist"), Locations: model.Texts([]string{"AQ"})},
		},
	})
	return stacked([]*model.Resource{d, group}, []*model.Resource{tenant})
}
