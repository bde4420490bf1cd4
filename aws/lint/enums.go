package lint

import (
	"slices"
	"strings"

	"skerry.dev/skerry/aws/cfn"
	"skerry.dev/skerry/aws/schema"
)

// enumRows hold texts against the values that there are, where the published schema has none.
var enumRows = []row[*cfn.Resource]{
	{rule("value-unknown", refuses,
		"the service knows no such value",
		"write one of those that there are, in the same case",
		"ViewerProtocolPolicy: https", "https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Types.html"), valueUnknown},
}

// enum is the values of a property, wherever it stands in a resource of a type.
type enum struct {
	resourceType string
	property     string
	values       []string
}

var enums = []enum{
	{typeDistribution, "ViewerProtocolPolicy", strings.Fields("allow-all https-only redirect-to-https")},
	{typeDistribution, "OriginProtocolPolicy", strings.Fields("http-only https-only match-viewer")},
	{typeDistribution, "OriginSSLProtocols", strings.Fields("SSLv3 TLSv1 TLSv1.1 TLSv1.2")},
	{typeDistribution, "PriceClass", strings.Fields("PriceClass_100 PriceClass_200 PriceClass_All None")},
	{typeDistribution, "HttpVersion", strings.Fields("http1.1 http2 http3 http2and3")},
	{typeDistribution, "MinimumProtocolVersion", strings.Fields(`SSLv3 TLSv1 TLSv1_2016 TLSv1.1_2016 TLSv1.2_2018 TLSv1.2_2019 TLSv1.2_2021
		TLSv1.2_2025 TLSv1.3_2025`)},
	{typeDistribution, "SslSupportMethod", strings.Fields("sni-only vip static-ip")},
	{typeDistribution, "RestrictionType", strings.Fields("none whitelist blacklist")},
	{typeDistribution, "Forward", strings.Fields("none whitelist all")},
	{typeDistribution, "AllowedMethods", strings.Fields(allMethods)},
	{typeFunction, "Runtime", strings.Fields("cloudfront-js-1.0 cloudfront-js-2.0")},
	{typeCachePolicy, "HeaderBehavior", strings.Fields("none whitelist")},
	{typeCachePolicy, "CookieBehavior", strings.Fields("none whitelist allExcept all")},
	{typeCachePolicy, "QueryStringBehavior", strings.Fields("none whitelist allExcept all")},
	{typeOriginPolicy, "HeaderBehavior", strings.Fields("none whitelist allViewer allViewerAndWhitelistCloudFront allExcept")},
	{typeOriginPolicy, "CookieBehavior", strings.Fields("none whitelist allExcept all")},
	{typeOriginPolicy, "QueryStringBehavior", strings.Fields("none whitelist allExcept all")},
	{typeHeadersPolicy, "FrameOption", strings.Fields("DENY SAMEORIGIN")},
	{typeHeadersPolicy, "ReferrerPolicy", strings.Fields(`no-referrer no-referrer-when-downgrade origin origin-when-cross-origin same-origin
		strict-origin strict-origin-when-cross-origin unsafe-url`)},
	{typeAccessControl, "OriginAccessControlOriginType", strings.Fields("s3 mediastore mediapackagev2 lambda")},
	{typeAccessControl, "SigningBehavior", strings.Fields("always never no-override")},
	{typeAccessControl, "SigningProtocol", strings.Fields("sigv4")},
	{typeVpcOrigin, "OriginProtocolPolicy", strings.Fields("http-only https-only match-viewer")},
	{typeVpcOrigin, "OriginSSLProtocols", strings.Fields("SSLv3 TLSv1 TLSv1.1 TLSv1.2")},
	{typeCertificate, "ValidationMethod", strings.Fields("DNS EMAIL")},
	{typeDeliveryTarget, "OutputFormat", strings.Fields("json plain w3c raw parquet")},
	{typeDeliveryTarget, "DeliveryDestinationType", strings.Fields("S3 CWL FH XRAY")},
}

func valueUnknown(l *linter, r *cfn.Resource) {
	var mine []enum
	for _, e := range enums {
		if e.resourceType == r.Type {
			mine = append(mine, e)
		}
	}
	if mine == nil {
		return
	}
	each(r.Properties, func(n *schema.Node) {
		for _, f := range n.Fields {
			i := slices.IndexFunc(mine, func(e enum) bool { return e.property == f.Name })
			if i < 0 {
				continue
			}
			values := []*schema.Node{f.Value}
			if f.Value.Kind == schema.List {
				values = f.Value.Items
			}
			for _, v := range values {
				if text, ok := v.AsText(); ok && !slices.Contains(mine[i].values, text) {
					l.find(v, "%s is %q, and there are %s", f.Name, short(text), strings.Join(mine[i].values, ", "))
				}
			}
		}
	})
}

// propertyRows is not one table but several: by what they are about.
var propertyRows = slices.Concat(enumRows, cloudfrontRows, headersRows, wafPartRows, aroundRows)
