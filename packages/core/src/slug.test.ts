import { describe, expect, it } from 'vitest';
import { slug } from './slug.js';

describe('slug', () => {
  it.each([
    ['openblas-0.3.21-Haswell', 'openblas-0.3.21-haswell'],
    ['  AMD EPYC (9B45) / driver 5.0 ', 'amd-epyc-9b45-driver-5.0'],
    ['', ''],
  ])('makes %j a part of an id', (text, id) => {
    expect(slug(text)).toBe(id);
  });
});
