import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bptt, temporaryFolder, writeStory, type Ended } from './support/cli.js';

let busy: Server;
// Started first, since they wait for a while.
const unreachable: Record<string, { address: string; ended: Promise<Ended> }> = {};

/** A folder with every kind of input, for one test alone. */
function inputs(): string {
  const folder = temporaryFolder();
  writeStory(folder);
  writeFileSync(join(folder, 'empty.txt'), '');
  writeFileSync(join(folder, 'latin1.txt'), Buffer.from('Un caf\u00e9. Deux. Trois.', 'latin1'));
  writeFileSync(join(folder, 'one-line.txt'), 'A single sentence\n');
  writeFileSync(join(folder, 'unknown.json'), '{"hiden": 3}');
  mkdirSync(join(folder, 'taken'));
  writeFileSync(join(folder, 'taken', 'notes.txt'), 'mine');
  return folder;
}

beforeAll(async () => {
  busy = createServer();
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve));
  for (const command of ['status', 'work']) unreachable[command] = await askNobody(command);
});

afterAll(() => { busy.close(); });

const SMALL = ['--vocabulary', '20', '--hidden', '4'];

describe('bad input gives one clear line, exit code 2, and leaves nothing behind', () => {
  it.concurrent.each<[string, string[], RegExp]>([
    ['a missing corpus', ['train', 'nowhere.txt'], /corpus nowhere\.txt: .*found nothing/],
    ['an empty corpus', ['train', 'empty.txt', ...SMALL], /empty\.txt: expected text/],
    ['a corpus that is not UTF-8', ['train', 'latin1.txt', ...SMALL], /latin1\.txt: expected UTF-8/],
    ['a corpus of one line', ['train', 'one-line.txt', ...SMALL], /one-line\.txt: expected at least 3 sentences/],
    ['an unknown option', ['train', 'story.txt', '--hiden', '3'], /unknown option '--hiden'/],
    ['an unknown configuration key', ['train', 'story.txt', '--config', 'unknown.json'], /hiden: expected one of the keys .* got an unknown key/],
    ['a value out of range', ['train', 'story.txt', '--hidden', '0'], /hidden: expected a whole number from 1 to \d+, or several, got 0/],
    ['more microshards than sentences in a batch', ['train', 'story.txt', '--batch', '4', '--microshards', '8'], /microshards: expected at most the batch \(4\), got 8/],
    ['a batch larger than the corpus', ['train', 'story.txt', ...SMALL, '--batch', '100000'], /batch: expected at most \d+ .*, got 100000/],
    ['more lanes than the corpus has', ['train', 'story.txt', ...SMALL, '--truncation', 'chunk:50', '--batch', '4096'], /batch: expected at most \d+ lanes/],
    ['a run folder that holds something', ['train', 'story.txt', ...SMALL, '--run', 'taken'], /run folder taken is not empty/],
    ['a run folder that holds something else than a run', ['train', 'story.txt', ...SMALL, '--run', 'taken', '--overwrite'], /taken/],
    ['a run folder that is a file', ['train', 'story.txt', ...SMALL, '--run', 'empty.txt'], /run folder empty\.txt: expected a folder/],
    ['nothing to resume', ['train', 'story.txt', ...SMALL, '--run', 'new', '--resume'], /run folder new: expected a run to resume/],
    ['an address that others can reach', ['serve', 'story.txt', ...SMALL, '--listen', '0.0.0.0:0'], /expected a loopback address .* got 0\.0\.0\.0:0; any other needs TLS/],
    ['launch: a missing corpus', ['launch', 'nowhere.txt', '--workers', '2'], /corpus nowhere\.txt: .*found nothing/],
    ['work: a server elsewhere', ['work', '--server', '192.0.2.1:1'], /expected a loopback address/],
    ['generate: no run', ['generate', 'taken'], /taken holds no run/],
    ['evaluate: no run', ['evaluate', 'nowhere', 'story.txt'], /nowhere holds no run/],
  ])('%s', async (_name, words, message) => {
    const folder = inputs();
    const files = readdirSync(folder).sort();
    const { code, stdout, stderr } = await bptt(folder, ...words);
    expect(stderr).toMatch(/^bptt: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect({ code, stdout: stdout.replace(/^(server|worker \d+) is process \d+\n/gm, '') }).toEqual({ code: 2, stdout: '' });
    expect(readdirSync(folder).sort()).toEqual(files);
    expect(readdirSync(join(folder, 'taken'))).toEqual(['notes.txt']);
  });

  it('a port in use', async () => {
    const folder = inputs();
    const files = readdirSync(folder).sort();
    const address = `127.0.0.1:${String((busy.address() as AddressInfo).port)}`;
    for (const words of [['serve', 'story.txt'], ['launch', 'story.txt', '--workers', '1']]) {
      const { code, stderr } = await bptt(folder, ...words, ...SMALL, '--listen', address);
      expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(/^bptt: listen: [^\n]*port is in use[^\n]*\n$/) as unknown });
    }
    expect(readdirSync(folder).sort()).toEqual(files);
  });
});

describe('a server that cannot be reached', () => {
  it.each(['status', 'work'])('%s: one line that names it and exit code 1 after a bounded wait', async (command) => {
    const { address, ended } = unreachable[command];
    const { code, stderr } = await ended;
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(new RegExp(`^bptt: [^\\n]*${address}[^\\n]*\\n$`)) as unknown });
  });
});

/** Starts a command that asks a server at a port where nobody listens. */
async function askNobody(command: string): Promise<{ address: string; ended: Promise<Ended> }> {
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
  const address = `127.0.0.1:${String((free.address() as AddressInfo).port)}`;
  await new Promise((resolve) => free.close(resolve));
  return { address, ended: bptt(temporaryFolder(), command, '--server', address) };
}
