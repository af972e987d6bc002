import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/cli.js';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLE = join(import.meta.dirname, 'example/language-model.ts');
/** What the example of the README needs, and the command. */
const PACKAGES = ['protos', ...readdirSync(join(ROOT, 'packages')).map((name) => `packages/${name}`)];

interface PackageJson {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const project = temporaryFolder();

/** Runs a program of Node in the project outside the monorepo, and gives back what it wrote to stdout. */
async function node(...words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, words, { cwd: project, env: { ...process.env, NODE_OPTIONS: '' } });
  return stdout;
}

function npm(cwd: string, ...words: readonly string[]): Promise<unknown> {
  return promisify(execFile)('npm', [...words, '--ignore-scripts', '--offline', '--no-audit', '--no-fund', '--cache', join(project, '.npm')], { cwd });
}

/** Links a package of others from the monorepo, so that the test needs neither a network nor npm's cache. */
function linkPackage(name: string): void {
  const link = join(project, 'node_modules', name);
  mkdirSync(dirname(link), { recursive: true });
  if (!existsSync(link)) symlinkSync(realpathSync(join(ROOT, 'node_modules', name)), link);
}

beforeAll(async () => {
  const manifests = PACKAGES.map((folder) => JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as PackageJson);
  const own = new Set(manifests.map(({ name }) => name));
  await npm(ROOT, 'pack', '--pack-destination', project, ...PACKAGES.map((folder) => `--workspace=${folder}`));
  const tarballs = readdirSync(project).filter((name) => name.endsWith('.tgz'));
  const dependencies = manifests.map(({ name }) => [name, `file:${tarballs.find((file) => file.startsWith(`${name.replace('@', '').replace('/', '-')}-`)) ?? ''}`]);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'elsewhere', private: true, type: 'module', dependencies: Object.fromEntries(dependencies) as unknown }));
  for (const name of manifests.flatMap((manifest) => Object.keys(manifest.dependencies ?? {}))) if (!own.has(name)) linkPackage(name);
  await npm(project, 'install');
  copyFileSync(EXAMPLE, join(project, basename(EXAMPLE)));
});

describe('a project outside the monorepo', () => {
  it('has the packed packages themselves, with their WebAssembly and protocol files', () => {
    for (const file of ['simd/build/simd.wasm', 'protos/bptt/v1/bptt.proto', 'cli/bin/bptt.js', 'trainer/dist/index.d.ts']) {
      expect(realpathSync(join(project, 'node_modules/@bptt', file))).toBe(join(realpathSync(project), 'node_modules/@bptt', file));
    }
    const packed = readdirSync(join(project, 'node_modules/@bptt'), { recursive: true, encoding: 'utf8' });
    expect(packed.filter((file) => file.includes('.test.'))).toEqual([]);
  });

  it('compiles the example of the README against their types, and runs it', async () => {
    linkPackage('@types/node');
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: { target: 'es2023', module: 'nodenext', strict: true, skipLibCheck: true, types: ['node'] }, files: [basename(EXAMPLE)] }));
    await node(join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', '.');
    const output = await node('language-model.js');
    expect(output).toMatch(/^step 30: runs\/moby-dick\/checkpoints\/\S+\nvalidation perplexity \d+, unigram model \d+\n(-\d+\.\d: the whale.*\n){3}perplexity \d+, with the state carried \d+; unknown words 1\n$/);
    for (const [, text] of output.matchAll(/^-[\d.]+: (.*)$/gm)) expect(text).toMatch(/\bsea\b/);
  });

  it('has the command', async () => {
    const output = await node(join(project, 'node_modules/.bin/bptt'), 'generate', 'runs/moby-dick', '--samples', '2');
    expect(output.trimEnd().split('\n')).toHaveLength(2);
  });
});

describe('the README', () => {
  it('shows the example that runs here', () => {
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8')).toContain(`\`\`\`ts\n${readFileSync(EXAMPLE, 'utf8')}\`\`\`\n`);
  });
});
