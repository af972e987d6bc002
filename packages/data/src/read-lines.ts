import { BpttError } from '@bptt/core';
import { decodeUtf8 } from './decode-utf8.js';

/** Longest line, in UTF-16 code units. */
export const LINE_UNITS_MAX = 1 << 20;

/**
 * Lines of a stream of UTF-8 bytes, without their line breaks (`\n` or `\r\n`); the last one need not have any.
 * @param name of the source, for messages
 * @throws BpttError `invalid-argument` at bytes that are not UTF-8 and for a line longer than `LINE_UNITS_MAX`
 */
export async function* readLines(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  let line = 0;
  let rest = '';
  for await (const text of decodeUtf8(chunks, name)) {
    const lines = text.split('\n');
    lines[0] = rest + lines[0];
    rest = lines.pop() ?? '';
    for (const whole of lines) yield checked(whole.endsWith('\r') ? whole.slice(0, -1) : whole);
    checked(rest, line + 1);
  }
  if (rest !== '') yield checked(rest);

  function checked(content: string, number = (line += 1)): string {
    if (content.length > LINE_UNITS_MAX) throw new BpttError('invalid-argument', `${name}: expected lines of at most ${String(LINE_UNITS_MAX)} characters, got more in line ${String(number)}`);
    return content;
  }
}
