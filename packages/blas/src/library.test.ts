import { BpttError } from '@bptt/core';
import { describe, expect, it } from 'vitest';
import { openBlas, type LoadedLibrary } from './library.js';

/** A library whose functions, by name, answer as told; `calls` lists what was called. */
function fake(answers: Record<string, (...given: unknown[]) => unknown>, calls: string[]): LoadedLibrary {
  return {
    func(prototype) {
      const [, name] = /(\w+)\(/.exec(prototype) ?? ['', ''];
      if (!(name in answers)) throw new Error(`no ${name}`);
      return (...given: unknown[]) => {
        calls.push(name);
        return answers[name](...given);
      };
    },
  };
}

/** Loads `library` under `file` and nothing else. */
const only = (file: string, library: LoadedLibrary) => (asked: string): LoadedLibrary => {
  if (asked !== file) throw new Error(`cannot open ${asked}`);
  return library;
};

const sgemm = (): void => undefined;

describe('openBlas', () => {
  it('knows OpenBLAS with its version and the processor of its kernels, pinned to one thread', () => {
    const calls: string[] = [];
    const library = fake({ cblas_sgemm: sgemm, openblas_set_num_threads: (n) => { expect(n).toBe(1); }, openblas_get_config: () => 'OpenBLAS 0.3.21 NO_LAPACKE Zen MAX_THREADS=64', openblas_get_corename: () => 'Zen' }, calls);
    const { name, description, unpackedMultiplicationsMax } = openBlas('linux', only('libopenblas.so', library));
    expect([name, description, unpackedMultiplicationsMax]).toEqual(['openblas-0.3.21-zen', 'openblas 0.3.21-Zen (libopenblas.so)', 0]);
    expect(calls[0]).toBe('openblas_set_num_threads');
  });

  it('knows that OpenBLAS packs no small operands on processors with AVX-512', () => {
    const library = fake({ cblas_sgemm: sgemm, openblas_set_num_threads: sgemm, openblas_get_config: () => 'OpenBLAS 0.3.21', openblas_get_corename: () => 'SkylakeX' }, []);
    expect(openBlas('linux', only('libopenblas.so', library)).unpackedMultiplicationsMax).toBe(1e6);
  });

  it('knows MKL, BLIS and Accelerate', () => {
    const mkl = fake({
      cblas_sgemm: sgemm,
      MKL_Set_Num_Threads: (n) => { expect(n).toBe(1); },
      MKL_Get_Version_String: (text) => { (text as Buffer).write('Intel(R) oneAPI Math Kernel Library Version 2023.1-Product Build'); },
    }, []);
    expect(openBlas('linux', only('libmkl_rt.so.2', mkl)).name).toMatch(/^mkl-2023\.1-[a-z0-9]/);
    const blis = fake({ cblas_sgemm: sgemm, bli_thread_set_num_threads: (n) => { expect(n).toBe(1); }, bli_arch_query_id: () => 7, bli_arch_string: (id) => (id === 7 ? 'zen3' : 'other'), bli_info_get_version_str: () => '0.9.0' }, []);
    expect(openBlas('linux', only('libblis.so.4', blis)).name).toBe('blis-0.9.0-zen3');
    const accelerate = fake({ cblas_sgemm: sgemm, BLASSetThreading: (n) => { expect(n).toBe(1); return 0; } }, []);
    expect(openBlas('darwin', only('/System/Library/Frameworks/Accelerate.framework/Accelerate', accelerate)).name).toMatch(/^accelerate-[a-z0-9]/);
  });

  it('goes on to the next where one cannot be used', () => {
    const broken = fake({ openblas_set_num_threads: sgemm, openblas_get_config: () => '', openblas_get_corename: () => '' }, []);
    const mkl = fake({ cblas_sgemm: sgemm, MKL_Set_Num_Threads: sgemm, MKL_Get_Version_String: sgemm }, []);
    const load = (file: string): LoadedLibrary => {
      if (file === 'libopenblas.so.0') return broken;
      if (file === 'libmkl_rt.so') return mkl;
      throw new Error('absent');
    };
    expect(openBlas('linux', load).name).toMatch(/^mkl-unknown-/);
  });

  it('says what it looked for and how to install one where there is none', () => {
    const absent = (file: string): never => { throw new Error(`${file}: cannot open shared object file\nmore`); };
    const open = () => openBlas('linux', absent);
    expect(open).toThrow(BpttError);
    expect(open).toThrow(/^blas: expected a BLAS on this machine, found none\. Install one: apt-get install libopenblas0-pthread .*Tried libopenblas\.so\.0: .*libblis\.so: libblis\.so: cannot open shared object file$/);
    expect(() => openBlas('aix', absent)).toThrow('install OpenBLAS, and let its library be found by name');
  });
});
