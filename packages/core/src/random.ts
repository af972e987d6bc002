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
  /** Fills `into` with uint32s: `2 i` and `2 i + 1` are both halves of block `i`, of which `bits(i)` is the first. For long runs of numbers. */
  readonly fill: (into: Uint32Array) => void;
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
  const bits = (counter: number): number => {
    encrypt(k0, k1, counter, 0);
    return block[0];
  };
  return {
    bits,
    uniform: (counter) => bits(counter) / 0x100000000,
    fill(into) {
      for (let at = 0; at < into.length; at += 2) {
        encrypt(k0, k1, at / 2, 0);
        into[at] = block[0];
        if (at + 1 < into.length) into[at + 1] = block[1];
      }
    },
  };
}

const PARITY = 0x1bd11bda;
const ROUNDS = 20;
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;

/** What `encrypt` gave last: the one place that is written again and again, so that nothing is allocated for a number. */
const block = new Uint32Array(2);

/** Encrypts two uint32 counters under two uint32 keys. */
export function threefry2x32(key: readonly [number, number], counter: readonly [number, number]): [number, number] {
  encrypt(key[0], key[1], counter[0], counter[1]);
  return [block[0], block[1]];
}

function encrypt(k0: number, k1: number, c0: number, c1: number): void {
  const k2 = k0 ^ k1 ^ PARITY;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const rotation = ROTATIONS[round & 7];
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << rotation) | (x1 >>> (32 - rotation))) ^ x0;
    if ((round & 3) !== 3) continue;
    // The key goes in after every fourth round, its three words in turn.
    const group = (round + 1) >> 2;
    x0 = (x0 + (group % 3 === 0 ? k0 : group % 3 === 1 ? k1 : k2)) | 0;
    x1 = (x1 + (group % 3 === 0 ? k1 : group % 3 === 1 ? k2 : k0) + group) | 0;
  }
  block[0] = x0;
  block[1] = x1;
}

/** FNV-1a over UTF-16 code units: names purposes, nothing more. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
