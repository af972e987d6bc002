import { BpttError, messageOf } from '@bptt/core';
import { blobMemory } from './blob-assembler.js';
import type { Channel } from './channel.js';
import type { Exchange__Output } from './gen/bptt/v1/Exchange.js';
import type { PlaceParametersReply__Output } from './gen/bptt/v1/PlaceParametersReply.js';
import type { PushGradientReply__Output } from './gen/bptt/v1/PushGradientReply.js';
import type { PushHeader__Output } from './gen/bptt/v1/PushHeader.js';
import { assertAligned, wholeFloats } from './pull.js';
import type { PulledParameters } from './server-connection.js';
import { SharedFile } from './shared-file.js';
import { floatsOf } from './tensor-codec.js';

/**
 * A worker's end of an exchange of tensors with a server on the same machine: through files in memory, in place of chunks through gRPC, which alone still says
 * what lies there and what counts.
 */
export class Exchange {
  readonly #channel: Channel;
  readonly #parameters: SharedFile;
  readonly #gradients: SharedFile;

  private constructor(channel: Channel, parameters: SharedFile, gradients: SharedFile) {
    this.#channel = channel;
    this.#parameters = parameters;
    this.#gradients = gradients;
  }

  /** Undefined where the server offers none, or is not on this machine. */
  static open(channel: Channel, { parameters, gradients }: Exchange__Output): Exchange | undefined {
    const files = [parameters, gradients].map((offer) => (offer === null ? undefined : SharedFile.open(offer)));
    const [ofParameters, ofGradients] = files;
    if (ofParameters !== undefined && ofGradients !== undefined) return new Exchange(channel, ofParameters, ofGradients);
    for (const file of files) file?.close();
    return undefined;
  }

  /** As `ServerConnection.pullParameters`. @throws BpttError `resource-exhausted` where the exchange does not work */
  async pull(runId: string, version: number, bytesMax: number, into?: Uint8Array): Promise<PulledParameters> {
    assertAligned(into);
    const { parameterServer } = this.#channel;
    const placed = await this.#channel.answer<PlaceParametersReply__Output>('placeParameters', (call, done) => parameterServer.placeParameters({ runId, parametersVersion: version }, call, done));
    const { step, totalBytes } = placed;
    const bytes = blobMemory(wholeFloats(totalBytes), { bytesMax, into });
    if (!(await this.#parameters.read(version, bytes))) throw new BpttError('aborted', `parameters of version ${String(version)} are no longer placed`);
    return { version, step, values: floatsOf(bytes), isHeld: () => true };
  }

  /** As `ServerConnection.pushGradient`. @throws BpttError `resource-exhausted` where the exchange does not work */
  async push(header: PushHeader__Output, payload: Uint8Array): Promise<PushGradientReply__Output> {
    await this.#gradients.write(header.leaseId, payload);
    return this.#channel.answer('pushGradient', (options, callback) => {
      const call = this.#channel.parameterServer.pushGradient(options, callback);
      call.write({ header, frame: 'header' });
      call.write({ placed: { totalBytes: payload.byteLength }, frame: 'placed' });
      call.end();
      return call;
    });
  }

  close(): void {
    this.#parameters.close();
    this.#gradients.close();
  }
}

/** Why an exchange is given up after `error`; undefined where that is no fault of the exchange. */
export function exchangeFault(error: unknown): string | undefined {
  return error instanceof BpttError && error.code === 'resource-exhausted' ? messageOf(error) : undefined;
}
