// Writes ../schema/cfn.json: of the CloudFormation schema that AWS publishes in @aws-cdk/aws-service-spec (Apache-2.0), the resource types that
// the compiler emits or the linter knows. Run by `npm ci && node cfn.mjs` in this folder, when the pinned version changes.
import { createRequire } from 'node:module';
import { writeFileSync, readFileSync } from 'node:fs';

const require = createRequire(import.meta.url);
const { loadAwsServiceSpecSync } = require('@aws-cdk/aws-service-spec');
const { version } = JSON.parse(readFileSync(require.resolve('@aws-cdk/aws-service-spec/package.json')));

const wanted = [
  'AWS::CertificateManager::Certificate',
  ...['AnycastIpList', 'CachePolicy', 'CloudFrontOriginAccessIdentity', 'ConnectionFunction', 'ConnectionGroup', 'ContinuousDeploymentPolicy',
    'Distribution', 'DistributionTenant', 'Function', 'KeyGroup', 'KeyValueStore', 'MonitoringSubscription', 'OriginAccessControl',
    'OriginRequestPolicy', 'PublicKey', 'RealtimeLogConfig', 'ResponseHeadersPolicy', 'TrustStore', 'VpcOrigin'].map((n) => `AWS::CloudFront::${n}`),
  'AWS::IAM::ManagedPolicy',
  'AWS::Lambda::Permission',
  'AWS::Logs::Delivery', 'AWS::Logs::DeliveryDestination', 'AWS::Logs::DeliverySource', 'AWS::Logs::LogGroup', 'AWS::Logs::ResourcePolicy',
  'AWS::Route53::HostedZone', 'AWS::Route53::RecordSet', 'AWS::Route53::RecordSetGroup',
  'AWS::S3::BucketPolicy',
  'AWS::SecretsManager::RotationSchedule', 'AWS::SecretsManager::Secret',
  'AWS::WAFv2::IPSet', 'AWS::WAFv2::LoggingConfiguration', 'AWS::WAFv2::RegexPatternSet', 'AWS::WAFv2::RuleGroup', 'AWS::WAFv2::WebACL',
  'AWS::WAFv2::WebACLAssociation',
];

const db = loadAwsServiceSpecSync();
const sorted = (o) => Object.fromEntries(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1)));
const resources = {}, types = {};

function typeOf(resource, t) {
  switch (t.type) {
    case 'string': case 'integer': case 'number': case 'boolean': case 'json': return t.type;
    case 'date-time': return 'string';
    case 'tag': types['Tag'] ??= { properties: { Key: { type: 'string', required: true }, Value: { type: 'string', required: true } } }; return 'Tag';
    case 'array': return `list ${typeOf(resource, t.element)}`;
    case 'map': return `map ${typeOf(resource, t.element)}`;
    case 'ref': return define(resource, db.get('typeDefinition', t.reference.$ref));
    case 'union': return 'json';
    default: throw new Error(`${resource}: type ${JSON.stringify(t)}`);
  }
}

function define(resource, def) {
  const name = `${resource}.${def.name}`;
  if (!types[name]) {
    types[name] = {}; // statements of a firewall hold statements
    types[name].properties = properties(resource, def.properties);
  }
  return name;
}

function properties(resource, from) {
  const out = {};
  for (const [name, p] of Object.entries(from)) {
    out[name] = { type: typeOf(resource, p.type) };
    if (p.required) out[name].required = true;
    if (p.causesReplacement === 'yes') out[name].replaces = true;
    if (p.type.allowedValues) out[name].enum = p.type.allowedValues;
    if (p.type.pattern) out[name].pattern = p.type.pattern;
  }
  return sorted(out);
}

for (const type of wanted) {
  const r = db.lookup('resource', 'cloudFormationType', 'equals', type).only();
  resources[type] = {
    ref: r.cfnRefIdentifier ?? r.primaryIdentifier ?? [],
    attributes: Object.keys(r.attributes).sort(),
    properties: properties(type, r.properties),
  };
}
const out = { source: `@aws-cdk/aws-service-spec ${version}, Apache-2.0`, resources: sorted(resources), types: sorted(types) };
writeFileSync(new URL('../schema/cfn.json', import.meta.url), JSON.stringify(out, null, 1) + '\n');
console.log(`${Object.keys(resources).length} resource types, ${Object.keys(types).length} types of properties`);
