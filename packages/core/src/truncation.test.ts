import { describe, expect, it } from 'vitest';
import { formatTruncation, parseTruncation } from './truncation.js';

describe('parseTruncation', () => {
  it.each(['full', 'window:0', 'window:49', 'chunk:35'])('reads %s and writes it back', (text) => {
    expect(formatTruncation(parseTruncation(text))).toBe(text);
  });

  it.each(['', 'window', 'window:-1', 'window:1.5', 'chunk:0', 'chunk:9999999', 'Full', 'full:3'])('refuses %j', (text) => {
    expect(() => parseTruncation(text)).toThrow(`got ${JSON.stringify(text)}`);
  });
});
