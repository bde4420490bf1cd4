import { isDeepStrictEqual } from 'node:util';
import { App, CfnOutput, CfnResource, Stack, Stage, Token, type CfnDeletionPolicy } from 'aws-cdk-lib';
import { Node, type Construct, type IConstruct } from 'constructs';
import type { ManifestStack, TemplateResource } from './compiler';

/** The region of distributions, of their certificates and of their web ACLs. */
export const region = 'us-east-1';

/** The stack, one for an app or stage, with what several distributions use. */
export const sharedName = 'skerry-shared';

const made = Symbol.for('skerry.dev/cdk.made');

/** Whether a resource was made by a SkerryEntrypoint. */
export function madeHere(node: IConstruct): boolean {
  return made in node;
}

interface Known {
  readonly by: Construct;
  readonly definition: unknown;
  readonly resource: CfnResource | undefined; // undefined: an output
  readonly stack: Stack;
}

// registry has what was made in one app or stage, by logical id; it hangs on that construct, so that two apps know nothing of each other.
const registryKey = Symbol.for('skerry.dev/cdk.registry');

function registry(scope: Construct): Map<string, Known> {
  const holder = top(scope) as Construct & { [registryKey]?: Map<string, Known> };
  return (holder[registryKey] ??= new Map());
}

/** The app or stage that a construct is in. */
export function top(scope: Construct): Construct {
  return Stage.of(scope) ?? Node.of(scope).root as Construct;
}

/** The stack of that name beside the others of the app, made where it is not there. */
export function stackOf(scope: Construct, name: string, account: string | undefined): Stack {
  const parent = App.isApp(scope) || Stage.isStage(scope) ? scope : top(scope);
  const there = parent.node.tryFindChild(name);
  if (there !== undefined) {
    return there as Stack;
  }
  return new Stack(parent, name, { stackName: name, env: account === undefined ? { region } : { account, region } });
}

/**
 * Makes the resources and outputs of one stack of the manifest under their own logical ids and returns the resources by these; within: below
 * the construct itself, which is in that stack.
 * What is there already with the same content, because another SkerryEntrypoint has it too, is taken as it is.
 */
export function materialise(by: Construct, stack: Stack, within: boolean, from: ManifestStack): Map<string, CfnResource> {
  const known = registry(by);
  const scope = within ? by : stack;
  const out = new Map<string, CfnResource>();
  const fresh: Array<[CfnResource, TemplateResource]> = [];
  for (const [id, definition] of Object.entries(from.template.Resources)) {
    const before = known.get(id);
    if (before?.resource !== undefined) {
      refuseOther(id, before, by, definition, stack);
      out.set(id, before.resource);
      continue;
    }
    const resource = new CfnResource(scope, id, { type: definition.Type, properties: definition.Properties ?? {} });
    resource.overrideLogicalId(id);
    Object.defineProperty(resource, made, { value: true });
    known.set(id, { by, definition, resource, stack });
    fresh.push([resource, definition]);
    out.set(id, resource);
  }
  for (const [resource, definition] of fresh) {
    attributes(resource, definition);
  }
  for (const [id, definition] of Object.entries(from.template.Outputs ?? {})) {
    const before = known.get(id);
    if (before !== undefined) {
      refuseOther(id, before, by, definition, stack);
      continue;
    }
    const output = new CfnOutput(scope, id, { value: Token.asString(definition.Value) });
    output.overrideLogicalId(id);
    if (definition.Description !== undefined) output.description = definition.Description;
    if (definition.Export !== undefined) output.exportName = Token.asString(definition.Export.Name);
    known.set(id, { by, definition, resource: undefined, stack });
  }
  return out;
}

function attributes(resource: CfnResource, definition: TemplateResource): void {
  if (definition.DependsOn !== undefined) resource.addOverride('DependsOn', definition.DependsOn);
  if (definition.DeletionPolicy !== undefined) resource.cfnOptions.deletionPolicy = definition.DeletionPolicy as CfnDeletionPolicy;
  if (definition.UpdateReplacePolicy !== undefined) resource.cfnOptions.updateReplacePolicy = definition.UpdateReplacePolicy as CfnDeletionPolicy;
  for (const [key, value] of Object.entries(definition.Metadata ?? {})) {
    resource.addMetadata(key, value);
  }
}

function refuseOther(id: string, before: Known, by: Construct, definition: unknown, stack: Stack): void {
  if (before.stack === stack && stack.stackName === sharedName && isDeepStrictEqual(before.definition, definition)) {
    return;
  }
  throw new Error(
    `${by.node.path} and ${before.by.node.path} both make ${id}: they have a host, a name or a bucket in common; ` +
      'give the documents of both to one SkerryEntrypoint, so that they are compiled together',
  );
}
