import { BpttError, type Backend, type FloatArray, type HostMatrix, type ParameterLayout, type Program, type ProgramInputs } from '@bptt/core';
import type { MemoryShare } from '@bptt/simd';

/** Makes a backend that takes its memory from `within`, or has memory of its own. */
type CreateWithin = (within?: MemoryShare) => Backend;

/** Makes backends that work in memory which threads share, where they are given some. */
export function sharing(create: CreateWithin): CreateWithin {
  return (share) => (share === undefined ? create() : new SharingBackend(create, share));
}

/** A backend that works in memory which threads share. Where the others leave it too little room there, it goes on in memory of its own, to the same bits. */
export class SharingBackend implements Backend {
  readonly #create: CreateWithin;
  #isSharing = true;
  #backend: Backend;
  #parameters: Parameters<Backend['setParameters']> | undefined;

  /** @param create its errors are those of this, and of every call */
  constructor(create: CreateWithin, share: MemoryShare) {
    this.#create = create;
    try {
      this.#backend = create(share);
    } catch (error) {
      this.#leaveShare(error);
      this.#backend = create();
    }
  }

  get id(): string {
    return this.#backend.id;
  }

  get executes(): string {
    return this.#backend.executes;
  }

  setParameters(layout: ParameterLayout, values: FloatArray): void {
    this.#parameters = [layout, values];
    try {
      this.#backend.setParameters(layout, values);
    } catch (error) {
      this.#goOnAlone(error);
    }
  }

  async run(program: Program, inputs: ProgramInputs<HostMatrix, Int32Array>, wanted?: Readonly<Record<string, FloatArray>>): Promise<Record<string, HostMatrix>> {
    try {
      return await this.#backend.run(program, inputs, wanted);
    } catch (error) {
      this.#goOnAlone(error);
      return this.#backend.run(program, inputs, wanted);
    }
  }

  assist(): void {
    this.#backend.assist?.();
  }

  dispose(): void {
    this.#backend.dispose();
  }

  #goOnAlone(error: unknown): void {
    this.#leaveShare(error);
    this.#backend.dispose();
    this.#backend = this.#create();
    if (this.#parameters !== undefined) this.#backend.setParameters(...this.#parameters);
  }

  /** Shares no more. Throws `error` unless it says that there is too little room, which it can say once. */
  #leaveShare(error: unknown): void {
    if (!this.#isSharing || !(error instanceof BpttError && error.code === 'resource-exhausted')) throw error;
    this.#isSharing = false;
  }
}
