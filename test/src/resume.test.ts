import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bptt, printedSha256, SMALL_RUN, startBptt, temporaryFolder, writeStory, type Ended } from './support/cli.js';

const folder = temporaryFolder();
beforeAll(() => { writeStory(folder); });

const ENDLESS = '1000000';
/** Steps of a run after the one at which it was stopped. */
const MORE = 12;

/** Settings, and what a run of them shows when it has come to what makes it special. */
const DESCENTS: Readonly<Record<string, { readonly descent: readonly string[]; readonly sign: RegExp }>> = {
  'Adam, plateaus, sentences': { descent: ['--optimizer', 'adam', '--lr', '0.2', '--schedule', 'plateau:2', '--valid-every', '5'], sign: /best parameters restored/ },
  'averaged SGD, a stream': { descent: ['--optimizer', 'asgd', '--nonmono', '1', '--lr', '2', '--valid-every', '3', '--truncation', 'chunk:5'], sign: /of the average/ },
  'Nesterov, decay, a stream': {
    descent: ['--optimizer', 'nesterov', '--schedule', 'decay:2:0.5', '--warmup', '30', '--weight-decay', '0.001', '--clip-value', '0.1', '--truncation', 'chunk:5'],
    sign: /learning rate 0.0/,
  },
};
const COMMANDS = { train: ['train', 'story.txt'], launch: ['launch', 'story.txt', '--workers', '2', '--threads', '1'] } as const;

let combinations = 0;
afterAll(() => { process.stdout.write(`resume of processes: ${String(combinations)} combinations of settings, command and signal\n`); });

function stoppedStep({ stdout }: Ended): number {
  const step = Number(/^interrupted after ([\d,]+) steps/m.exec(stdout)?.[1].replaceAll(',', ''));
  if (!(step > 0)) throw new Error(`no step in: ${stdout}`);
  return step;
}

/** `npm run test:long` takes the whole product; otherwise the first run sees both commands and both signals, the others one of each. */
const IS_LONG = process.env['BPTT_LONG'] === '1';
const STOPS = [['train', 'SIGINT'], ['launch', 'SIGINT'], ['train', 'SIGTERM'], ['launch', 'SIGTERM']] as const;
const stopsOf = (name: string): readonly (typeof STOPS)[number][] => STOPS.slice(0, IS_LONG ? STOPS.length : name === Object.keys(DESCENTS)[0] ? 3 : 1);

describe.each(Object.entries(DESCENTS))('a run with %s', (name, { descent, sign }) => {
  it.each(stopsOf(name))('of bptt %s that %s stops, and that is gone on with, ends as if it had never stopped', async (command, signal) => {
    combinations += 1;
    const directory = `${name.replaceAll(/\W+/g, '-')}-${command}-${signal}`;
    const words = [...SMALL_RUN, ...descent];
    const run = startBptt(folder, [...COMMANDS[command], ...words, '--steps', ENDLESS, '--run', directory]);
    await run.shows(command === 'launch' ? /\[worker 2\] joined as/ : /joined/);
    await run.shows(sign);
    run.process.kill(signal);
    const stopped = await run.ended;
    expect({ code: stopped.code, stderr: stopped.stderr }).toEqual({ code: 130, stderr: '' });
    const steps = ['--steps', String(stoppedStep(stopped) + MORE)];
    const [resumed, whole] = await Promise.all([
      bptt(folder, ...COMMANDS[command], ...words, ...steps, '--run', directory, '--resume'),
      bptt(folder, 'train', 'story.txt', ...words, ...steps, '--run', `${directory}-whole`),
    ]);
    expect(resumed.code).toBe(0);
    expect(printedSha256(resumed)).toBe(printedSha256(whole));
    expect(readFileSync(join(folder, directory, 'checkpoints', 'best.safetensors')).length).toBeGreaterThan(0);
  });
});

describe('bptt train', () => {
  it('ends early when patience is at its end, and then again', async () => {
    const words = ['train', 'story.txt', ...SMALL_RUN, '--lr', '1e-9', '--valid-every', '2', '--patience', '1', '--steps', ENDLESS, '--run', 'patient'];
    // So small a rate changes no float32 parameter: the second validation is no better than the first.
    const ended = await bptt(folder, ...words, '--optimizer', 'sgd', '--clip', '1e-9');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^finished after 4 steps: 1 validations in a row brought no better loss than \d\.\d{4}$/m);
    const again = await bptt(folder, ...words, '--optimizer', 'sgd', '--clip', '1e-9', '--resume');
    expect(printedSha256(again)).toBe(printedSha256(ended));
  });

  it('gives a run up that diverges, with advice, a checkpoint and code 1', async () => {
    const ended = await bptt(folder, 'train', 'story.txt', ...SMALL_RUN, '--lr', '1000', '--clip', '0', '--run', 'diverged');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/bptt: the run failed: step \d+: diverged: the loss was above [\d.]+ nats per token in 10 steps in a row.*lower --lr \(it was 1000\)/);
    expect(existsSync(join(folder, 'diverged', 'LATEST'))).toBe(true);
  });

  it('starts from another run with --init-from, whose hash is part of what it is', async () => {
    const base = ['train', 'story.txt', ...SMALL_RUN];
    const first = await bptt(folder, ...base, '--steps', '40', '--run', 'first');
    const tuned = await bptt(folder, ...base, '--init-from', 'first', '--lr', '0.1', '--steps', '1', '--run', 'tuned');
    expect(tuned.stdout).toMatch(/^starts from first$/m);
    const lossOf = ({ stdout }: Ended): number => Number(/^training loss ([\d.]+)/m.exec(stdout)?.[1]);
    // A run that starts anew has ln 24 = 3.18.
    expect(lossOf(tuned)).toBeLessThan(3);
    expect(lossOf(first)).toBeLessThan(3);
    const fromFile = await bptt(folder, ...base, '--init-from', join('first', 'checkpoints', 'step-00000040.safetensors'), '--lr', '0.1', '--steps', '1', '--run', 'from-file');
    expect(printedSha256(fromFile)).toBe(printedSha256(tuned));
    const refused = await bptt(folder, ...base, '--vocabulary', '20', '--init-from', 'first', '--run', 'refused');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^bptt: initFrom: first: expected word \d+ to be .*, as of this run, got .*\n$/);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });
});
