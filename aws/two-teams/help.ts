import { join } from 'node:path';
import { SkerryEntrypoint } from '@skerry/cdk';
import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { account } from './account';

/** The team of the help pages keeps its spec in the file that it runs the edge with. */
export class HelpStack extends Stack {
  readonly entrypoint: SkerryEntrypoint;

  constructor(scope: Construct, id: string, props: StackProps & { readonly folder: string }) {
    super(scope, id, props);
    this.entrypoint = new SkerryEntrypoint(this, 'Help', { account, file: join(props.folder, 'help.yaml') });
  }
}
