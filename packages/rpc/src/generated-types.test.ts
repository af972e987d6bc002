import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const packageFolder = dirname(import.meta.dirname);
const require = createRequire(import.meta.url);

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Runs the command of the nx target `generate`, but into `folder`. */
function generateInto(folder: string): void {
  const { nx } = readJson(join(packageFolder, 'package.json')) as { nx: { targets: { generate: { options: { command: string } } } } };
  const [name, ...parameters] = nx.targets.generate.options.command.split(' ');
  const loader = require.resolve('@grpc/proto-loader/package.json');
  const { bin } = readJson(loader) as { bin: Record<string, string> };
  const output = parameters.indexOf('-O') + 1;
  expect(parameters[output]).toBe('src/gen');
  execFileSync(process.execPath, [join(dirname(loader), bin[name]), ...parameters.with(output, folder)], { cwd: packageFolder });
}

function filesBelow(folder: string): Map<string, string> {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => statSync(join(folder, path)).isFile());
  return new Map(paths.toSorted().map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

test('the committed types are those that the generator makes of the protos now', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bptt-gen-'));
  try {
    generateInto(folder);
    const committed = filesBelow(join(packageFolder, 'src', 'gen'));
    expect(committed.size).toBeGreaterThan(30);
    expect(committed).toEqual(filesBelow(folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
