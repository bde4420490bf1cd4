import type { spec } from '@skerry/cdk';

/** What both teams say of the account: its hosted zone, and where logs go. */
export const account: spec.AWS = {
  account: '123456789012',
  zones: { 'example.com': 'Z0123456789ABCDEFGHIJ' },
  logs: { bucket: 'arn:aws:s3:::edge-logs' },
};
