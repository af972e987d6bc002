import { expect, test } from 'vitest';
import { sha256, SHA256_BYTES, sha256Hex } from './sha256.js';

test('hashes as the standard does, shared memory included', () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  const shared = new Uint8Array(new SharedArrayBuffer(5), 1, 3);
  shared.set([97, 98, 99]);
  expect(sha256(shared).toString('hex')).toBe(sha256Hex('abc'));
  expect(sha256('').byteLength).toBe(SHA256_BYTES);
});
