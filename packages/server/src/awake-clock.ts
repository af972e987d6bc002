/** Longest time between two looks at the clock that counts: more than any pause of a busy event loop, less than the shortest wait for a worker or a lease. */
const GAP_MS_MAX = 5_000;

/**
 * A clock that stands still while nobody looks at it for longer than five seconds, as when the machine slept or the process was stopped: the silence of workers in that time says nothing
 * about them. Starts at 0.
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
