import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, HEADER_BYTES_MAX } from './safetensors.js';

const DATA = [0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0];

/** A file made by hand: length, header text, data. */
function fileOf(header: string, data: readonly number[] = DATA): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = [text.length & 0xff, (text.length >> 8) & 0xff, 0, 0, 0, 0, 0, 0];
  return Uint8Array.from([...length, ...text, ...data]);
}

const ENTRY = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';

describe('decodeSafetensors', () => {
  it('reads a file made byte by byte', () => {
    const { tensors, metadata } = decodeSafetensors(fileOf(`{"__metadata__":{"a":"b"},"w":${ENTRY}}`));
    expect(tensors).toEqual([{ name: 'w', shape: [2], values: Float32Array.of(1, -2) }]);
    expect(metadata).toEqual({ a: 'b' });
  });

  it('reads data that lie at an odd offset of the file and of its buffer', () => {
    const file = fileOf(`{"w":${ENTRY}} `);
    const shifted = new Uint8Array(file.length + 1);
    shifted.set(file, 1);
    expect(decodeSafetensors(shifted.subarray(1)).tensors[0].values).toEqual(Float32Array.of(1, -2));
  });

  it('gives copies, also of a Buffer, whose own slice would be a view', () => {
    const file = Buffer.from(fileOf(`{"w":${ENTRY}}`));
    const [{ values }] = decodeSafetensors(file).tensors;
    file.fill(0);
    expect(values).toEqual(Float32Array.of(1, -2));
  });

  it.each([
    ['a file without room for the length', Uint8Array.of(1, 0, 0), 'at least 8 bytes, got 3'],
    ['a length beyond the limit', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), `at most ${String(HEADER_BYTES_MAX)} bytes, got 18446744073709551615`],
    ['a header longer than the file', Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b), 'header of 9 bytes, got a file of 9'],
    ['a header that does not begin with a brace', fileOf(' {}'), 'begins with {'],
    ['a header that is not UTF-8', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff), 'not UTF-8'],
    ['a header that is not JSON', fileOf('{"w"'), 'not JSON'],
    ['a tensor that comes twice', fileOf(`{"w":${ENTRY},"\\u0077":${ENTRY}}`), '"w" comes twice'],
    ['a field that comes twice', fileOf('{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}'), '"dtype" comes twice'],
    ['an entry that is no object', fileOf('{"w":3}'), 'w: expected an object, got 3'],
    ['another type', fileOf('{"w":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}'), 'expected dtype F32, got "F16"'],
    ['a negative size', fileOf('{"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}'), 'shape of whole numbers'],
    ['offsets that are no pair', fileOf('{"w":{"dtype":"F32","shape":[2],"data_offsets":[8]}}'), 'data_offsets [begin, end]'],
    ['a shape that does not fit its bytes', fileOf('{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}'), 'expected 12 bytes for shape [3], got 8'],
    ['a hole', fileOf('{"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'), 'a hole'],
    ['an overlap', fileOf('{"v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'), 'an overlap'],
    ['bytes after the last tensor', fileOf(`{"w":${ENTRY}}`, [...DATA, 0]), 'expected 8 bytes of data, got 9'],
    ['missing bytes', fileOf(`{"w":${ENTRY}}`, DATA.slice(1)), 'expected 8 bytes of data, got 7'],
    ['metadata that are no strings', fileOf(`{"__metadata__":{"a":1},"w":${ENTRY}}`), 'object of strings'],
  ])('refuses %s with its own message', (_what, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(expect.objectContaining({ code: 'data-loss', message: expect.stringContaining(message) as string }) as Error);
  });
});

describe('encodeSafetensors', () => {
  it('writes what decodeSafetensors reads, names with quotes and brackets included', () => {
    const tensors = [
      { name: 'a"{[', shape: [2, 3], values: Float32Array.of(1, 2, 3, 4, 5, NaN) },
      { name: '__proto__', shape: [], values: Float32Array.of(-0) },
      { name: 'none', shape: [0, 4], values: new Float32Array(0) },
    ];
    const decoded = decodeSafetensors(encodeSafetensors(tensors, { note: '"\n{' }));
    expect([...decoded.tensors].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual([...tensors].sort((a, b) => (a.name < b.name ? -1 : 1)));
    expect(decoded.metadata).toEqual({ note: '"\n{' });
  });

  it('pads the header so that data begin on a multiple of 8', () => {
    const file = encodeSafetensors([{ name: 'w', shape: [1], values: Float32Array.of(1) }], {});
    expect(Number(new DataView(file.buffer).getBigUint64(0, true)) % 8).toBe(0);
    expect([...file.subarray(-4)]).toEqual(DATA.slice(0, 4));
  });

  it('refuses a name that is taken and values that do not fit', () => {
    const tensor = { name: 'w', shape: [1], values: Float32Array.of(1) };
    expect(() => encodeSafetensors([tensor, tensor], {})).toThrow('"w" is taken');
    expect(() => encodeSafetensors([{ ...tensor, name: '__metadata__' }], {})).toThrow('is taken');
    expect(() => encodeSafetensors([{ ...tensor, shape: [2] }], {})).toThrow('expected 2 values for shape [2], got 1');
  });
});
