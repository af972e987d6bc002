import { isIPv4, isIPv6 } from 'node:net';
import { credentials, ServerCredentials, type ChannelCredentials } from '@grpc/grpc-js';
import { BpttError } from '@bptt/core';

/** Where a server listens. */
export interface Address {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

const PORT_MAX = 65_535;

/**
 * Reads `host:port`, an IPv6 address in brackets: `127.0.0.1:50051`, `localhost:0`, `[::1]:50051`.
 * @throws BpttError `invalid-argument` for anything else
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const bracketed = match?.[1];
  const host = bracketed ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > PORT_MAX || (bracketed !== undefined && !isIPv6(bracketed))) {
    throw new BpttError('invalid-argument', `address: expected host:port, as 127.0.0.1:50051 or [::1]:50051, got ${JSON.stringify(text)}`);
  }
  return { host, port };
}

/** The text that `parseAddress` reads back. */
export function formatAddress({ host, port }: Address): string {
  return isIPv6(host) ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}

/** Whether only this machine reaches `host`: `localhost`, `127.0.0.0/8` or `::1`. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || (isIPv4(host) && host.startsWith('127.')) || (isIPv6(host) && /^(0*:)+0*1$/.test(host));
}

/**
 * Reads an address that may be used without TLS and token.
 * @throws BpttError `invalid-argument` for no address; `permission-denied` for one that other machines can reach
 */
export function assertLoopback(text: string): Address {
  const address = parseAddress(text);
  if (!isLoopback(address.host)) {
    throw new BpttError('permission-denied',
      `address: expected a loopback address (127.0.0.1, [::1] or localhost), got ${text}; any other needs TLS and a token, which this version does not have`);
  }
  return address;
}

/** Credentials of a client that connects to `address`. */
export function clientCredentials(address: string): ChannelCredentials {
  assertLoopback(address);
  return credentials.createInsecure();
}

/** Credentials of a server that listens at `address`. */
export function serverCredentials(address: string): ServerCredentials {
  assertLoopback(address);
  return ServerCredentials.createInsecure();
}
