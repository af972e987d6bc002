import { BpttError } from '@bptt/core';

/**
 * Text of a stream of UTF-8 bytes; a byte order mark at its beginning is dropped.
 * @param name of the source, for the message
 * @throws BpttError `invalid-argument` at bytes that are not UTF-8, naming the source and the byte offset
 */
export async function* decodeUtf8(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let offset = 0;
  let pending: Uint8Array = new Uint8Array(0);
  for await (const chunk of chunks) {
    const text = attempt(() => decoder.decode(chunk, { stream: true }), () => offset - pending.length + invalidPrefix(Buffer.concat([pending, chunk])));
    if (text !== '') yield text;
    offset += chunk.length;
    pending = unfinishedTail(chunk.length < TAIL_BYTES ? Buffer.concat([pending, chunk]) : chunk);
  }
  attempt(() => decoder.decode(), () => offset - pending.length);

  function attempt(decode: () => string, locate: () => number): string {
    try {
      return decode();
    } catch (cause) {
      throw new BpttError('invalid-argument', `${name}: expected UTF-8 text, got an invalid byte sequence at byte ${String(locate())}`, { cause });
    }
  }
}

/** A code point has at most four bytes, so at most three of them wait for the next chunk. */
const TAIL_BYTES = 3;

/** The bytes at the end of `bytes` that begin a code point and do not finish it. `bytes` up to there are valid. */
function unfinishedTail(bytes: Uint8Array): Uint8Array {
  for (let length = 1; length <= Math.min(TAIL_BYTES, bytes.length); length += 1) {
    const byte = bytes[bytes.length - length];
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > length ? bytes.slice(bytes.length - length) : new Uint8Array(0);
  }
  return new Uint8Array(0);
}

/** Bytes before the first code point of `bytes` that is not valid. */
function invalidPrefix(bytes: Uint8Array): number {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let valid = 0;
  try {
    for (let at = 0; at < bytes.length; at += 1) {
      if (decoder.decode(bytes.subarray(at, at + 1), { stream: true }) !== '') valid = at + 1;
    }
  } catch {
    return valid;
  }
  return valid;
}
