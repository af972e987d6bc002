import { createHash } from 'node:crypto';

/** Bytes of a SHA-256. */
export const SHA256_BYTES = 32;

/** SHA-256 of bytes, or of a text in UTF-8. */
export function sha256(content: Uint8Array | string): Buffer {
  return createHash('sha256').update(content).digest();
}

/** SHA-256 in lower-case hex, as it is printed and stored. */
export function sha256Hex(content: Uint8Array | string): string {
  return sha256(content).toString('hex');
}
