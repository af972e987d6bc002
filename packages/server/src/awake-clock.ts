/** Longest time between two looks at the clock that counts: far more than a pause of a busy event loop, little beside any wait for a worker or a lease. */
const GAP_MS_MAX = 1_000;

/**
 * A clock that stands still once nobody has looked at it for a second, as when the process was stopped or its machine paused: the silence of workers in that time says nothing about them.
 * Starts at 0. It must be looked at more often than that.
 * @param nowMs never goes back; goes on while this process is stopped
 */
export function awakeClock(nowMs: () => number = () => performance.now()): () => number {
  let lookedMs = nowMs();
  let awakeMs = 0;
  return () => {
    const now = nowMs();
    awakeMs += Math.min(now - lookedMs, GAP_MS_MAX);
    lookedMs = now;
    return awakeMs;
  };
}
