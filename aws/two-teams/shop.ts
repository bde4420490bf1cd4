import { SkerryEntrypoint } from '@skerry/cdk';
import { Stack, type StackProps } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { account } from './account';

/** The team of the shop: pages, and files in a bucket. */
export class ShopStack extends Stack {
  readonly entrypoint: SkerryEntrypoint;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    this.entrypoint = new SkerryEntrypoint(this, 'Shop', {
      account,
      spec: [
        {
          apiVersion: 'skerry.dev/v1',
          kind: 'Entrypoint',
          metadata: { name: 'shop', owner: 'web' },
          spec: {
            hosts: ['shop.example.com'],
            routes: [
              { name: 'assets', match: { prefix: '/assets' }, service: 'assets', methods: ['GET', 'HEAD', 'OPTIONS'] },
              { name: 'rest', service: 'https://shop.internal.example.com' },
            ],
          },
        },
        {
          apiVersion: 'skerry.dev/v1',
          kind: 'Service',
          metadata: { name: 'assets', owner: 'web' },
          spec: { directory: { path: 'assets' }, aws: { bucket: 'shop-assets-prod', region: 'us-east-1' } },
        },
      ],
    });
    const publisher = new iam.Role(this, 'Publisher', { assumedBy: new iam.ServicePrincipal('codebuild.amazonaws.com') });
    this.entrypoint.grantInvalidate(publisher);
  }
}
