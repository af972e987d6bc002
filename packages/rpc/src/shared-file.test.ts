import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { SharedFile, writeShared } from './shared-file.js';
import { patternBytes } from './testing/messages.js';

const open: SharedFile[] = [];
afterEach(() => { for (const file of open.splice(0)) file.close(); });

function keep(file: SharedFile | undefined): SharedFile {
  if (file === undefined) throw new Error('there is no file');
  open.push(file);
  return file;
}

/** Both ends of a file, as two processes have them. */
function pair(): readonly [maker: SharedFile, other: SharedFile] {
  const maker = keep(SharedFile.create());
  return [maker, keep(SharedFile.open(maker.offer))];
}

const shared = (bytes: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(bytes));

describe.skipIf(process.platform !== 'linux')('a shared file', () => {
  it.each([1, 100, 3_000_001])('hands over %d bytes, either way, into memory that threads share', async (length) => {
    const [maker, other] = pair();
    const data = patternBytes(length);
    for (const [writer, reader, stamp] of [[maker, other, 7], [other, maker, 2 ** 52 + 1]] as const) {
      await writer.write(stamp, data);
      const into = shared(length);
      expect(await reader.read(stamp, into)).toBe(true);
      expect(Buffer.compare(into, data)).toBe(0);
    }
    writeShared(maker.descriptor, 9, data.subarray(0, 1));
    expect(await other.read(9, shared(1))).toBe(true);
  });

  it('says when something else lies there, or less, or nothing yet', async () => {
    const [maker, other] = pair();
    expect(await other.read(1, shared(4))).toBe(false);
    await maker.write(1, patternBytes(4));
    expect(await other.read(2, shared(4))).toBe(false);
    expect(await other.read(1, shared(5))).toBe(false);
    expect(await other.read(1, shared(4))).toBe(true);
  });

  it('is never read whole while another writes', async () => {
    const [maker, other] = pair();
    const length = 4_000_000;
    const contents = [1, 2].map((value) => new Uint8Array(length).fill(value));
    await maker.write(1, contents[0]);
    const into = shared(length);
    let torn = 0;
    for (let i = 0; i < 20; i += 1) {
      const stamp = (i % 2) + 1;
      const writing = maker.write(3 - stamp, contents[2 - stamp]);
      if (await other.read(stamp, into)) torn += into.some((value) => value !== stamp) ? 1 : 0;
      await writing;
    }
    expect(torn).toBe(0);
  });

  it('writes one after the other', async () => {
    const [maker, other] = pair();
    const length = 2_000_000;
    await Promise.all([1, 2, 3].map((value) => maker.write(value, new Uint8Array(length).fill(value))));
    const into = shared(length);
    expect(await other.read(3, into)).toBe(true);
    expect(into.every((value) => value === 3)).toBe(true);
  });

  it('has no name, and belongs to its user alone', () => {
    const { descriptor } = keep(SharedFile.create());
    expect(fstatSync(descriptor).nlink).toBe(0);
    expect(fstatSync(descriptor).mode & 0o777).toBe(0o600);
  });

  it('is not what has another nonce, a name, or another kind of path', () => {
    const { offer } = keep(SharedFile.create());
    expect(SharedFile.open({ ...offer, nonce: Buffer.alloc(16) })).toBeUndefined();
    expect(SharedFile.open({ ...offer, path: '/proc/1/fd/1000000' })).toBeUndefined();
    const folder = mkdtempSync(join(tmpdir(), 'bptt-shared-'));
    try {
      const path = join(folder, 'named');
      writeFileSync(path, offer.nonce);
      expect(SharedFile.open({ ...offer, path })).toBeUndefined();
      const descriptor = openSync(path, 'r+');
      expect(SharedFile.open({ ...offer, path: `/proc/${String(process.pid)}/fd/${String(descriptor)}` })).toBeUndefined();
      closeSync(descriptor);
      expect(readFileSync(path).equals(offer.nonce)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('finishes what is under way when it is closed, and refuses more', async () => {
    const [maker, other] = pair();
    const writing = maker.write(5, patternBytes(1_000_000));
    maker.close();
    await writing;
    expect(await other.read(5, shared(1_000_000))).toBe(true);
    await expect(maker.read(5, shared(4))).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('reports that it cannot be written', async () => {
    const { offer } = keep(SharedFile.create());
    const other = keep(SharedFile.open(offer));
    closeSync(other.descriptor);
    await expect(other.write(1, patternBytes(4))).rejects.toMatchObject({ code: 'resource-exhausted', message: expect.stringContaining('shared file: EBADF') as string });
    open.pop();
  });
});
