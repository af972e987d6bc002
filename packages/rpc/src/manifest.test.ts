import { layOut, type TensorDeclaration } from '@bptt/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Manifest__Output } from './gen/bptt/v1/Manifest.js';
import type { Tensor__Output } from './gen/bptt/v1/Tensor.js';
import { layoutOf, manifestOf, manifestSha256 } from './manifest.js';
import { sha256Hex } from './sha256.js';

const layout = layOut([
  { name: 'rnn.weight_ih_l0', shape: [8, 3], rowSparse: true, transposed: true },
  { name: 'rnn.weight_hh_l0', shape: [3, 3] },
  { name: 'decoder.bias', shape: [8] },
]);

const declarations: fc.Arbitrary<TensorDeclaration[]> = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[A-Za-z0-9_.]{1,20}$/),
    shape: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 2 }),
    rowSparse: fc.boolean(),
    transposed: fc.boolean(),
  }),
  { selector: ({ name }) => name, maxLength: 6 },
);

/** The manifest of `layout` with one thing changed, and a hash that fits the change. */
function changed(change: (manifest: Manifest__Output, first: Tensor__Output) => void): Manifest__Output {
  const manifest = manifestOf(layout);
  change(manifest, manifest.tensors[0]);
  return { ...manifest, sha256: manifestSha256(manifest.tensors) };
}

test('a layout comes back from its manifest', () => {
  fc.assert(fc.property(declarations, (tensors) => {
    const original = layOut(tensors);
    expect(layoutOf(manifestOf(original))).toEqual(original);
  }));
});

test('the hash is that of the lines which the protocol defines', () => {
  const lines = 'rnn.weight_ih_l0 F32 8x3 0 1 1\nrnn.weight_hh_l0 F32 3x3 96 0 0\ndecoder.bias F32 8 132 0 0\n';
  const { sha256, totalBytes } = manifestOf(layout);
  expect(sha256.toString('hex')).toBe(sha256Hex(lines));
  expect(totalBytes).toBe(164);
});

test.each<[string, Manifest__Output, RegExp]>([
  ['an empty name', changed((_, first) => { first.name = ''; }), /expected a name of letters, digits, dots and underscores, got ""/],
  ['a name with a newline', changed((_, first) => { first.name = 'a F32 1 0 0 0\nb'; }), /expected a name/],
  ['a name twice', changed((_, first) => { first.name = 'decoder.bias'; }), /listed twice/],
  ['another dtype', changed((_, first) => { first.dtype = 'F16'; }), /expected dtype F32 of rnn.weight_ih_l0, got "F16"/],
  ['no dimension', changed((_, first) => { first.shape = []; }), /expected a shape/],
  ['three dimensions', changed((_, first) => { first.shape = [2, 4, 3]; }), /got \[2, 4, 3\]/],
  ['a dimension of zero', changed((_, first) => { first.shape = [0, 3]; }), /got \[0, 3\]/],
  ['a gap', changed((manifest) => { manifest.tensors[1].offset = 100; }), /expected rnn.weight_hh_l0 at byte 96, got 100/],
  ['a wrong length', changed((manifest) => { manifest.totalBytes = 160; }), /expected 164 bytes in all, got 160/],
  ['too many tensors', changed((manifest) => { manifest.tensors = Array.from({ length: 4097 }, () => manifest.tensors[0]); }), /at most 4096 tensors, got 4097/],
  ['more bytes than any blob', changed((manifest, first) => { first.shape = [1 << 20, 1 << 20]; manifest.tensors = [first]; }), /at most 1073741824 bytes/],
  ['a wrong hash', { ...manifestOf(layout), sha256: Buffer.alloc(32) }, /expected sha256 [0-9a-f]{64}, got 0{64}/],
])('refuses %s', (_, manifest, message) => {
  expect(() => layoutOf(manifest)).toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringMatching(message) as string }));
});
