import { BpttError } from '@bptt/core';
import { findDuplicateKey } from './duplicate-keys.js';

/** Largest header that is read: the limit of the format's own implementation. */
export const HEADER_BYTES_MAX = 100_000_000;

const LENGTH_BYTES = 8;
const ELEMENT_BYTES = 4;
const METADATA_KEY = '__metadata__';
const DTYPE = 'F32';

/** A float32 tensor with a name; `values` are row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** What a safetensors file holds. */
export interface SafetensorsFile {
  readonly tensors: readonly NamedTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/**
 * Writes tensors as a safetensors file: header length as a little-endian uint64, a JSON header padded with spaces to a multiple of 8
 * bytes, and the data back to back in the order given.
 * @throws BpttError `invalid-argument` for a name that comes twice or is reserved, and for values that do not fit their shape
 */
export function encodeSafetensors(tensors: readonly NamedTensor[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const header: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  if (Object.keys(metadata).length > 0) header[METADATA_KEY] = metadata;
  let at = 0;
  for (const { name, shape, values } of tensors) {
    if (name in header || name === METADATA_KEY) throw refusal(`tensor name ${JSON.stringify(name)} is taken`);
    if (values.length !== sizeOf(shape)) throw refusal(`${name}: expected ${String(sizeOf(shape))} values for shape [${shape.join(', ')}], got ${String(values.length)}`);
    header[name] = { dtype: DTYPE, shape, data_offsets: [at, at + values.byteLength] };
    at += values.byteLength;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / LENGTH_BYTES) * LENGTH_BYTES;
  const file = new Uint8Array(LENGTH_BYTES + headerBytes + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + headerBytes);
  file.set(text, LENGTH_BYTES);
  let offset = LENGTH_BYTES + headerBytes;
  for (const { values } of tensors) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  return file;
}

/**
 * Reads a safetensors file of float32 tensors; values are copies.
 * @throws BpttError `data-loss` for bytes that are no such file: each fault has its own message
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { header, data } = splitHeader(bytes);
  const { [METADATA_KEY]: metadata = {}, ...rest } = header;
  const entries = Object.entries(rest).map(([name, entry]) => parseEntry(name, entry)).sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end) throw damage(`${entry.name}: expected data at byte ${String(end)}, got ${String(entry.begin)}: ${entry.begin > end ? 'a hole' : 'an overlap'}`);
    end = entry.end;
  }
  if (end !== data.byteLength) throw damage(`expected ${String(end)} bytes of data, got ${String(data.byteLength)}`);
  const tensors = entries.map(({ name, shape, begin, end: last }) => ({ name, shape, values: new Float32Array(new Uint8Array(data.subarray(begin, last)).buffer) }));
  return { tensors, metadata: parseMetadata(metadata) };
}

function splitHeader(bytes: Uint8Array): { header: Record<string, unknown>; data: Uint8Array } {
  if (bytes.byteLength < LENGTH_BYTES) throw damage(`expected at least ${String(LENGTH_BYTES)} bytes, got ${String(bytes.byteLength)}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(HEADER_BYTES_MAX)) throw damage(`expected a header of at most ${String(HEADER_BYTES_MAX)} bytes, got ${String(length)}`);
  const end = LENGTH_BYTES + Number(length);
  if (end > bytes.byteLength) throw damage(`expected a header of ${String(length)} bytes, got a file of ${String(bytes.byteLength)}`);
  const text = decodeText(bytes.subarray(LENGTH_BYTES, end));
  if (!text.startsWith('{')) throw damage(`expected a header that begins with {, got ${JSON.stringify(text.slice(0, 1))}`);
  const header = parseJson(text);
  const twice = findDuplicateKey(text);
  if (twice !== undefined) throw damage(`key ${JSON.stringify(twice)} comes twice in the header`);
  return { header, data: bytes.subarray(end) };
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw damage('the header is not UTF-8', cause);
  }
}

function parseJson(text: string): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(text);
    if (isRecord(header)) return header;
  } catch (cause) {
    throw damage('the header is not JSON', cause);
  }
  throw damage('the header is not a JSON object');
}

function parseEntry(name: string, entry: unknown): Entry {
  if (!isRecord(entry)) throw damage(`${name}: expected an object, got ${JSON.stringify(entry)}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== DTYPE) throw damage(`${name}: expected dtype ${DTYPE}, got ${JSON.stringify(dtype)}`);
  if (!isSizes(shape)) throw damage(`${name}: expected a shape of whole numbers, got ${JSON.stringify(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2) throw damage(`${name}: expected data_offsets [begin, end], got ${JSON.stringify(offsets)}`);
  const [begin, end] = offsets;
  const bytes = sizeOf(shape) * ELEMENT_BYTES;
  if (end - begin !== bytes) throw damage(`${name}: expected ${String(bytes)} bytes for shape [${shape.join(', ')}], got ${String(end - begin)}`);
  return { name, shape, begin, end };
}

function parseMetadata(metadata: unknown): Record<string, string> {
  if (isRecord(metadata) && Object.values(metadata).every((value) => typeof value === 'string')) return metadata as Record<string, string>;
  throw damage(`${METADATA_KEY}: expected an object of strings`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function damage(message: string, cause?: unknown): BpttError {
  return new BpttError('data-loss', `safetensors: ${message}`, { cause });
}

function refusal(message: string): BpttError {
  return new BpttError('invalid-argument', `safetensors: ${message}`);
}
