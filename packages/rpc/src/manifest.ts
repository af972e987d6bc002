import { BpttError, layOut, type ParameterLayout, type TensorSpec } from '@bptt/core';
import type { Manifest__Output } from './gen/bptt/v1/Manifest.js';
import type { Tensor__Output } from './gen/bptt/v1/Tensor.js';
import { BLOB_BYTES_MAX } from './blob-assembler.js';
import { sha256 } from './sha256.js';

/** Most tensors that a manifest may list. */
export const MANIFEST_TENSORS_MAX = 4096;
const DTYPE = 'F32';
const ELEMENT_BYTES = 4;
const NAME = /^[A-Za-z0-9_.]{1,200}$/;

/** The manifest of `layout`: what server and worker must agree on before they exchange blobs. */
export function manifestOf(layout: ParameterLayout): Manifest__Output {
  const tensors = layout.tensors.map(tensorMessage);
  return { tensors, totalBytes: layout.size * ELEMENT_BYTES, sha256: manifestSha256(tensors) };
}

/** SHA-256 of the lines `name dtype shape offset row_sparse transposed`, shape joined by `x`, flags as 0 or 1, each ended by a newline. */
export function manifestSha256(tensors: readonly Tensor__Output[]): Buffer {
  const lines = tensors.map(({ name, dtype, shape, offset, rowSparse, transposed }) =>
    `${name} ${dtype} ${shape.join('x')} ${String(offset)} ${flag(rowSparse)} ${flag(transposed)}\n`);
  return sha256(lines.join(''));
}

/**
 * The layout that `manifest` describes.
 * @throws BpttError `invalid-argument` for a manifest that `manifestOf` cannot have made: an odd name, dtype or shape, tensors that
 *   are not back to back, a wrong length or hash
 */
export function layoutOf(manifest: Manifest__Output): ParameterLayout {
  expect(manifest.tensors.length <= MANIFEST_TENSORS_MAX, () => `expected at most ${String(MANIFEST_TENSORS_MAX)} tensors, got ${String(manifest.tensors.length)}`);
  for (const tensor of manifest.tensors) assertTensor(tensor);
  expect(new Set(manifest.tensors.map(({ name }) => name)).size === manifest.tensors.length, () => 'a tensor is listed twice');
  const layout = layOut(manifest.tensors);
  layout.tensors.forEach((tensor, i) => {
    const { offset } = manifest.tensors[i];
    expect(offset === tensor.begin * ELEMENT_BYTES, () => `expected ${tensor.name} at byte ${String(tensor.begin * ELEMENT_BYTES)}, got ${String(offset)}`);
  });
  const bytes = layout.size * ELEMENT_BYTES;
  expect(bytes <= BLOB_BYTES_MAX, () => `expected at most ${String(BLOB_BYTES_MAX)} bytes, got ${String(bytes)}`);
  expect(manifest.totalBytes === bytes, () => `expected ${String(bytes)} bytes in all, got ${String(manifest.totalBytes)}`);
  const computed = manifestSha256(manifest.tensors);
  expect(computed.equals(manifest.sha256), () => `expected sha256 ${computed.toString('hex')}, got ${manifest.sha256.toString('hex')}`);
  return layout;
}

function tensorMessage({ name, shape, begin, rowSparse, transposed }: TensorSpec): Tensor__Output {
  return { name, dtype: DTYPE, shape: [...shape], offset: begin * ELEMENT_BYTES, rowSparse, transposed };
}

function assertTensor({ name, dtype, shape }: Tensor__Output): void {
  expect(NAME.test(name), () => `expected a name of letters, digits, dots and underscores, got ${JSON.stringify(name.slice(0, 200))}`);
  expect(dtype === DTYPE, () => `expected dtype ${DTYPE} of ${name}, got ${JSON.stringify(dtype)}`);
  const legal = (shape.length === 1 || shape.length === 2) && shape.every((n) => Number.isInteger(n) && n >= 1 && n <= BLOB_BYTES_MAX);
  expect(legal, () => `expected a shape [n] or [rows, columns] of ${name}, got [${shape.join(', ')}]`);
}

function flag(value: boolean): string {
  return value ? '1' : '0';
}

function expect(condition: boolean, message: () => string): void {
  if (!condition) throw new BpttError('invalid-argument', `manifest: ${message()}`);
}
