import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, type Stage } from 'aws-cdk-lib';
import { compile, type spec } from '@skerry/cdk';

/** The folder aws/testdata: scripts/npm names it. */
export const testdata = process.env.SKERRY_TESTDATA ?? '';

export const zone: spec.AWS = { account: '123456789012', zones: { 'example.com': 'Z0123456789ABCDEFGHIJ' } };

export function entrypoint(name: string, more: Partial<spec.Entrypoint> = {}): spec.Document {
  return {
    apiVersion: 'skerry.dev/v1',
    kind: 'Entrypoint',
    metadata: { name, owner: 'web' },
    spec: { hosts: [`${name}.example.com`], service: `https://${name}.internal.example.com`, ...more },
  };
}

export type Template = { Resources: Record<string, any>; Outputs?: Record<string, any>; Metadata?: any; Description?: string };

/** The templates of an app by the names of their stacks, without what the CDK adds of its own. */
export function templates(app: App | Stage): Record<string, Template> {
  const out: Record<string, Template> = {};
  for (const s of app.synth().stacks) {
    const t = JSON.parse(readFileSync(join(s.assembly.directory, s.templateFile), 'utf8'));
    delete t.Parameters; // BootstrapVersion
    delete t.Rules;
    delete t.Resources.CDKMetadata;
    for (const r of Object.values<any>(t.Resources)) {
      delete r.Metadata?.['aws:cdk:path'];
      if (r.Metadata !== undefined && Object.keys(r.Metadata).length === 0) delete r.Metadata;
    }
    out[s.stackName] = t;
  }
  return out;
}

/** What `skerry aws compile --target cfn` writes for documents. */
export function cloudFormation(files: Record<string, string>): Record<string, Template> {
  const out: Record<string, Template> = {};
  for (const [name, text] of Object.entries(compile(files, 'cfn').files)) {
    if (name.startsWith('skerry-')) {
      const t = JSON.parse(text);
      delete t.AWSTemplateFormatVersion;
      out[name.replace(/\.json$/, '')] = t;
    }
  }
  return out;
}

export function app(): App {
  return new App({ analyticsReporting: false, context: { 'aws:cdk:enable-path-metadata': false } });
}
