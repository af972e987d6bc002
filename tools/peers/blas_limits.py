"""The machine's own limits: OpenBLAS's product of two float32 matrices on one thread, and a copy of memory.

    OPENBLAS_NUM_THREADS=1 python3 tools/peers/blas_limits.py --product 640 200 10000
    python3 tools/peers/blas_limits.py --copy-mib 256

--product m k n times [m, k] x [k, n] into memory that is there already, with two right operands in turn, so that none is found in a cache more
than a program that trains would find it. Prints one JSON object with the median; --interactive as in torch_lm.py, where a step is
--repeats products, or one copy. Debian: python3-numpy and libopenblas0-pthread.
"""
import argparse
import json
import os
import statistics
import time
import numpy as np
from peer_process import blas_library, serve


class Product:
    def __init__(self, m, k, n, repeats):
        random = np.random.default_rng(1)
        self.left = random.random((m, k), dtype=np.float32)
        self.rights = [random.random((k, n), dtype=np.float32) for _ in range(2)]
        self.out = np.empty((m, n), dtype=np.float32)
        self.repeats = repeats

    def step(self):
        begin = time.perf_counter()
        for i in range(self.repeats):
            np.dot(self.left, self.rights[i % 2], out=self.out)
        return time.perf_counter() - begin


class Copy:
    def __init__(self, mebibytes):
        self.source = np.ones(mebibytes << 20, dtype=np.uint8)
        self.target = np.zeros_like(self.source)

    def step(self):
        begin = time.perf_counter()
        np.copyto(self.target, self.source)
        return time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser(description="Times a product of OpenBLAS or a copy of memory.")
    parser.add_argument("--product", type=int, nargs=3, metavar=("m", "k", "n"))
    parser.add_argument("--copy-mib", type=int)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--interactive", action="store_true", help="one step a line of standard input")
    a = parser.parse_args()
    if (a.product is None) == (a.copy_mib is None):
        parser.error("expected either --product or --copy-mib")
    work = Copy(a.copy_mib) if a.product is None else Product(*a.product, a.repeats)
    work.step()
    hello = {"peer": "numpy " + np.__version__, "blas": blas_library(), "pids": [os.getpid()]}
    if a.interactive:
        serve(hello, work.step)
        return
    print(json.dumps({**hello, "millisecondsPerStep": round(statistics.median([work.step() for _ in range(5)]) * 1e3, 3)}))


if __name__ == "__main__":
    main()
