"""What all peers do: they say which BLAS they have loaded, and make steps when they are asked."""
import json
import os
import sys


def blas_library():
    """File name of the BLAS that this process has loaded; `unknown` where the system does not tell."""
    try:
        with open("/proc/self/maps", encoding="utf-8") as maps:
            files = {os.path.realpath(line.split()[-1]) for line in maps if "blas" in line or "mkl" in line}
    except OSError:
        return "unknown"
    # With OpenBLAS a thin libblas is loaded besides the library that does the work: the longest name.
    return max((os.path.basename(name) for name in files), key=len, default="unknown")


def serve(hello, step):
    """Prints `hello`, then for each line of standard input makes a step and prints its seconds."""
    print(json.dumps(hello), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"seconds": step()}), flush=True)
