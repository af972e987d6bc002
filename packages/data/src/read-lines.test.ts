import { describe, expect, it } from 'vitest';
import { LINE_UNITS_MAX, readLines } from './read-lines.js';

async function* bytes(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk);
}

async function lines(...chunks: (string | Uint8Array)[]): Promise<string[]> {
  const read: string[] = [];
  for await (const line of readLines(bytes(...chunks), 'text')) read.push(line);
  return read;
}

describe('readLines', () => {
  it('gives every line, the empty ones too, wherever the pieces begin', async () => {
    const text = 'first\n\nthird \r\nlast é中🐋';
    const expected = ['first', '', 'third ', 'last é中🐋'];
    expect(await lines(text)).toEqual(expected);
    expect(await lines(...Array.from(new TextEncoder().encode(text), (byte) => Uint8Array.of(byte)))).toEqual(expected);
    expect(await lines(`${text}\n`)).toEqual(expected);
    expect(await lines('\n')).toEqual(['']);
    expect(await lines()).toEqual([]);
  });

  it('refuses what is not UTF-8 and lines without an end', async () => {
    await expect(lines('a\n', Uint8Array.of(0xff))).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringContaining('byte 2') as unknown });
    const long = 'x'.repeat(LINE_UNITS_MAX);
    expect(await lines('a\n', long)).toHaveLength(2);
    await expect(lines('a\n', long, 'x')).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringContaining('line 2') as unknown });
  });
});
