// Writes the templates good/cdk-*.json: what the CDK makes of patterns that are common. `scripts/npm good` runs it.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnCondition, CfnParameter, CfnResource, Duration, Fn, Stack, Token } from 'aws-cdk-lib';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as apigw from 'aws-cdk-lib/aws-apigateway';
import * as apigw2 from 'aws-cdk-lib/aws-apigatewayv2';
import * as cf from 'aws-cdk-lib/aws-cloudfront';
import * as origins from 'aws-cdk-lib/aws-cloudfront-origins';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as route53 from 'aws-cdk-lib/aws-route53';
import * as targets from 'aws-cdk-lib/aws-route53-targets';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as waf from 'aws-cdk-lib/aws-wafv2';

const env = { account: '123456789012', region: 'us-east-1' };
const https = cf.ViewerProtocolPolicy.REDIRECT_TO_HTTPS;
const app = new App({ outdir: mkdtempSync(join(tmpdir(), 'good-')), analyticsReporting: false, context: { 'aws:cdk:enable-path-metadata': false } });

const http = (host = 'origin.example.com', props: origins.HttpOriginProps = {}) => new origins.HttpOrigin(host, props);
const site = (s: Stack, props: Partial<cf.DistributionProps> = {}) =>
  new cf.Distribution(s, 'Site', { defaultBehavior: { origin: http(), viewerProtocolPolicy: https }, ...props });
const viewer = (fn: cf.IFunction, eventType = cf.FunctionEventType.VIEWER_REQUEST) => ({ function: fn, eventType });
const bucketOf = (s: Stack) => origins.S3BucketOrigin.withOriginAccessControl(new s3.Bucket(s, 'Files'));
const visibility = (metricName: string) => ({ cloudWatchMetricsEnabled: true, metricName, sampledRequestsEnabled: true });
const managed = (name: string, priority: number): waf.CfnWebACL.RuleProperty => ({
  name,
  priority,
  overrideAction: { none: {} },
  statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
  visibilityConfig: visibility(name),
});
const acl = (s: Stack, rules: waf.CfnWebACL.RuleProperty[]) =>
  new waf.CfnWebACL(s, 'Acl', { scope: 'CLOUDFRONT', defaultAction: { allow: {} }, visibilityConfig: visibility('all'), rules });
const vpc = (s: Stack) => new ec2.Vpc(s, 'Vpc', { maxAzs: 2, natGateways: 0 });

