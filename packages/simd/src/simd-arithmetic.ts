import { assert, FINGERPRINT_LANES, fingerprintText, type Arithmetic } from '@bptt/core';
import type { KernelMemory } from './kernel-memory.js';
import { FLOAT_BYTES } from './handles.js';
import { instantiateKernels } from './kernels.js';

/**
 * Core's arithmetic on arrays that lie in `memory`, made by this object of it: the bits of `plainArithmetic`, at the speed of memory.
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
    add: (left, right, sum) => { kernels.addArrays(at(left), at(right), at(sum), sum.length); },
    scale: (values, factor) => { kernels.scaleArray(at(values), factor, values.length); },
    sumOfSquares: (values) => kernels.sumOfSquares(at(values), values.length),
    clamp: (values, limit) => kernels.clampArray(at(values), limit, values.length) !== 0,
    areFinite: (values) => kernels.areFinite(at(values), values.length) !== 0,
    fingerprint: (values) => {
      const words = memory.integers(lanes.byteOffset, FINGERPRINT_LANES);
      for (let lane = 0; lane < FINGERPRINT_LANES; lane += 1) words[lane] = lane;
      kernels.fingerprint(at(values), values.length, lanes.byteOffset);
      return fingerprintText(Uint32Array.from(words));
    },
    descend: {
      sgd({ parameters, after, lr }, begin, end, values, from) {
        if (values !== undefined) kernels.descendSgd(at(parameters, begin), at(values, from), at(after, begin), end - begin, lr);
        else if (after !== parameters) after.set(parameters.subarray(begin, end), begin);
      },
      decayedSgd({ parameters, after, lr, shrink }, begin, end, values, from) {
        kernels.descendDecayedSgd(at(parameters, begin), gradientAt(values, from), at(after, begin), end - begin, lr, shrink);
      },
      momentum({ parameters, velocity, after, velocityAfter, mu, gain, rate, l2, shrink }, begin, end, values, from) {
        const [p, v, g] = [at(parameters, begin), at(velocity, begin), gradientAt(values, from)];
        kernels.descendMomentum(p, v, g, at(after, begin), at(velocityAfter, begin), end - begin, mu, gain, rate, l2, shrink);
      },
      adagrad({ parameters, squares, after, squaresAfter, lr, epsilon, l2, shrink }, begin, end, values, from) {
        const [p, s, g] = [at(parameters, begin), at(squares, begin), gradientAt(values, from)];
        kernels.descendAdagrad(p, s, g, at(after, begin), at(squaresAfter, begin), end - begin, lr, epsilon, l2, shrink);
      },
      rmsprop({ parameters, meanSquare, after, meanSquareAfter, lr, alpha, epsilon, l2, shrink }, begin, end, values, from) {
        const [p, s, g] = [at(parameters, begin), at(meanSquare, begin), gradientAt(values, from)];
        kernels.descendRmsprop(p, s, g, at(after, begin), at(meanSquareAfter, begin), end - begin, lr, alpha, epsilon, l2, shrink);
      },
      adam({ parameters, first, second, after, firstAfter, secondAfter, beta1, beta2, rate, scale, epsilon, l2, shrink }, begin, end, values, from) {
        const [p, m, v, g] = [at(parameters, begin), at(first, begin), at(second, begin), gradientAt(values, from)];
        kernels.descendAdam(p, m, v, g, at(after, begin), at(firstAfter, begin), at(secondAfter, begin), end - begin, beta1, beta2, rate, scale, epsilon, l2, shrink);
      },
    },
  };
}
