import { BpttError, messageOf, slug } from '@bptt/core';
import koffi from 'koffi';
import { cpus, platform } from 'node:os';

/** A BLAS of this machine, loaded and told to use one thread a call. */
export interface BlasLibrary {
  /** Names what its bits depend on, for a backend id: for instance `openblas-0.3.21-haswell`. */
  readonly name: string;
  /** For people: the library as it names itself, and its file. */
  readonly description: string;
  /** Products of up to so many multiplications read their operands where they lie; of more, they are packed for each product anew. */
  readonly unpackedMultiplicationsMax: number;
  /** `out [m, n] = alpha op(a) op(b) + beta out` in float32; matrices are addresses, strides are in elements (`cblas_sgemm`). */
  sgemm(
    order: number, transposeA: number, transposeB: number, m: number, n: number, k: number,
    alpha: number, a: number, aStride: number, b: number, bStride: number, beta: number, out: number, outStride: number,
  ): void;
}

/** A library that was loaded: gives its functions by their C prototypes. */
export interface LoadedLibrary {
  func(prototype: string): unknown;
}

/** One kind of BLAS: the files it is looked for under, and how it is pinned to one thread and asked for its name. */
interface Kind {
  readonly kind: string;
  readonly files: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>>;
  /** Pins it to one thread and tells what its bits depend on beside its kind: version, and the processor that its kernels are for. */
  readonly open: (library: LoadedLibrary) => { readonly detail: string; readonly unpackedMultiplicationsMax?: number };
}

const SGEMM = 'void cblas_sgemm(int, int, int, int, int, int, float, uintptr_t, int, uintptr_t, int, float, uintptr_t, int)';

/** Processors for which OpenBLAS has kernels that do not pack small operands: Intel's with AVX-512. */
const OPENBLAS_UNPACKED = /^(skylakex|cooperlake|sapphirerapids)$/i;

/** In the order in which they are looked for. The plain reference BLAS is not among them: it is slower than our own kernels. */
const KINDS: readonly Kind[] = [
  {
    kind: 'openblas',
    files: { linux: ['libopenblas.so.0', 'libopenblas.so'], darwin: ['/opt/homebrew/opt/openblas/lib/libopenblas.dylib', 'libopenblas.dylib'], win32: ['libopenblas.dll', 'openblas.dll'] },
    open(library) {
      call(library, 'void openblas_set_num_threads(int)', 1);
      const version = versionIn(String(call(library, 'const char *openblas_get_config()')), /OpenBLAS ([\w.]+)/);
      const core = String(call(library, 'const char *openblas_get_corename()'));
      return { detail: `${version}-${core}`, unpackedMultiplicationsMax: OPENBLAS_UNPACKED.test(core) ? 1e6 : 0 };
    },
  },
  {
    kind: 'mkl',
    files: { linux: ['libmkl_rt.so.2', 'libmkl_rt.so'], win32: ['mkl_rt.2.dll', 'mkl_rt.dll'] },
    open(library) {
      call(library, 'void MKL_Set_Num_Threads(int)', 1);
      const text = Buffer.alloc(200);
      call(library, 'void MKL_Get_Version_String(void *, int)', text, text.length);
      return { detail: `${versionIn(text.toString('latin1'), /Version ([\w.]+)/)}-${processor()}` };
    },
  },
  {
    kind: 'blis',
    files: { linux: ['libblis.so.4', 'libblis.so.3', 'libblis.so'], darwin: ['/opt/homebrew/opt/blis/lib/libblis.dylib', 'libblis.dylib'] },
    open(library) {
      call(library, 'void bli_thread_set_num_threads(int64_t)', 1);
      const arch = call(library, 'const char *bli_arch_string(int)', call(library, 'int bli_arch_query_id()'));
      return { detail: `${String(call(library, 'const char *bli_info_get_version_str()'))}-${String(arch)}` };
    },
  },
  {
    kind: 'accelerate',
    files: { darwin: ['/System/Library/Frameworks/Accelerate.framework/Accelerate'] },
    open(library) {
      const SINGLE_THREADED = 1;
      call(library, 'int BLASSetThreading(int)', SINGLE_THREADED);
      return { detail: processor() };
    },
  },
];

const INSTALL: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: 'apt-get install libopenblas0-pthread (Debian, Ubuntu), dnf install openblas (Fedora)',
  darwin: 'brew install openblas',
};

/**
 * The first BLAS that this machine has.
 * @param load loads a library by its file name, or throws
 * @throws BpttError `failed-precondition`, with the names that were tried and how to install one, where there is none
 */
export function openBlas(system: NodeJS.Platform = platform(), load: (file: string) => LoadedLibrary = koffi.load): BlasLibrary {
  const tried: string[] = [];
  for (const { kind, files, open } of KINDS) {
    for (const file of files[system] ?? []) {
      try {
        const library = load(file);
        const sgemm = library.func(SGEMM) as BlasLibrary['sgemm'];
        const { detail, unpackedMultiplicationsMax = 0 } = open(library);
        return { name: slug(`${kind}-${detail}`), description: `${kind} ${detail} (${file})`, unpackedMultiplicationsMax, sgemm };
      } catch (error) {
        tried.push(`${file}: ${messageOf(error).split('\n')[0]}`);
      }
    }
  }
  const install = INSTALL[system] ?? 'install OpenBLAS, and let its library be found by name';
  throw new BpttError('failed-precondition', `blas: expected a BLAS on this machine, found none. Install one: ${install}. Tried ${tried.join('; ')}`);
}

function call(library: LoadedLibrary, prototype: string, ...given: unknown[]): unknown {
  return (library.func(prototype) as (...values: unknown[]) => unknown)(...given);
}

function versionIn(text: string, pattern: RegExp): string {
  return pattern.exec(text)?.[1] ?? 'unknown';
}

function processor(): string {
  return cpus().at(0)?.model.trim() ?? 'unknown';
}
