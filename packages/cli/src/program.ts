import { Command, CommanderError } from 'commander';
import { BpttError } from '@bptt/core';
import { parseSettings, threadsOf, trainingSchema } from '@bptt/trainer/settings';
import { doctorSchema, evaluateSchema, flowSchema, generateSchema, gradcheckSchema, launchSchema, readTrainingFlags, serverSchema, serveSchema, workSchema, type Flags } from './command-settings.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { addOptions } from './options.js';

const JSON_HELP = 'one JSON object a line on stdout and nothing else (default: off)';

/** The whole command line. Each command loads what it needs when it runs, so that `--help` is fast. */
export function createProgram(onExit: (code: ExitCode) => void): Command {
  const program = new Command('bptt')
    .description('Trains recurrent language models by backpropagation through time, on this machine or on a cluster.')
    .addHelpText('after', '\nA corpus is a UTF-8 text file, a folder with train.txt, valid.txt and test.txt, or dataset:moby-dick or dataset:sotu.\nExit codes: 0 done, 1 failed, 2 bad usage or input, 130 interrupted (a run that had begun leaves a checkpoint).');
  const run = (action: Promise<ExitCode>): Promise<void> => action.then(onExit);

  const train = trainingCommand(program.command('train').description('train on this machine, in one process'));
  train.action(async (corpus: string, flags: Flags) => {
    const request = await readTrainingFlags(flags);
    if (request.dryRun) return run((await import('./commands/dry-run.js')).dryRun(corpus, request, threadsOf(request.settings.threads, 1)));
    return run((await import('./commands/train.js')).train(corpus, request));
  });

  const launch = trainingCommand(program.command('launch').description('train on this machine with a parameter server and worker processes'));
  addOptions(launch, launchSchema);
  launch.action(async (corpus: string, { workers, listen, ...flags }: Flags) => {
    const request = { ...(await readTrainingFlags(flags)), ...parseSettings(launchSchema, { workers, listen }) };
    if (request.dryRun) return run((await import('./commands/dry-run.js')).dryRun(corpus, request, request.workers * threadsOf(request.settings.threads, request.workers)));
    return run((await import('./commands/launch.js')).launch(corpus, request));
  });

  const serve = trainingCommand(program.command('serve').description('be the parameter server of a run'), ['threads']);
  addOptions(serve, serveSchema);
  serve.action(async (corpus: string, { listen, ...flags }: Flags) => {
    const request = { ...(await readTrainingFlags(flags)), ...parseSettings(serveSchema, { listen }) };
    if (request.dryRun) return run((await import('./commands/dry-run.js')).dryRun(corpus, request, 1));
    return run((await import('./commands/serve.js')).serve(corpus, request));
  });

  const work = program.command('work').description('be a worker of a run');
  addOptions(work, workSchema);
  work.option('--json', JSON_HELP).action(async (flags: Flags) => run((await import('./commands/work.js')).work(flags)));

  const generate = program.command('generate').description('sample sentences from a run').argument('<run>', 'folder of a run');
  addOptions(generate, generateSchema);
  generate.option('--json', JSON_HELP).action(async (folder: string, flags: Flags) => run((await import('./commands/generate.js')).generate(folder, flags)));

  const evaluate = program.command('evaluate').description('score a text with a run').argument('<run>', 'folder of a run').argument('<corpus>', 'text to score: a file, - for standard input, or the test split of a folder or data set');
  addOptions(evaluate, evaluateSchema);
  evaluate.option('--per-line', 'score every line of a file or of standard input for itself, a row each: number, nats, tokens, unknown tokens, nats/token (default: off)');
  evaluate.option('--json', JSON_HELP).action(async (folder: string, corpus: string, flags: Flags) => run((await import('./commands/evaluate.js')).evaluate(folder, corpus, flags)));

  const flow = program.command('flow').description('measure how errors flow back in time through a trained model').argument('<run>', 'folder of a run').argument('<corpus>', 'text to measure on, as of evaluate');
  addOptions(flow, flowSchema);
  flow.option('--json', JSON_HELP).action(async (folder: string, corpus: string, flags: Flags) => run((await import('./commands/flow.js')).flow(folder, corpus, flags)));

  const gradcheck = program.command('gradcheck').description('compare the gradient of a small model with central differences');
  addOptions(gradcheck, gradcheckSchema);
  gradcheck.option('--json', JSON_HELP).action(async (flags: Flags) => run((await import('./commands/gradcheck.js')).gradcheck(flags)));

  const recipes = program.command('recipes').description('list recipes: published settings, with the results that are known of them').argument('[name]', 'one of them, with sources, expected numbers and settings');
  recipes.option('--json', JSON_HELP).action(async (name: string | undefined, flags: Flags) => { onExit((await import('./commands/recipes.js')).recipes(name, flags)); });

  const runs = program.command('runs').description('list and compare runs').argument('[folder...]', 'folders of runs; without any, all directly in runs/');
  runs.option('--json', JSON_HELP).action(async (folders: string[], flags: Flags) => { onExit((await import('./commands/runs.js')).runs(folders, flags)); });

  const status = program.command('status').description('ask a parameter server how its run goes');
  addOptions(status, serverSchema);
  status.option('--json', JSON_HELP).action(async (flags: Flags) => run((await import('./commands/status.js')).status(flags)));

  const doctor = program.command('doctor').description('check what this machine can do');
  addOptions(doctor, doctorSchema);
  doctor.option('--json', JSON_HELP).action(async (flags: Flags) => run((await import('./commands/doctor.js')).doctor(flags)));

  return strict(program);
}

function trainingCommand(command: Command, without: readonly string[] = []): Command {
  command.argument('<corpus>', 'text file, folder with train.txt, valid.txt and test.txt, or dataset:name');
  command.option('--recipe <name>', 'published settings; `bptt recipes` lists them; --config and options win over it (default: none)');
  command.option('--config <file>', 'JSON file with settings by their names in camelCase; options win over it (default: none)');
  addOptions(command, trainingSchema, without);
  return command
    .option('--resume', 'go on from the last checkpoint of the run folder (default: off)')
    .option('--overwrite', 'replace the run in the run folder (default: off)')
    .option('--dry-run', 'check everything, measure one microshard, and say what the run would need; nothing is trained (default: off)')
    .option('--json', JSON_HELP);
}

/** Makes commander throw instead of ending the process, and leave the wording of errors to us. */
function strict(program: Command): Command {
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => undefined }).helpOption('-h, --help', 'show this help').helpCommand(false);
  }
  return program;
}

/**
 * Runs a command line.
 * @throws BpttError `invalid-argument` where commander does not understand it
 */
export async function runProgram(words: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = createProgram((code) => { exitCode = code; });
  if (words.length === 0) throw new BpttError('invalid-argument', 'expected a command, got none; `bptt --help` lists them');
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.done;
    throw new BpttError('invalid-argument', error.message.replace(/^error: /, ''), { cause: error });
  }
  return exitCode;
}
