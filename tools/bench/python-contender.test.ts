import { describe, expect, it } from 'vitest';
import { Unavailable, type Contender } from './contender.js';
import { pythonEntrant } from './python-contender.js';

const SIZES = ['--vocabulary', '12', '--hidden', '4', '--steps', '3', '--batch', '2'];
const SMALL = [...SIZES, '--window', '1'];

describe('a peer', () => {
  it('is unavailable, with the packages to install, where there is no such interpreter', async () => {
    const peer = pythonEntrant({ name: 'NumPy', script: 'numpy_tutorial.py', install: 'apt-get install python3-numpy', arguments: SMALL, python: '/nonexistent/python3' });
    await expect(peer.open()).rejects.toThrow(Unavailable);
    await expect(peer.open()).rejects.toThrow(/not installed .*ENOENT.*apt-get install python3-numpy/);
  });

  it.each([
    ['PyTorch', 'torch_lm.py', ['--cell', 'rnn', '--input', 'onehot', ...SMALL]],
    ['PyTorch', 'torch_lm.py', ['--cell', 'lstm', '--layers', '2', '--embedding', '4', '--cutoffs', '3', '6', '--div-value', '2', '--clip', '1', '--carry', ...SIZES]],
    ['NumPy', 'numpy_tutorial.py', SMALL],
    ['NumPy', 'blas_limits.py', ['--product', '3', '4', '5']],
  ])('trains in %s where it is installed', async (name, script, given) => {
    const contender = await openOrReason(name, script, given);
    if (typeof contender === 'string') {
      expect(contender).toContain('apt-get install');
      return;
    }
    expect(contender.executes).toMatch(/^(numpy|pytorch) \d/);
    expect(contender.pids).toHaveLength(1);
    expect(await contender.step()).toBeGreaterThan(0);
    expect(await contender.step()).toBeGreaterThan(0);
    await contender.close();
  }, 120_000);

  it('trains in PyTorch on the GPU, or says that it sees none, or that it is not installed', async () => {
    const given = ['--cell', 'lstm', '--embedding', '4', '--carry', ...SIZES, '--device', 'cuda'];
    const contender = await openOrReason('PyTorch', 'torch_lm.py', given, 'python3');
    if (typeof contender === 'string') {
      expect(contender).toMatch(/PyTorch .* sees no CUDA device|apt-get install/);
      return;
    }
    expect(contender.executes).toMatch(/^pytorch \d/);
    expect(contender.executes).not.toMatch(/blas|thread/);
    expect(await contender.step()).toBeGreaterThan(0);
    await contender.close();
  }, 120_000);

  it('fails with its own last words where it is asked for something it does not know', async () => {
    const reason = await openOrReason('NumPy', 'numpy_tutorial.py', ['--vocabulary', 'many']).catch((error: unknown) => String(error));
    expect(reason).toMatch(/invalid int value: 'many'|apt-get install/);
  });
});

async function openOrReason(name: string, script: string, given: readonly string[], python?: string): Promise<Contender | string> {
  try {
    return await pythonEntrant({ name, script, install: 'apt-get install some-package', arguments: given, ...(python !== undefined && { python }) }).open();
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}
