import type { Gradient } from '@bptt/core';
import { openThreadMemory, type OpenedThreadMemory, type SharedMemory } from '@bptt/simd';

/** Where the update thread computes, and with what. */
export interface UpdateMemory extends Pick<OpenedThreadMemory, 'arithmetic' | 'floats' | 'bytes'> {
  /** `values` in new memory. */
  readonly copy: (values: Float32Array) => Float32Array;
  /** `gradient` with all of its parts where arithmetic can be done on them; good until the next one. */
  readonly settle: (gradient: Gradient) => Gradient;
}

/** @param shared in which all lies that other threads send; undefined for ordinary memory */
export function updateMemory(shared: SharedMemory | undefined): UpdateMemory {
  const { arithmetic, floats, bytes, allocate, holds } = openThreadMemory(shared);
  /** For the rows of each row-sparse tensor that were merged elsewhere. */
  const merged: Float32Array[] = [];
  const copyTo = (values: Float32Array, place: Float32Array): Float32Array => {
    const copy = place.subarray(0, values.length);
    copy.set(values);
    return copy;
  };
  return {
    arithmetic,
    floats,
    bytes,
    copy: (values) => copyTo(values, allocate(values.length)),
    settle({ dense, sparse }) {
      return {
        dense,
        sparse: sparse.map(({ rows, values }, i) => {
          if (holds(values)) return { rows, values };
          if ((merged.at(i)?.length ?? -1) < values.length) merged[i] = allocate(2 * values.length);
          return { rows, values: copyTo(values, merged[i]) };
        }),
      };
    },
  };
}
