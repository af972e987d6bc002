import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, read, readSync, unlinkSync, write, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BpttError, messageOf } from '@bptt/core';
import type { SharedFile__Output } from './gen/bptt/v1/SharedFile.js';

const NONCE_BYTES = 16;
const STAMP_AT = 16;
const STAMP_BYTES = 8;
const DATA_AT = 64;
const BEING_WRITTEN = 0;
const OPEN_FILE = /^\/proc\/\d+\/fd\/\d+$/;
/** Where files lie in memory on Linux; where it is not there, the folder for temporary files. */
const FOLDERS = ['/dev/shm', tmpdir()];

const [readAsync, writeAsync] = [promisify(read), promisify(write)];

/**
 * A file by which two processes of one machine hand each other arrays, at the speed of memory. It has no name: whoever makes it removes that at once, and others of the
 * same user reach it as an open file of the maker, so that nothing is left behind whatever ends. A stamp says what lies in it; it is 0 while that is
 * written, so that a reader knows whether it has read one whole thing.
 */
export class SharedFile {
  /** What another process needs to open it. */
  readonly offer: SharedFile__Output;
  readonly #descriptor: number;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #underWay = 0;
  #closed = false;

  private constructor(offer: SharedFile__Output, descriptor: number) {
    this.offer = offer;
    this.#descriptor = descriptor;
  }

  /** A new file, empty. Undefined where this system has no way to give it to another process. */
  static create(): SharedFile | undefined {
    if (process.platform !== 'linux') return undefined;
    const nonce = randomBytes(NONCE_BYTES);
    for (const folder of FOLDERS) {
      const descriptor = createWithoutName(join(folder, `bptt-${nonce.toString('hex')}`));
      if (descriptor === undefined) continue;
      writeSync(descriptor, nonce, 0, NONCE_BYTES, 0);
      return new SharedFile({ path: `/proc/${String(process.pid)}/fd/${String(descriptor)}`, nonce }, descriptor);
    }
    return undefined;
  }

  /**
   * The file of another process. Undefined where its path leads elsewhere, as it does from another machine, container or user, or to a file that has a name: whoever
   * offers it shall not make us write to one.
   */
  static open(offer: SharedFile__Output): SharedFile | undefined {
    let descriptor: number | undefined;
    try {
      if (!OPEN_FILE.test(offer.path)) return undefined;
      descriptor = openSync(offer.path, 'r+');
      const { nlink, uid } = fstatSync(descriptor);
      const nonce = Buffer.alloc(NONCE_BYTES);
      if (readSync(descriptor, nonce, 0, NONCE_BYTES, 0) === NONCE_BYTES && nonce.equals(offer.nonce) && nlink === 0 && uid === process.getuid?.()) return new SharedFile(offer, descriptor);
    } catch {
      // Whatever the reason: it is not the file that was offered.
    }
    if (descriptor !== undefined) closeSync(descriptor);
    return undefined;
  }

  /** For another thread of this process, which may `writeShared`. Good until `close`. */
  get descriptor(): number {
    return this.#descriptor;
  }

  /**
   * Writes `data` under `stamp`, above 0, when what was written before is there.
   * @throws BpttError `resource-exhausted` where there is no room
   */
  write(stamp: number, data: Uint8Array): Promise<void> {
    const before = this.#lastWrite;
    const written = this.#during(async () => {
      await before.catch(() => undefined);
      writeStamp(this.#descriptor, BEING_WRITTEN);
      for (let at = 0; at < data.byteLength;) at += (await writeAsync(this.#descriptor, data, at, data.byteLength - at, DATA_AT + at)).bytesWritten;
      writeStamp(this.#descriptor, stamp);
    });
    this.#lastWrite = written;
    return written;
  }

  /** Fills `into` with what lies there under `stamp`. False where that is something else, or less; then nothing is known of what `into` holds. */
  async read(stamp: number, into: Uint8Array): Promise<boolean> {
    return this.#during(async () => {
      if (readStamp(this.#descriptor) !== stamp) return false;
      for (let at = 0; at < into.byteLength;) {
        const { bytesRead } = await readAsync(this.#descriptor, into, at, into.byteLength - at, DATA_AT + at);
        if (bytesRead === 0) return false;
        at += bytesRead;
      }
      return readStamp(this.#descriptor) === stamp;
    });
  }

  /** Gives the file up, once what is under way is done. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closeWhenIdle();
  }

  async #during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new BpttError('cancelled', 'shared file: it is closed');
    this.#underWay += 1;
    try {
      return await work();
    } catch (error) {
      throw failure(error);
    } finally {
      this.#underWay -= 1;
      this.#closeWhenIdle();
    }
  }

  #closeWhenIdle(): void {
    if (this.#closed && this.#underWay === 0) closeSync(this.#descriptor);
  }
}

/** As `SharedFile.write`, by a thread that has nothing else to do, to the file with this descriptor. */
export function writeShared(descriptor: number, stamp: number, data: Uint8Array): void {
  try {
    writeStamp(descriptor, BEING_WRITTEN);
    for (let at = 0; at < data.byteLength;) at += writeSync(descriptor, data, at, data.byteLength - at, DATA_AT + at);
    writeStamp(descriptor, stamp);
  } catch (error) {
    throw failure(error);
  }
}

function createWithoutName(path: string): number | undefined {
  try {
    const descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
    return descriptor;
  } catch {
    return undefined;
  }
}

function writeStamp(descriptor: number, stamp: number): void {
  const bytes = Buffer.alloc(STAMP_BYTES);
  bytes.writeBigUInt64LE(BigInt(stamp));
  writeSync(descriptor, bytes, 0, STAMP_BYTES, STAMP_AT);
}

function readStamp(descriptor: number): number {
  const bytes = Buffer.alloc(STAMP_BYTES);
  readSync(descriptor, bytes, 0, STAMP_BYTES, STAMP_AT);
  return Number(bytes.readBigUInt64LE());
}

function failure(error: unknown): BpttError {
  return error instanceof BpttError ? error : new BpttError('resource-exhausted', `shared file: ${messageOf(error)}`, { cause: error });
}
