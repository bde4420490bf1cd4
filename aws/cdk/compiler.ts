import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { run } from './wasi';

/** What is to be said about a spec. Its id is stable: `portability.allow` and `aws.allow` take it where it is about a difference. */
export interface Finding {
  readonly id: string;
  readonly severity: 'error' | 'warning' | 'note';
  /** Accepted by the spec. */
  readonly allowed?: boolean;
  /** file:line:column */
  readonly at?: string;
  readonly path?: string;
  readonly subject?: string;
  readonly text: string;
  readonly meaning: string;
  readonly remedy: string;
  readonly witness?: string;
}

/** How entrypoints were spread over distributions, and why. */
export interface Packing {
  readonly packing: 'dedicated' | 'shared' | 'tenants';
  readonly distribution?: string;
  readonly entrypoints: readonly string[];
  readonly why: string;
}

/** A compiled spec. There are no files where it has problems, or a finding is an error. */
export interface Compiled {
  readonly files: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
  readonly problems: readonly string[];
  readonly packing: readonly Packing[];
}

/** A stack of the manifest that the compiler writes for this package. */
export interface ManifestStack {
  readonly name: string;
  readonly region: string;
  readonly after: readonly string[];
  readonly template: Template;
}

export interface Template {
  readonly Description?: string;
  readonly Metadata?: Record<string, unknown>;
  readonly Resources: Record<string, TemplateResource>;
  readonly Outputs?: Record<string, TemplateOutput>;
}

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Record<string, unknown>;
  readonly DependsOn?: string | string[];
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Metadata?: Record<string, unknown>;
}

export interface TemplateOutput {
  readonly Description?: string;
  readonly Value: unknown;
  readonly Export?: { readonly Name: unknown };
}

let compiled: WebAssembly.Module | undefined;

// module compiles the WebAssembly once for a process.
function module(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(new Uint8Array(gunzipSync(readFileSync(join(__dirname, '..', 'skerry.wasm.gz')))));
  return compiled;
}

/**
 * Compiles documents, by the names of their files. It is the compiler of `skerry aws compile`, byte for byte.
 * What is wrong with the documents is in the result; it throws only where the compiler itself fails.
 */
export function compile(files: Readonly<Record<string, string>>, target: 'cfn' | 'cfn-yaml' | 'terraform' | 'cdk'): Compiled {
  const ran = run(module(), JSON.stringify({ files, target }));
  if (ran.code !== 0) {
    throw new Error(`the compiler of @skerry/cdk failed: ${ran.stderr.trim()}`);
  }
  return JSON.parse(ran.stdout) as Compiled;
}
