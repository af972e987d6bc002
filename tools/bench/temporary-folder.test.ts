import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withTemporaryFolder } from './temporary-folder.js';

it('a temporary folder is there while it is used, and gone after a failure too', async () => {
  let path = '';
  await expect(withTemporaryFolder('bptt-bench-test-', async (folder) => {
    path = folder;
    await writeFile(join(folder, 'a'), 'a');
    throw new Error('broken');
  })).rejects.toThrow('broken');
  expect(path).toContain('bptt-bench-test-');
  expect(existsSync(path)).toBe(false);
});
