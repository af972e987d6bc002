import { describe, expect, it } from 'vitest';
import { metaOf, trainingSchema, type SettingsSchema } from '@bptt/trainer/settings';
import { doctorSchema, evaluateSchema, flowSchema, generateSchema, gradcheckSchema, launchSchema, serverSchema, serveSchema, workSchema } from './command-settings.js';
import { EXIT } from './exit-codes.js';
import { createProgram, runProgram } from './program.js';

const SCHEMAS: Readonly<Record<string, readonly SettingsSchema[]>> = {
  train: [trainingSchema], launch: [trainingSchema, launchSchema], serve: [trainingSchema, serveSchema], work: [workSchema], generate: [generateSchema],
  evaluate: [evaluateSchema], flow: [flowSchema], gradcheck: [gradcheckSchema], status: [serverSchema], doctor: [doctorSchema],
};

function helpOf(name: string): string {
  const program = createProgram(() => undefined);
  const command = program.commands.find((one) => one.name() === name);
  return (command?.helpInformation() ?? '').replace(/\s+/g, ' ');
}

describe('help', () => {
  it('lists the commands', () => {
    const help = createProgram(() => undefined).helpInformation();
    for (const name of Object.keys(SCHEMAS)) expect(help).toMatch(new RegExp(`^  ${name} `, 'm'));
  });

  it.each(Object.entries(SCHEMAS))('of %s shows every option with its default', (name, schemas) => {
    const help = helpOf(name);
    for (const schema of schemas) {
      for (const key of Object.keys(schema.shape).filter((one) => !(name === 'serve' && one === 'threads'))) {
        const { flags, help: what } = metaOf(schema, key);
        expect(help).toMatch(new RegExp(`${escape(`${flags} ${what}`)} \\(default: [^)]+\\)`));
      }
    }
  });

  it('shows the values themselves', () => {
    const help = helpOf('train');
    for (const text of ['hidden units of a layer, or of each layer: 200 or 400,200 (default: 128)', '(default: cores / workers)', '(default: runs/<name of the corpus>)', 'biases in cell and output layer (default: on)', '--no-biases']) {
      expect(help).toContain(text);
    }
    expect(helpOf('serve')).not.toContain('--threads');
  });
});

describe('bad usage', () => {
  it.each([
    [[], 'expected a command, got none'],
    [['trian', 'x'], "unknown command 'trian'"],
    [['train'], "missing required argument 'corpus'"],
    [['train', 'a', 'b'], 'too many arguments'],
    [['train', 'a', '--hiden', '3'], "unknown option '--hiden'"],
    [['train', 'a', '--hidden'], "option '--hidden <units>' argument missing"],
    [['work'], 'server: expected host:port, got nothing'],
    [['launch', 'a'], 'workers: expected a whole number from 1 to 256, got nothing'],
    [['train', 'a', '--hidden', '0'], 'hidden: expected a whole number'],
    [['gradcheck', '--activation', 'gelu'], 'activation: expected one of tanh, relu, sigmoid, got "gelu"'],
    [['gradcheck', '--backend', 'gpu', '--device', 'tpu'], 'device: expected one of webasm, cpu, webgpu, got "tpu"'],
    [['gradcheck', '--device', 'cpu'], 'device: expected none beside the backend reference-f64, for gpu alone has several, got cpu'],
    [['train', 'no-such-file', '--resume', '--overwrite'], 'resume: expected either --resume or --overwrite, got both'],
  ])('%j is refused', async (words, message) => {
    await expect(runProgram(words)).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringContaining(message) as unknown });
  });
});

describe('a command', () => {
  it('gives back its exit code', async () => {
    expect(await runProgram(['gradcheck', '--tolerance', '1e-30', '--json'])).toBe(EXIT.failed);
    expect(await runProgram(['gradcheck', '--json'])).toBe(EXIT.done);
  });
});

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
