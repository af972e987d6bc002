import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { assertPortFree } from './free-port.js';

describe('assertPortFree', () => {
  it('refuses a port that is in use and an address that others can reach', async () => {
    const busy = createServer();
    await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${String((busy.address() as AddressInfo).port)}`;
    await expect(assertPortFree(address)).rejects.toMatchObject({ code: 'already-exists', message: `listen: expected a free port, got ${address} (the port is in use)` });
    await new Promise((resolve) => busy.close(resolve));
    await assertPortFree(address);
    await assertPortFree('127.0.0.1:0');
    await expect(assertPortFree('0.0.0.0:0')).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(assertPortFree('nowhere')).rejects.toMatchObject({ code: 'invalid-argument' });
  });
});
