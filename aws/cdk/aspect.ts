import { Annotations, CfnResource, type IAspect } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { madeHere } from './shared';

const distributions = new Set([
  'AWS::CloudFront::Distribution',
  'AWS::CloudFront::DistributionTenant',
  'AWS::CloudFront::StreamingDistribution',
]);

/** Settings of RefuseBareDistributions. */
export interface RefuseBareDistributionsProps {
  /** Paths of constructs (`node.path`) below which others may stay, for instance until they are moved. */
  readonly except?: readonly string[];
}

/**
 * An Aspect that refuses distributions that no SkerryEntrypoint made: they have neither its firewall nor its origins closed to others.
 *
 *     Aspects.of(app).add(new RefuseBareDistributions());
 */
export class RefuseBareDistributions implements IAspect {
  private readonly except: readonly string[];

  constructor(props: RefuseBareDistributionsProps = {}) {
    this.except = props.except ?? [];
  }

  visit(node: IConstruct): void {
    if (!CfnResource.isCfnResource(node) || !distributions.has(node.cfnResourceType) || madeHere(node)) {
      return;
    }
    const path = node.node.path;
    if (this.except.some((e) => path === e || path.startsWith(e + '/'))) {
      return;
    }
    Annotations.of(node).addError(
      `${node.cfnResourceType} that no SkerryEntrypoint made: describe it as an Entrypoint, or name its path in RefuseBareDistributions.except`,
    );
  }
}
