/** Names of the calls of all services. */
export const CALLS = ['getInfo', 'join', 'control', 'pullParameters', 'placeParameters', 'pushGradient', 'leave', 'getStatus', 'healthCheck'] as const;
export type CallName = (typeof CALLS)[number];

/** How long each call may take, in ms, from its start to its status. */
export type DeadlinesMs = Readonly<Record<CallName, number>>;

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Deadlines unless set otherwise. `pullParameters` and `pushGradient` suffice for `BLOB_BYTES_MAX` at 20 MB/s. `control` lives as long
 * as its worker: keepalive finds a dead peer, the deadline only bounds what is forgotten.
 */
export const DEADLINES_MS: DeadlinesMs = {
  getInfo: 10_000,
  join: 10_000,
  control: 7 * DAY_MS,
  pullParameters: 60_000,
  placeParameters: 60_000,
  pushGradient: 60_000,
  leave: 5_000,
  getStatus: 5_000,
  healthCheck: 5_000,
};
