import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawContenders } from './raw-stream.js';
import { startTransferServers } from './transfer-server.js';
import { TRANSFER_WAYS } from './transfer-setting.js';
import { bpttContenders } from './transfer-worker.js';

describe('transfers', () => {
  let servers: Awaited<ReturnType<typeof startTransferServers>>;
  beforeAll(async () => {
    servers = await startTransferServers();
  });
  afterAll(async () => {
    await servers.close();
  });

  it.each(TRANSFER_WAYS)('push whole gradients and pull whole parameters through %s, step after step', async (way) => {
    const { push, pull, bytes } = await bpttContenders(way, servers.addresses.bptt[way]);
    // 1,610,000 parameters; a gradient has a count and 8,000 row ids besides.
    expect(bytes).toEqual({ push: 4 * (1_610_000 + 1 + 8_000), pull: 4 * 1_610_000 });
    for (const contender of [push, pull, push]) expect(await contender.step()).toBeGreaterThan(0);
    await push.close();
    await pull.close();
  });

  it('stream as many raw bytes, also where the last chunk is not full', async () => {
    for (const bytes of [3, 1024 * 1024, 3_500_000]) {
      const { push, pull } = rawContenders(servers.addresses.raw, bytes);
      expect(await push.step()).toBeGreaterThan(0);
      expect(await pull.step()).toBeGreaterThan(0);
      await push.close();
      await pull.close();
    }
  });
});
