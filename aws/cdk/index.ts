/**
 * The Entrypoint of Skerry as a construct of the AWS CDK.
 *
 * It runs the compiler of `skerry aws compile`, as WebAssembly and within this process, and makes what comes of it as L1 resources:
 * there is no second compiler, and what `cdk synth` writes is property for property what the command writes.
 */
export { SkerryEntrypoint, type SkerryEntrypointProps } from './entrypoint';
export { RefuseBareDistributions, type RefuseBareDistributionsProps } from './aspect';
export { compile, type Compiled, type Finding, type Packing } from './compiler';
export type * as spec from './spec';
