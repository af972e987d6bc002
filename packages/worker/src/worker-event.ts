/** What became of a push, as the server says it. */
export type PushedOutcome = 'COMMITTED' | 'DUPLICATE' | 'STALE' | 'FENCED';

/** What happens in a worker, as it happens. */
export type WorkerProgress =
  /** `exchanges`: tensors go through files in memory, not through the connection. */
  | { readonly event: 'joined'; readonly workerId: string; readonly backendId: string; readonly executes: string; readonly threads: number; readonly exchanges: boolean }
  /** `step` is the version of the parameters that the lease reads. */
  | { readonly event: 'lease'; readonly leaseId: number; readonly kind: 'gradient' | 'evaluate'; readonly step: number; readonly nodeBegin: number; readonly nodeWidth: number }
  | { readonly event: 'pushed'; readonly step: number; readonly outcome: PushedOutcome }
  | { readonly event: 'left'; readonly reason: string }
  | { readonly event: 'warning'; readonly message: string };
