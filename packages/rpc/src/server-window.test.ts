import { once } from 'node:events';
import { connect as connectHttp2, type Settings } from 'node:http2';
import { Server } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { WINDOW_BYTES } from './channel-options.js';
import { widenConnections, widenStreams } from './server-window.js';
import { startLoopbackServer } from './testing/loopback-server.js';

test('a client sees the wide windows of stream and connection: grpc-js still lets us set them', async () => {
  const server = await startLoopbackServer({});
  const session = connectHttp2(`http://${server.address}`);
  try {
    const [settings] = (await once(session, 'remoteSettings')) as [Settings];
    expect(settings.initialWindowSize).toBe(WINDOW_BYTES);
    // The window of the connection comes in a frame after the settings; an answered ping shows that it has arrived.
    await new Promise((resolve) => session.ping(resolve));
    expect(session.state.remoteWindowSize).toBe(WINDOW_BYTES);
  } finally {
    session.destroy();
    server.close();
  }
});

test('says so where the private members are not there', () => {
  const other = {} as Server;
  expect(widenStreams(other, WINDOW_BYTES)).toBe(false);
  expect(widenConnections(other, WINDOW_BYTES)).toBe(false);
});

test('says so where connections are to be widened before the server is bound', () => {
  expect(widenConnections(new Server(), WINDOW_BYTES)).toBe(false);
});
