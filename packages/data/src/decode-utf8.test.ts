import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeUtf8 } from './decode-utf8.js';

async function decode(bytes: Uint8Array, chunkBytes: number): Promise<string> {
  let text = '';
  for await (const piece of decodeUtf8(chunks(bytes, chunkBytes), 'book.txt')) text += piece;
  return text;
}

// eslint-disable-next-line @typescript-eslint/require-await -- a stream is asynchronous
async function* chunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

it('reads text whose code points lie across chunks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: fc.constantFrom('a', '\0', 'é', '\uffff', '中', '😀', '\u{10ffff}') }), fc.integer({ min: 1, max: 5 }), async (text, chunkBytes) => {
      expect(await decode(Buffer.from(`x${text}`), chunkBytes)).toBe(`x${text}`);
    }),
    { numRuns: 40 },
  );
});

it('drops a byte order mark', async () => {
  expect(await decode(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 2)).toBe('a');
});

it.each([1, 2, 3, 4, 5, 100])('names the byte where text is not UTF-8, in chunks of %i', async (chunkBytes) => {
  const emoji = Buffer.from('é😀');
  const cases: [number[], number][] = [
    [[...emoji, 0xff, 0x61], 6],
    [[...emoji, 0xe4, 0xb8, 0x61, 0x62], 6],
    [[0x61, 0x62, 0x80], 2],
    [[...emoji, 0xf0, 0x9f, 0x98], 6],
  ];
  for (const [bytes, at] of cases) {
    await expect(decode(Uint8Array.from(bytes), chunkBytes)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: `book.txt: expected UTF-8 text, got an invalid byte sequence at byte ${String(at)}`,
    });
  }
});
