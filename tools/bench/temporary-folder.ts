import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// Its handler comes first: whoever writes into a folder is ended before that goes.
import './child-processes.js';

const held = new Set<string>();

process.on('exit', () => {
  for (const folder of held) rmSync(folder, { recursive: true, force: true });
});

/** A new folder for as long as `use` takes. It goes with this process too, where that ends before. */
export async function withTemporaryFolder<T>(prefix: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  held.add(folder);
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    held.delete(folder);
  }
}
