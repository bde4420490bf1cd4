import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Annotations, CfnResource, Stack, Token } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { compile, type Compiled, type Finding, type ManifestStack, type Packing } from './compiler';
import { materialise, region, sharedName, stackOf } from './shared';
import type { AWS, Document } from './spec';

/** What a SkerryEntrypoint takes: the documents from at least one of spec, file and files. */
export interface SkerryEntrypointProps {
  /** Documents as objects. */
  readonly spec?: Document | readonly Document[];
  /** A file with documents, as `skerry run -f` takes it. */
  readonly file?: string;
  /** Several files. */
  readonly files?: readonly string[];
  /**
   * The spec of the one AWS document: hosted zones, certificates, logs, packing. Give the same to all entrypoints of an app. Leave it out where
   * a file has that document.
   */
  readonly account?: AWS;
  /** Properties to replace, by logical id and then by path: `{Distribution…: {'DistributionConfig.PriceClass': 'PriceClass_100'}}`. */
  readonly overrides?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/**
 * An Entrypoint, or several, on CloudFront and AWS WAF.
 *
 * In a Stack its distributions, certificates and records become part of that stack, which has to be in us-east-1; in an App or Stage they
 * get stacks of their own. Policies, functions, sets and web ACLs, which have quotas of few per account, go to the one stack
 * `skerry-shared` of the App or Stage, and entrypoints that need the same share them.
 *
 * Findings of the compiler become annotations; one that is an error keeps the app from being synthesised.
 */
export class SkerryEntrypoint extends Construct {
  /** What is to be said about the spec, the worst first. */
  readonly findings: readonly Finding[];
  /** How entrypoints were spread over distributions, and why. */
  readonly packing: readonly Packing[];
  /** The policy that a deployer needs, where the compiler knows the account. */
  readonly deployerPolicy: unknown;
  private readonly resources = new Map<string, CfnResource>();

  constructor(scope: Construct, id: string, props: SkerryEntrypointProps) {
    super(scope, id);
    const compiled = compile(documents(this, props), 'cdk');
    if (compiled.problems.length > 0) {
      throw new Error(`${this.node.path}: the spec has problems:\n${compiled.problems.join('\n')}`);
    }
    this.findings = compiled.findings;
    this.packing = compiled.packing;
    this.annotate();
    const policy = compiled.files['deployer-policy.json'];
    this.deployerPolicy = policy === undefined ? undefined : JSON.parse(policy);
    this.make(compiled, props.account?.account);
    this.override(props.overrides ?? {});
  }

  /** The one distribution; throws where there is none or are several. */
  get distribution(): CfnResource {
    return this.one('AWS::CloudFront::Distribution', this.distributions);
  }

  get distributions(): CfnResource[] {
    return this.ofType('AWS::CloudFront::Distribution');
  }

  /** The one web ACL; throws where there is none or are several. */
  get webAcl(): CfnResource {
    return this.one('AWS::WAFv2::WebACL', this.webAcls);
  }

  get webAcls(): CfnResource[] {
    return this.ofType('AWS::WAFv2::WebACL');
  }

  get functions(): CfnResource[] {
    return this.ofType('AWS::CloudFront::Function');
  }

  /** Policies of caching, of requests to origins and of the headers of answers. */
  get policies(): CfnResource[] {
    return this.ofType('AWS::CloudFront::CachePolicy', 'AWS::CloudFront::OriginRequestPolicy', 'AWS::CloudFront::ResponseHeadersPolicy');
  }

  /** A resource by its logical id, as `skerry aws compile` names it; throws where there is none. */
  resource(logicalId: string): CfnResource {
    const found = this.resources.get(logicalId);
    if (found === undefined) {
      throw new Error(`${this.node.path} has no resource ${logicalId}: it has ${[...this.resources.keys()].sort().join(', ')}`);
    }
    return found;
  }

  /** The one distribution for what takes an IDistribution, for instance metrics. */
  asDistribution(): cloudfront.IDistribution {
    const d = this.distribution;
    return cloudfront.Distribution.fromDistributionAttributes(this, 'Distribution', {
      distributionId: d.ref,
      domainName: Token.asString(d.getAtt('DomainName')),
    });
  }

