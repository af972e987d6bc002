import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { bptt, isAlive, printedSha256, SMALL_RUN, startBptt, survivors, temporaryFolder, writeStory, type Running } from './support/cli.js';

const folder = temporaryFolder();
beforeAll(() => { writeStory(folder); });

/** Steps of a run that goes on until the test stops it. */
const ENDLESS = '1000000';
/** How long the processes of a cluster may live after the one that started them is gone. */
const ORPHAN_MS = 15_000;

function launch(run: string, workers: number, ...more: readonly string[]): Running {
  return startBptt(folder, ['launch', 'story.txt', '--workers', String(workers), ...SMALL_RUN, '--run', run, ...more]);
}

async function processIds(cluster: Running, workers: number): Promise<{ server: number; workers: number[] }> {
  const server = Number((await cluster.shows(/^server is process (\d+)$/m))[1]);
  const ids: number[] = [];
  for (let i = 1; i <= workers; i += 1) ids.push(Number((await cluster.shows(new RegExp(`^worker ${String(i)} is process (\\d+)$`, 'm')))[1]));
  return { server, workers: ids };
}

/** Two of the many: a plain model, and one with whatever makes a gradient depend on seed, step and the batch around it. */
const KINDS = {
  'a plain model, whole sentences': [],
  'a tied LSTM with dropout, AR and TAR, a stream': [
    '--truncation', 'chunk:5', '--cell', 'lstm', '--hidden', '9,12', '--input', 'embedding', '--embedding', '12', '--tied', '--dropout', '0.3', '--variational', '--ar', '2', '--tar', '1', '--optimizer', 'adam',
    '--lr', '0.01',
  ],
} as const;

describe('bptt launch', () => {
  it.each(Object.entries(KINDS))('ends with the parameters of bptt train with 1, 2 and 3 workers: %s', async (kind, words) => {
    const name = kind.replaceAll(/\W+/g, '-');
    const options = ['--steps', '12', ...words, '--threads', '1'];
    const alone = await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, ...options, '--run', `${name}-train`);
    const json = await launch(`${name}-json`, 2, ...options, '--json').ended;
    const events = json.stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect({ code: json.code, stderr: json.stderr, first: events[0]['event'] }).toEqual({ code: 0, stderr: '', first: 'started' });
    expect(events.at(-1)).toMatchObject({ event: 'done', step: 12, parametersSha256: printedSha256(alone) });
    for (const count of [1, 3]) {
      const { code, stdout, stderr } = await launch(`${name}-${String(count)}`, count, ...options).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/^\[server\] step 12\/12 /m);
      expect(stdout).toMatch(new RegExp(`^\\[worker [1-${String(count)}]\\] joined as w`, 'm'));
      expect(printedSha256({ code, stdout, stderr })).toBe(printedSha256(alone));
    }
  });

  it('goes on without a worker that was killed, says so, and ends with the same parameters', async () => {
    const steps = ['--steps', '100'];
    const cluster = launch('one-killed', 2, ...steps);
    const { workers } = await processIds(cluster, 2);
    const [, first] = await cluster.shows(/\[worker (\d)\] joined as/);
    process.kill(workers[Number(first) - 1], 'SIGKILL');
    const ended = await cluster.ended;
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(new RegExp(`^bptt: warning: worker ${first}: signal SIGKILL.*; the run goes on with 1$`, 'm'));
    expect(printedSha256(ended)).toBe(printedSha256(await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, ...steps, '--run', 'none-killed')));
  });

  it('ends a worker that is still starting when the run is over', async () => {
    const cluster = launch('late', 2, '--steps', '12');
    const { server, workers } = await processIds(cluster, 2);
    process.kill(workers[1], 'SIGSTOP');
    await cluster.shows(/^\[worker 1\] left: /m);
    expect(await survivors([server], ORPHAN_MS)).toEqual([]);
    process.kill(workers[1], 'SIGCONT');
    const { code, stderr } = await cluster.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('fails when no worker is left, and names the first cause', async () => {
    const cluster = launch('all-killed', 1, '--steps', ENDLESS);
    const { server, workers } = await processIds(cluster, 1);
    await cluster.shows(/\[worker 1\] joined as/);
    process.kill(workers[0], 'SIGKILL');
    const { code, stderr } = await cluster.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/worker 1: signal SIGKILL.*; no worker is left\n/);
    expect(stderr).toMatch(/\nbptt: the run failed, first cause: worker 1: signal SIGKILL[^\n]*\n$/);
    expect([server, ...workers].filter(isAlive)).toEqual([]);
  });

  it('fails when the server is killed, names it as the first cause, and leaves no worker', async () => {
    const cluster = launch('server-killed', 2, '--steps', ENDLESS);
    const { server, workers } = await processIds(cluster, 2);
    await cluster.shows(/\[worker 2\] joined as/);
    process.kill(server, 'SIGKILL');
    const { code, stderr } = await cluster.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/\nbptt: the run failed, first cause: server: signal SIGKILL[^\n]*\n$/);
    expect(workers.filter(isAlive)).toEqual([]);
  });

  it('leaves no orphan when it is killed itself', async () => {
    const cluster = launch('launch-killed', 2, '--steps', ENDLESS);
    const { server, workers } = await processIds(cluster, 2);
    await cluster.shows(/\[worker 2\] joined as/);
    cluster.process.kill('SIGKILL');
    expect(await survivors([server, ...workers], ORPHAN_MS)).toEqual([]);
  });

  it.each([['SIGINT', true], ['SIGTERM', false]] as const)('stops at %s (to the whole group: %s) with a checkpoint and code 130', async (signal, isGroup) => {
    const run = `stopped-${signal}`;
    const cluster = launch(run, 2, '--steps', ENDLESS);
    const { server, workers } = await processIds(cluster, 2);
    await cluster.shows(/\[worker 1\] joined as/);
    await cluster.shows(/\[worker 2\] joined as/);
    process.kill((isGroup ? -1 : 1) * (cluster.process.pid ?? NaN), signal);
    const { code, stdout, stderr } = await cluster.ended;
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
    expect(stdout).toMatch(/^interrupted after [\d,]+ steps/m);
    expect(existsSync(join(folder, run, 'LATEST'))).toBe(true);
    expect([server, ...workers].filter(isAlive)).toEqual([]);
  });
});
