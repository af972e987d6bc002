/**
 * Counter-based random streams: every number is a pure function of a seed, a purpose, a path of indexes and a counter, so that order of
 * computation, padding, threads and resumes change nothing, and nothing random is stored but the seed.
 *
 * The generator is Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11).
 */
export interface RandomStream {
  /** The uint32 at position `counter` (0 to 2^32 - 1). */
  readonly bits: (counter: number) => number;
  /** The number at position `counter`, uniform in [0, 1), in steps of 2^-32. */
  readonly uniform: (counter: number) => number;
}

/**
 * The stream for one purpose.
 * @param seed whole number from 0 to 2^53 - 1
 * @param purpose what the numbers are for; streams of different purposes are independent
 * @param path whole numbers from 0 to 2^32 - 1, for instance step, sequence index, layer, time step
 */
export function stream(seed: number, purpose: string, ...path: readonly number[]): RandomStream {
  let key: readonly [number, number] = [seed >>> 0, Math.floor(seed / 0x100000000) >>> 0];
  key = threefry2x32(key, [hashText(purpose), path.length]);
  path.forEach((index, depth) => {
    key = threefry2x32(key, [index >>> 0, depth + 1]);
  });
  const [k0, k1] = key;
  const bits = (counter: number): number => threefry2x32([k0, k1], [counter >>> 0, 0])[0];
  return { bits, uniform: (counter) => bits(counter) / 0x100000000 };
}

const PARITY = 0x1bd11bda;
const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** Encrypts two uint32 counters under two uint32 keys. */
export function threefry2x32(key: readonly [number, number], counter: readonly [number, number]): [number, number] {
  const schedule = [key[0], key[1], key[0] ^ key[1] ^ PARITY];
  let x0 = (counter[0] + key[0]) | 0;
  let x1 = (counter[1] + key[1]) | 0;
  for (let group = 0; group < 5; group += 1) {
    for (const rotation of ROTATIONS[group & 1]) {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    }
    x0 = (x0 + schedule[(group + 1) % 3]) | 0;
    x1 = (x1 + schedule[(group + 2) % 3] + group + 1) | 0;
  }
  return [x0 >>> 0, x1 >>> 0];
}

/** FNV-1a over UTF-16 code units: names purposes, nothing more. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