const patterns: Record<string, (s: Stack) => void> = {
  'bucket': (s) => site(s, { defaultBehavior: { origin: bucketOf(s), viewerProtocolPolicy: https }, defaultRootObject: 'index.html' }),
  'bucket-pages': (s) =>
    site(s, {
      defaultBehavior: { origin: bucketOf(s), viewerProtocolPolicy: https },
      errorResponses: [{ httpStatus: 403, responseHttpStatus: 200, responsePagePath: '/index.html', ttl: Duration.seconds(10) }],
    }),
  'bucket-identity': (s) =>
    site(s, { defaultBehavior: { origin: origins.S3BucketOrigin.withOriginAccessIdentity(new s3.Bucket(s, 'Files')), viewerProtocolPolicy: https } }),
  'load-balancer': (s) => {
    const b = new elb.ApplicationLoadBalancer(s, 'Balancer', { vpc: vpc(s), internetFacing: true });
    site(s, {
      defaultBehavior: {
        origin: new origins.LoadBalancerV2Origin(b, { customHeaders: { 'X-Origin-Secret': 'from-a-store' }, readTimeout: Duration.seconds(45) }),
        viewerProtocolPolicy: https,
        allowedMethods: cf.AllowedMethods.ALLOW_ALL,
        cachePolicy: cf.CachePolicy.CACHING_DISABLED,
        originRequestPolicy: cf.OriginRequestPolicy.ALL_VIEWER,
      },
    });
  },
  'vpc-origin': (s) => {
    const b = new elb.ApplicationLoadBalancer(s, 'Balancer', { vpc: vpc(s) });
    site(s, { defaultBehavior: { origin: origins.VpcOrigin.withApplicationLoadBalancer(b), viewerProtocolPolicy: https } });
  },
  'rest-api': (s) => {
    const api = new apigw.RestApi(s, 'Api', { cloudWatchRole: false });
    api.root.addMethod('GET');
    site(s, { defaultBehavior: { origin: new origins.RestApiOrigin(api), viewerProtocolPolicy: https, cachePolicy: cf.CachePolicy.CACHING_DISABLED } });
  },
  'http-api': (s) => {
    const api = new apigw2.CfnApi(s, 'Api', { name: 'api', protocolType: 'HTTP' });
    site(s, { defaultBehavior: { origin: http(`${api.ref}.execute-api.${s.region}.${s.urlSuffix}`), viewerProtocolPolicy: https } });
  },
  'function-url': (s) => {
    const code = lambda.Code.fromInline('exports.handler = async () => ({statusCode: 200});');
    const fn = new lambda.Function(s, 'Fn', { runtime: lambda.Runtime.NODEJS_22_X, handler: 'index.handler', code });
    const url = fn.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.AWS_IAM });
    site(s, { defaultBehavior: { origin: origins.FunctionUrlOrigin.withOriginAccessControl(url), viewerProtocolPolicy: https } });
  },
  'parameters': (s) => {
    const host = new CfnParameter(s, 'Host', { type: 'String' });
    const price = new CfnParameter(s, 'Price', { type: 'String', default: 'PriceClass_100', allowedValues: ['PriceClass_100', 'PriceClass_All'] });
    const d = site(s, { defaultBehavior: { origin: http(host.valueAsString), viewerProtocolPolicy: https } });
    (d.node.defaultChild as CfnResource).addPropertyOverride('DistributionConfig.PriceClass', price.valueAsString);
  },
  'conditions': (s) => {
    const stage = new CfnParameter(s, 'Stage', { type: 'String', default: 'test' });
    const prod = new CfnCondition(s, 'IsProd', { expression: Fn.conditionEquals(stage.valueAsString, 'prod') });
    const d = site(s).node.defaultChild as CfnResource;
    d.addPropertyOverride('DistributionConfig.HttpVersion', Fn.conditionIf(prod.logicalId, 'http2and3', 'http2'));
    d.addPropertyOverride('DistributionConfig.WebACLId', Fn.conditionIf(prod.logicalId, acl(s, [managed('AWSManagedRulesCommonRuleSet', 0)]).attrArn, { Ref: 'AWS::NoValue' }));
  },
  'sub': (s) => site(s, { defaultBehavior: { origin: http(Fn.sub('origin.${AWS::Region}.example.com')), viewerProtocolPolicy: https }, comment: Fn.sub('of ${AWS::StackName}') }),
  'import': (s) => site(s, { defaultBehavior: { origin: http(Fn.importValue('origin-host')), viewerProtocolPolicy: https }, webAclId: Fn.importValue('acl-arn') }),
  'behaviours': (s) =>
    site(s, {
      additionalBehaviors: {
        '/api/*': { origin: http('api.example.com'), viewerProtocolPolicy: https, allowedMethods: cf.AllowedMethods.ALLOW_ALL, cachePolicy: cf.CachePolicy.CACHING_DISABLED },
        '/assets/*.css': { origin: http('assets.example.com'), viewerProtocolPolicy: https, compress: true },
        '/assets/*': { origin: http('assets.example.com'), viewerProtocolPolicy: https },
      },
    }),
  'cache-policy': (s) => {
    const cachePolicy = new cf.CachePolicy(s, 'Policy', {
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.minutes(5),
      maxTtl: Duration.days(1),
      queryStringBehavior: cf.CacheQueryStringBehavior.allowList('page', 'lang'),
      headerBehavior: cf.CacheHeaderBehavior.allowList('Accept-Language'),
      cookieBehavior: cf.CacheCookieBehavior.none(),
      enableAcceptEncodingGzip: true,
    });
    site(s, { defaultBehavior: { origin: http(), viewerProtocolPolicy: https, cachePolicy } });
  },
  'origin-request-policy': (s) => {
    const originRequestPolicy = new cf.OriginRequestPolicy(s, 'Policy', {
      headerBehavior: cf.OriginRequestHeaderBehavior.allowList('CloudFront-Viewer-Country'),
      queryStringBehavior: cf.OriginRequestQueryStringBehavior.all(),
      cookieBehavior: cf.OriginRequestCookieBehavior.allowList('session'),
    });
    site(s, { defaultBehavior: { origin: http(), viewerProtocolPolicy: https, originRequestPolicy } });
  },
  'answer-headers': (s) => {
    const responseHeadersPolicy = new cf.ResponseHeadersPolicy(s, 'Policy', {
      securityHeadersBehavior: {
        strictTransportSecurity: { accessControlMaxAge: Duration.days(365), includeSubdomains: true, override: true },
        contentTypeOptions: { override: true },
        frameOptions: { frameOption: cf.HeadersFrameOption.DENY, override: true },
      },
      customHeadersBehavior: { customHeaders: [{ header: 'X-Team', value: 'web', override: false }] },
      removeHeaders: ['Server'],
    });
    site(s, { defaultBehavior: { origin: http(), viewerProtocolPolicy: https, responseHeadersPolicy } });
  },
  'cors': (s) => {
    const responseHeadersPolicy = new cf.ResponseHeadersPolicy(s, 'Policy', {
      corsBehavior: {
        accessControlAllowCredentials: false,
        accessControlAllowHeaders: ['*'],
        accessControlAllowMethods: ['GET', 'HEAD'],
        accessControlAllowOrigins: ['https://shop.example.com'],
        originOverride: true,
      },
    });
    site(s, { defaultBehavior: { origin: http(), viewerProtocolPolicy: https, responseHeadersPolicy, allowedMethods: cf.AllowedMethods.ALLOW_GET_HEAD_OPTIONS } });
  },
  'function': (s) => {
    const code = cf.FunctionCode.fromInline('function handler(event) { var r = event.request; r.uri = r.uri.replace(/\\/$/, "/index.html"); return r; }');
    site(s, { defaultBehavior: { origin: http(), viewerProtocolPolicy: https, functionAssociations: [viewer(new cf.Function(s, 'Fn', { code, runtime: cf.FunctionRuntime.JS_2_0 }))] } });
  },
  'two-functions': (s) => {
    const of = (id: string, text: string) => new cf.Function(s, id, { code: cf.FunctionCode.fromInline(text) });
    const request = of('Request', 'function handler(event) { return event.request; }');
    const response = of('Response', 'function handler(event) { return event.response; }');
    site(s, { defaultBehavior: { origin: http(), viewerProtocolPolicy: https, functionAssociations: [viewer(request), viewer(response, cf.FunctionEventType.VIEWER_RESPONSE)] } });
  },
  'key-value-store': (s) => {
    const keyValueStore = new cf.KeyValueStore(s, 'Store');
    const code = cf.FunctionCode.fromInline("import cf from 'cloudfront';\nconst kvs = cf.kvs();\nasync function handler(event) { event.request.uri = await kvs.get(event.request.uri); return event.request; }");
    site(s, { defaultBehavior: { origin: http(), viewerProtocolPolicy: https, functionAssociations: [viewer(new cf.Function(s, 'Fn', { code, keyValueStore }))] } });
  },
  'origin-group': (s) =>
    site(s, { defaultBehavior: { origin: new origins.OriginGroup({ primaryOrigin: http('one.example.com'), fallbackOrigin: http('two.example.com'), fallbackStatusCodes: [500, 502, 503] }), viewerProtocolPolicy: https } }),
  'host': (s) => {
    const zone = route53.HostedZone.fromHostedZoneAttributes(s, 'Zone', { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName: 'example.com' });
    const certificate = new acm.Certificate(s, 'Certificate', { domainName: 'www.example.com', validation: acm.CertificateValidation.fromDns(zone) });
    const target = route53.RecordTarget.fromAlias(new targets.CloudFrontTarget(site(s, { certificate, domainNames: ['www.example.com'] })));
    new route53.ARecord(s, 'A', { zone, recordName: 'www', target });
    new route53.AaaaRecord(s, 'AAAA', { zone, recordName: 'www', target });
  },
  'logs': (s) => site(s, { enableLogging: true, logBucket: new s3.Bucket(s, 'Logs', { objectOwnership: s3.ObjectOwnership.OBJECT_WRITER }), logFilePrefix: 'site/' }),
  'logs-delivery': (s) => {
    const d = site(s);
    const source = new logs.CfnDeliverySource(s, 'Source', { name: 'site', logType: 'ACCESS_LOGS', resourceArn: d.distributionArn });
    const to = new logs.CfnDeliveryDestination(s, 'To', { name: 'site', destinationResourceArn: new s3.Bucket(s, 'Logs').bucketArn });
    new logs.CfnDelivery(s, 'Delivery', { deliverySourceName: source.ref, deliveryDestinationArn: to.attrArn });
  },
  'geo': (s) => site(s, { geoRestriction: cf.GeoRestriction.denylist('KP', 'SY'), priceClass: cf.PriceClass.PRICE_CLASS_200 }),
  'signed': (s) => {
    const group = new CfnResource(s, 'Group', { type: 'AWS::CloudFront::KeyGroup', properties: { KeyGroupConfig: { Name: 'readers', Items: ['K2JCJMDEHXQW5F'] } } });
    const keyGroup = cf.KeyGroup.fromKeyGroupId(s, 'Imported', group.ref);
    site(s, { defaultBehavior: { origin: http(), viewerProtocolPolicy: https, trustedKeyGroups: [keyGroup] } });
  },
  'acl': (s) => void site(s, { webAclId: acl(s, [managed('AWSManagedRulesCommonRuleSet', 0), managed('AWSManagedRulesKnownBadInputsRuleSet', 1)]).attrArn }),
  'acl-rate': (s) => {
    const rules = [{ name: 'rate', priority: 0, action: { block: {} }, statement: { rateBasedStatement: { limit: 2000, aggregateKeyType: 'IP' } }, visibilityConfig: visibility('rate') }];
    site(s, { webAclId: acl(s, rules).attrArn });
  },
  'acl-addresses': (s) => {
    const set = new waf.CfnIPSet(s, 'Set', { scope: 'CLOUDFRONT', ipAddressVersion: 'IPV4', addresses: ['192.0.2.0/24'] });
    const rules = [{ name: 'office', priority: 0, action: { allow: {} }, statement: { ipSetReferenceStatement: { arn: set.attrArn } }, visibilityConfig: visibility('office') }];
    site(s, { webAclId: acl(s, rules).attrArn });
  },
  'acl-logged': (s) => {
    new logs.LogGroup(s, 'Group', { logGroupName: 'aws-waf-logs-site' });
    const of = acl(s, [managed('AWSManagedRulesAmazonIpReputationList', 0)]);
    new waf.CfnLoggingConfiguration(s, 'Logging', { resourceArn: of.attrArn, logDestinationConfigs: [Token.asString(Fn.sub('arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:aws-waf-logs-site'))] });
    site(s, { webAclId: of.attrArn });
  },
};

for (const [name, make] of Object.entries(patterns)) {
  make(new Stack(app, name, { env }));
}
const folder = process.argv[2] ?? '.';
for (const stack of app.synth().stacks) {
  const template = JSON.parse(readFileSync(stack.templateFullPath, 'utf8'));
  delete template.Parameters?.BootstrapVersion;
  delete template.Rules;
  writeFileSync(join(folder, `cdk-${stack.stackName}.json`), JSON.stringify(template, undefined, 1) + '\n');
}
