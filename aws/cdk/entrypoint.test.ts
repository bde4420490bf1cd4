import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Aspects, CfnResource, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { compile, RefuseBareDistributions, SkerryEntrypoint } from '@skerry/cdk';
import { app, cloudFormation, entrypoint, templates, testdata, zone } from './support';

const us = { env: { account: '123456789012', region: 'us-east-1' } };

test('the module writes the bytes of the native compiler', () => {
  const shop = readFileSync(join(testdata, 'shop.yaml'), 'utf8');
  for (const target of ['cfn', 'cfn-yaml', 'terraform', 'cdk'] as const) {
    const files = { 'shop.yaml': shop };
    const native = spawnSync(process.env.SKERRY_NATIVE ?? '', { input: JSON.stringify({ files, target }), encoding: 'utf8', maxBuffer: 64 << 20 });
    assert.equal(native.status, 0, native.stderr);
    const got = compile(files, target);
    assert.ok(Object.keys(got.files).length > 0, target);
    assert.deepEqual(got, JSON.parse(native.stdout));
  }
});

test('an App has the stacks of CloudFormation, property for property', () => {
  const file = join(testdata, 'shop.yaml');
  const a = app();
  const made = new SkerryEntrypoint(a, 'Shop', { file });
  const want = cloudFormation({ 'shop.yaml': readFileSync(file, 'utf8') });
  assert.deepEqual(templates(a), want);
  assert.equal(made.distributions.length, 1);
  assert.ok(made.functions.length > 0 && made.policies.length > 1);
});

test('a Stack takes what belongs to the entrypoint; two share what they both need', () => {
  const a = app();
  for (const name of ['shop', 'help']) {
    new SkerryEntrypoint(new Stack(a, name, us), 'Edge', { spec: entrypoint(name), account: zone });
  }
  const got = templates(a);
  assert.deepEqual(Object.keys(got).sort(), ['help', 'shop', 'skerry-shared']);
  const account = { apiVersion: 'skerry.dev/v1', kind: 'AWS', metadata: { name: 'account', owner: 'edge' }, spec: zone };
  const want = cloudFormation({
    'a.yaml': JSON.stringify(entrypoint('shop')),
    'b.yaml': JSON.stringify(entrypoint('help')),
    'c.yaml': JSON.stringify(account),
  });
  const all = (list: Record<string, { Resources: Record<string, unknown> }>) => Object.assign({}, ...Object.values(list).map((t) => t.Resources));
  const strip = (list: Record<string, any>) => Object.fromEntries(Object.entries(list).map(([id, { Metadata: _, ...r }]) => [id, r]));
  assert.deepEqual(strip(all(got)), strip(all(want)));
  assert.deepEqual(got['skerry-shared']?.Resources, want['skerry-shared']?.Resources);
});

test('two entrypoints with one host are refused', () => {
  const a = app();
  new SkerryEntrypoint(new Stack(a, 'one', us), 'Edge', { spec: entrypoint('shop'), account: zone });
  const second = new Stack(a, 'two', us);
  assert.throws(() => new SkerryEntrypoint(second, 'Edge', { spec: entrypoint('shop'), account: zone }), /two\/Edge and one\/Edge both make/);
});

test('overrides, and the names of what can be overridden', () => {
  const a = app();
  const stack = new Stack(a, 'shop', us);
  const id = new SkerryEntrypoint(stack, 'Edge', { spec: entrypoint('shop'), account: zone }).distribution.logicalId;
  const b = app();
  const over = new Stack(b, 'shop', us);
  new SkerryEntrypoint(over, 'Edge', {
    spec: entrypoint('shop'),
    account: zone,
    overrides: { [over.resolve(id)]: { 'DistributionConfig.Comment': 'ours' } },
  });
  Template.fromStack(over).hasResourceProperties('AWS::CloudFront::Distribution', { DistributionConfig: { Comment: 'ours' } });
  assert.throws(
    () => new SkerryEntrypoint(new Stack(app(), 'x', us), 'Edge', { spec: entrypoint('shop'), account: zone, overrides: { Nope: { a: 1 } } }),
    /has no resource Nope: it has .*Distribution/,
  );
});

test('grants name these distributions and secrets alone', () => {
  const a = app();
  const stack = new Stack(a, 'shop', us);
  const edge = new SkerryEntrypoint(stack, 'Edge', { spec: entrypoint('shop'), account: zone });
  const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com') });
  edge.grantInvalidate(role);
  edge.grantReadOriginSecrets(role);
  const statements = Object.values(templates(a).shop!.Resources).find((r) => r.Type === 'AWS::IAM::Policy').Properties.PolicyDocument.Statement;
  assert.deepEqual(statements[0].Resource, {
    'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':cloudfront::123456789012:distribution/', { Ref: stack.resolve(edge.distribution.logicalId) }]],
  });
  assert.equal(statements.length, 2);
  assert.ok(!JSON.stringify(statements).includes('"*"'), JSON.stringify(statements));
});

test('findings are annotations; errors keep the app from being synthesised', () => {
  const a = app();
  const stack = new Stack(a, 'shop', us);
  const edge = new SkerryEntrypoint(stack, 'Edge', { spec: entrypoint('shop') }); // no zone: nothing proves a certificate
  Annotations.fromStack(stack).hasError('/shop/Edge', Match.stringLikeRegexp('certificate-missing: .*shop.example.com'));
  assert.throws(() => edge.distribution, /0 resources of AWS::CloudFront::Distribution, not one: .*certificate-missing/s);

  const b = new Stack(app(), 'shop', us);
  new SkerryEntrypoint(b, 'Edge', { spec: entrypoint('shop'), account: zone });
  Annotations.fromStack(b).hasNoError('*', Match.anyValue());
  Annotations.fromStack(b).hasWarning('/shop/Edge', Match.stringLikeRegexp('origin-open: '));
});

test('problems of the documents are thrown with their places', () => {
  const spec = entrypoint('shop', { hosts: ['not a host'] });
  assert.throws(() => new SkerryEntrypoint(new Stack(app(), 'shop', us), 'Edge', { spec }), /Edge-1\.yaml:\d+:\d+/);
  assert.throws(() => new SkerryEntrypoint(new Stack(app(), 'shop', us), 'Edge', {}), /no document/);
});

test('another region is refused', () => {
  const stack = new Stack(app(), 'shop', { env: { region: 'eu-central-1' } });
  assert.throws(() => new SkerryEntrypoint(stack, 'Edge', { spec: entrypoint('shop'), account: zone }), /us-east-1/);
});

test('RefuseBareDistributions', () => {
  const bare = (stack: Stack, id: string) =>
    new CfnResource(stack, id, { type: 'AWS::CloudFront::Distribution', properties: { DistributionConfig: { Enabled: true } } });
  const a = app();
  const stack = new Stack(a, 'shop', us);
  new SkerryEntrypoint(stack, 'Edge', { spec: entrypoint('shop'), account: zone });
  Aspects.of(a).add(new RefuseBareDistributions({ except: ['shop/Old'] }));
  bare(stack, 'Old');
  Annotations.fromStack(stack).hasNoError('*', Match.anyValue());
  const other = new Stack(app(), 'other', us);
  Aspects.of(other).add(new RefuseBareDistributions({ except: ['other/Ol'] }));
  bare(other, 'Old');
  Annotations.fromStack(other).hasError('/other/Old', Match.stringLikeRegexp('no SkerryEntrypoint made'));
});