  /** Lets somebody make invalidations, and look at them, in these distributions and no others. */
  grantInvalidate(grantee: iam.IGrantable): iam.Grant {
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ['cloudfront:CreateInvalidation', 'cloudfront:GetInvalidation', 'cloudfront:ListInvalidations'],
      resourceArns: this.distributions.map((d) => Stack.of(d).formatArn({ service: 'cloudfront', region: '', resource: 'distribution', resourceName: d.ref })),
    });
  }

  /** Lets somebody read the secrets by which origins know these distributions, and no others: for the services that compare them. */
  grantReadOriginSecrets(grantee: iam.IGrantable): iam.Grant {
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
      resourceArns: this.ofType('AWS::SecretsManager::Secret').map((s) => s.ref),
    });
  }

  private ofType(...types: string[]): CfnResource[] {
    return [...this.resources.values()].filter((r) => types.includes(r.cfnResourceType));
  }

  private one(type: string, list: CfnResource[]): CfnResource {
    const [first] = list;
    if (first === undefined || list.length > 1) {
      throw new Error(`${this.node.path} has ${list.length} resources of ${type}, not one: ${this.errors() || 'take them from the list of all'}`);
    }
    return first;
  }

  private errors(): string {
    return this.findings.filter((f) => f.severity === 'error').map(line).join('\n');
  }

  private annotate(): void {
    const to = Annotations.of(this);
    for (const f of this.findings) {
      switch (f.severity) {
        case 'error':
          to.addError(line(f));
          break;
        case 'warning':
          to.addWarningV2(`skerry:${f.id}`, line(f));
          break;
        default:
          to.addInfo(line(f));
      }
    }
  }

  private make(compiled: Compiled, account: string | undefined): void {
    const text = compiled.files['skerry.manifest.json'];
    if (text === undefined) {
      return; // an error is among the findings, and the app is not synthesised
    }
    const list = (JSON.parse(text) as { stacks: ManifestStack[] }).stacks;
    const within = this.node.scopes.some((s) => Stack.isStack(s)) ? Stack.of(this) : undefined;
    const edges = list.filter((s) => s.name !== sharedName);
    if (within !== undefined) {
      this.checkRegion(within);
      if (edges.length > 1) {
        throw new Error(`${this.node.path} needs ${edges.length} stacks, ${edges.map((s) => s.name).join(', ')}: put it under the App, not into a Stack`);
      }
    }
    const stacks = new Map<string, Stack>();
    for (const s of list) {
      const stack = within !== undefined && s.name !== sharedName ? within : stackOf(this, s.name, account);
      stacks.set(s.name, stack);
      for (const [id, resource] of materialise(this, stack, stack === within, s)) {
        this.resources.set(id, resource);
      }
      this.describe(stack, s, stack !== within);
    }
    for (const s of list) {
      for (const a of s.after) {
        stacks.get(s.name)!.addStackDependency(stacks.get(a)!, 'what its distributions use');
      }
    }
  }

  private describe(stack: Stack, from: ManifestStack, own: boolean): void {
    if (!own) {
      return;
    }
    if (from.template.Description !== undefined) {
      stack.templateOptions.description = from.template.Description;
    }
    stack.templateOptions.metadata = { ...stack.templateOptions.metadata, ...from.template.Metadata };
  }

  private checkRegion(stack: Stack): void {
    if (Token.isUnresolved(stack.region)) {
      Annotations.of(this).addWarningV2('skerry:region', `the stack ${stack.stackName} names no region: deploy it to ${region}, or say env: {region: '${region}'}`);
    } else if (stack.region !== region) {
      throw new Error(`${this.node.path} is in the region ${stack.region}: certificates and web ACLs of CloudFront are in ${region}, so its stack has to be`);
    }
  }

  private override(all: Readonly<Record<string, Readonly<Record<string, unknown>>>>): void {
    for (const [id, properties] of Object.entries(all)) {
      for (const [path, value] of Object.entries(properties)) {
        this.resource(id).addPropertyOverride(path, value);
      }
    }
  }
}

// line is a finding as one line.
function line(f: Finding): string {
  return `${f.at === undefined ? '' : f.at + ': '}${f.id}: ${f.text}; ${f.remedy}`;
}

// documents gathers the texts that are compiled, by name.
function documents(scope: Construct, props: SkerryEntrypointProps): Record<string, string> {
  const out: Record<string, string> = {};
  const add = (name: string, text: string) => {
    if (name in out) {
      throw new Error(`${scope.node.path}: two files have the name ${name}`);
    }
    out[name] = text;
  };
  for (const file of [...(props.file === undefined ? [] : [props.file]), ...(props.files ?? [])]) {
    add(basename(file), readFileSync(file, 'utf8'));
  }
  const objects: readonly Document[] = props.spec === undefined ? [] : isList(props.spec) ? props.spec : [props.spec];
  objects.forEach((d, i) => add(`${scope.node.id}-${i + 1}.yaml`, JSON.stringify(d, undefined, 2)));
  if (Object.keys(out).length === 0) {
    throw new Error(`${scope.node.path}: there is no document: give spec, file or files`);
  }
  if (props.account !== undefined) {
    const account: Document = { apiVersion: 'skerry.dev/v1', kind: 'AWS', metadata: { name: 'account', owner: 'edge' }, spec: props.account };
    add('account.yaml', JSON.stringify(account, undefined, 2));
  }
  return out;
}

function isList(v: Document | readonly Document[]): v is readonly Document[] {
  return Array.isArray(v);
}
