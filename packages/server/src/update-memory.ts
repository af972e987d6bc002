import { plainArithmetic, type Arithmetic, type Gradient } from '@bptt/core';
import { KernelMemory, MEMORY_BYTES_LIMIT, simdArithmetic, type SharedMemory } from '@bptt/simd';

/** Where the update thread computes, and with what. */
export interface UpdateMemory {
  readonly arithmetic: Arithmetic;
  /** What another thread sees as `values`, as an array of this one. */
  floats(values: Float32Array): Float32Array;
  /** The same of bytes. */
  bytes(values: Uint8Array): Uint8Array;
  /** `values` in new memory. */
  copy(values: Float32Array): Float32Array;
  /** `gradient` with all of its parts where arithmetic can be done on them; good until the next one. */
  settle(gradient: Gradient): Gradient;
}

/** @param memory of the kernels, in which all lies that other threads send; undefined for ordinary memory and the plain loops */
export function updateMemory(memory: SharedMemory | undefined): UpdateMemory {
  if (memory === undefined) {
    return { arithmetic: plainArithmetic, floats: (values) => values, bytes: (values) => values, copy: (values) => values.slice(), settle: (gradient) => gradient };
  }
  const kernels = new KernelMemory(memory, MEMORY_BYTES_LIMIT);
  /** For the rows of each row-sparse tensor that were merged in ordinary memory. */
  const merged: Float32Array[] = [];
  const copyTo = (values: Float32Array, place: Float32Array): Float32Array => {
    const copy = place.subarray(0, values.length);
    copy.set(values);
    return copy;
  };
  return {
    arithmetic: simdArithmetic(kernels),
    floats: ({ byteOffset, length }) => kernels.floats(byteOffset, length),
    bytes: ({ byteOffset, length }) => kernels.bytes(byteOffset, length),
    copy: (values) => copyTo(values, kernels.allocateFloats(values.length)),
    settle({ dense, sparse }) {
      return {
        dense,
        sparse: sparse.map(({ rows, values }, i) => {
          if (kernels.holds(values)) return { rows, values };
          if ((merged.at(i)?.length ?? -1) < values.length) merged[i] = kernels.allocateFloats(2 * values.length);
          return { rows, values: copyTo(values, merged[i]) };
        }),
      };
    },
  };
}
