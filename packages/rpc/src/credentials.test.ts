import { expect, test } from 'vitest';
import { connect } from './connection.js';
import { assertLoopback, clientCredentials, formatAddress, isLoopback, parseAddress, serverCredentials } from './credentials.js';

test.each([
  ['127.0.0.1:50051', { host: '127.0.0.1', port: 50051 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
  ['[::1]:65535', { host: '::1', port: 65535 }],
  ['trainer-3.example.org:80', { host: 'trainer-3.example.org', port: 80 }],
])('reads %s and writes it back', (text, address) => {
  expect(parseAddress(text)).toEqual(address);
  expect(formatAddress(address)).toBe(text);
});

test.each(['', 'localhost', ':50051', '::1:50051', '[::1]', '[localhost]:1', '127.0.0.1:65536', '127.0.0.1:-1', '127.0.0.1:1x', 'http://a:1', 'unix:/tmp/a', 'dns:a:1', 'a b:1'])(
  'refuses %j, which is no address', (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: 'invalid-argument', message: expect.stringContaining(`got ${JSON.stringify(text)}`) as string }));
  });

test('only this machine is the loopback', () => {
  expect(['localhost', 'LOCALHOST', '127.0.0.1', '127.200.3.4', '::1', '0:0:0:0:0:0:0:1'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '127.example.org', '127.0.0.1.example.org', 'localhost.example.org', '::2', '1::1', 'fe80::1'].some(isLoopback)).toBe(false);
});

test.each(['0.0.0.0:50051', '10.1.2.3:50051', '[::]:50051', '[2001:db8::1]:50051', 'example.org:443', '127.0.0.1.example.org:1'])(
  'refuses %s, which other machines reach, for client and server, and says why', (address) => {
    const refusal = expect.objectContaining({ code: 'permission-denied', message: expect.stringContaining(`got ${address}; any other needs TLS and a token`) as string }) as Error;
    expect(() => assertLoopback(address)).toThrow(refusal);
    expect(() => clientCredentials(address)).toThrow(refusal);
    expect(() => serverCredentials(address)).toThrow(refusal);
    expect(() => connect(address)).toThrow(refusal);
  });
