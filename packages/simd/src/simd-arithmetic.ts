import { assert, assertReceivable, FINGERPRINT_LANES, fingerprintText, type Arithmetic } from '@bptt/core';
import type { KernelMemory } from './kernel-memory.js';
import { FLOAT_BYTES } from './handles.js';
import { instantiateKernels } from './kernels.js';

/**
 * Core's arithmetic on arrays that lie in `memory`: the bits of `plainArithmetic`, at the speed of memory.
 * @throws BpttError as `simdBackend`; each call throws where an array lies elsewhere
 */
export function simdArithmetic(memory: KernelMemory): Arithmetic {
  const kernels = instantiateKernels(memory, 'simd');
  /** Address of element `begin`. */
  const at = (values: Float32Array, begin = 0): number => {
    assert(memory.holds(values), () => 'arithmetic: expected an array in the memory of the kernels, got one elsewhere');
    return values.byteOffset + begin * FLOAT_BYTES;
  };
  const lanes = memory.allocateFloats(FINGERPRINT_LANES);
  const gradientAt = (values: Float32Array | undefined, begin: number): number => (values === undefined ? 0 : at(values, begin));
  return {
    add: (left, right, sum) => kernels.addArrays(at(left), at(right), at(sum), sum.length) !== 0,
    sumOfSquares: (values) => kernels.sumOfSquares(at(values), values.length),
    clamp: (values, factor, limit) => kernels.clampArray(at(values), factor, limit, values.length) !== 0,
    areFinite: (values) => kernels.areFinite(at(values), values.length) !== 0,
    receive: (from, into, squared) => {
      assertReceivable(from, into, squared);
      const words = memory.integers(lanes.byteOffset, FINGERPRINT_LANES);
      for (let lane = 0; lane < FINGERPRINT_LANES; lane += 1) words[lane] = lane;
      const squares = kernels.receive(at(from), at(into), into.length, squared, lanes.byteOffset);
      return Number.isNaN(squares) ? undefined : { fingerprint: fingerprintText(Uint32Array.from(words)), sumOfSquares: squares };
    },
    average: (mean, values, count) => { kernels.averageArray(at(mean), at(values), mean.length, count); },
    descend: {
      sgd({ parameters, after, lr, factors: { mean, clip } }, begin, end, values, from) {
        if (values !== undefined) return kernels.descendSgd(at(parameters, begin), at(values, from), mean, clip, at(after, begin), end - begin, lr) !== 0;
        if (after !== parameters) kernels.copy(at(parameters, begin), (end - begin) * FLOAT_BYTES, at(after, begin));
        return true;
      },
      decayedSgd({ parameters, after, lr, shrink, factors: { mean, clip } }, begin, end, values, from) {
        return kernels.descendDecayedSgd(at(parameters, begin), gradientAt(values, from), mean, clip, at(after, begin), end - begin, lr, shrink) !== 0;
      },
      momentum({ parameters, velocity, after, velocityAfter, mu, gain, rate, l2, shrink, factors: { mean, clip } }, begin, end, values, from) {
        const [p, v, g] = [at(parameters, begin), at(velocity, begin), gradientAt(values, from)];
        return kernels.descendMomentum(p, v, g, mean, clip, at(after, begin), at(velocityAfter, begin), end - begin, mu, gain, rate, l2, shrink) !== 0;
      },
      adagrad({ parameters, squares, after, squaresAfter, lr, epsilon, l2, shrink, factors: { mean, clip } }, begin, end, values, from) {
        const [p, s, g] = [at(parameters, begin), at(squares, begin), gradientAt(values, from)];
        return kernels.descendAdagrad(p, s, g, mean, clip, at(after, begin), at(squaresAfter, begin), end - begin, lr, epsilon, l2, shrink) !== 0;
      },
      rmsprop({ parameters, meanSquare, after, meanSquareAfter, lr, alpha, epsilon, l2, shrink, factors: { mean, clip } }, begin, end, values, from) {
        const [p, s, g] = [at(parameters, begin), at(meanSquare, begin), gradientAt(values, from)];
        return kernels.descendRmsprop(p, s, g, mean, clip, at(after, begin), at(meanSquareAfter, begin), end - begin, lr, alpha, epsilon, l2, shrink) !== 0;
      },
      adam({ parameters, first, second, after, firstAfter, secondAfter, beta1, beta2, rate, scale, epsilon, l2, shrink, factors: { mean, clip } }, begin, end, values, from) {
        const [p, m, v, g] = [at(parameters, begin), at(first, begin), at(second, begin), gradientAt(values, from)];
        const [mAfter, vAfter] = [at(firstAfter, begin), at(secondAfter, begin)];
        return kernels.descendAdam(p, m, v, g, mean, clip, at(after, begin), mAfter, vAfter, end - begin, beta1, beta2, rate, scale, epsilon, l2, shrink) !== 0;
      },
    },
  };
}
