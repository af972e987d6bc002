// Original file: ../../protos/bptt/v1/bptt.proto

export const LeaseKind = {
  LEASE_KIND_UNSPECIFIED: 'LEASE_KIND_UNSPECIFIED',
  /**
   * Forward, backward; the push carries a gradient.
   */
  LEASE_KIND_TRAIN: 'LEASE_KIND_TRAIN',
  /**
   * Forward only; the push carries the loss and no payload.
   */
  LEASE_KIND_EVALUATE: 'LEASE_KIND_EVALUATE',
} as const;

export type LeaseKind =
  | 'LEASE_KIND_UNSPECIFIED'
  | 0
  /**
   * Forward, backward; the push carries a gradient.
   */
  | 'LEASE_KIND_TRAIN'
  | 1
  /**
   * Forward only; the push carries the loss and no payload.
   */
  | 'LEASE_KIND_EVALUATE'
  | 2

export type LeaseKind__Output = typeof LeaseKind[keyof typeof LeaseKind]
