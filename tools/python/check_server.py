"""Checks a running bptt server from another language, from nothing but the files of protos/.

    /usr/bin/python3 tools/python/check_server.py 127.0.0.1:50051

Calls health, GetInfo and PullParameters; verifies the crc32 of every chunk, the length and SHA-256 of the parameters, and the
SHA-256 of the manifest. Prints one line of JSON. Exit code 0 where all is well, 1 where not, 2 for bad usage.

Needs protoc and the Python packages grpc and protobuf: Debian's protobuf-compiler, python3-grpcio and python3-protobuf.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zlib

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTO_FILES = ["bptt/v1/bptt.proto", "grpc/health/v1/health.proto"]
PROTOS = pathlib.Path(__file__).resolve().parents[2] / "protos"
CHUNK_BYTES_MAX = 1024 * 1024
MESSAGE_BYTES_MAX = 8 * 1024 * 1024
PARAMETER_BYTES_MAX = 1024 * 1024 * 1024


class CheckFailed(Exception):
    """What the server sent is not what the protocol promises."""


def expect(condition, message):
    if not condition:
        raise CheckFailed(message)


def load_protos(folder):
    """Descriptors of all files of the protocol, compiled by protoc."""
    with tempfile.TemporaryDirectory() as temporary:
        compiled = pathlib.Path(temporary) / "protos.bin"
        command = ["protoc", f"-I{folder}", "--include_imports", f"--descriptor_set_out={compiled}", *PROTO_FILES]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        files = descriptor_pb2.FileDescriptorSet.FromString(compiled.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


def message_class(descriptor):
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(descriptor.file.pool).GetPrototype(descriptor)


class Server:
    """Calls a server by the names that its protos give."""

    def __init__(self, channel, pool, timeout_s):
        self.channel = channel
        self.pool = pool
        self.timeout_s = timeout_s

    def call(self, service, method, fields=None, streams=False):
        descriptor = self.pool.FindServiceByName(service).methods_by_name[method]
        request = message_class(descriptor.input_type)
        kind = self.channel.unary_stream if streams else self.channel.unary_unary
        stub = kind(
            f"/{service}/{method}",
            request_serializer=request.SerializeToString,
            response_deserializer=message_class(descriptor.output_type).FromString,
        )
        return stub(request(**(fields or {})), timeout=self.timeout_s)


def manifest_sha256(manifest):
    """Recomputed from the tensors, as the protocol defines it."""
    lines = [
        f"{t.name} {t.dtype} {'x'.join(map(str, t.shape))} {t.offset} {int(t.row_sparse)} {int(t.transposed)}\n"
        for t in manifest.tensors
    ]
    return hashlib.sha256("".join(lines).encode()).digest()


def check_manifest(manifest):
    end = 0
    for tensor in manifest.tensors:
        expect(tensor.dtype == "F32", f"{tensor.name}: expected dtype F32, got {tensor.dtype}")
        expect(tensor.offset == end, f"{tensor.name}: expected offset {end}, got {tensor.offset}")
        size = 4
        for n in tensor.shape:
            size *= n
        end += size
    expect(manifest.total_bytes == end, f"manifest: expected {end} bytes, got {manifest.total_bytes}")
    expect(end <= PARAMETER_BYTES_MAX, f"manifest: expected at most {PARAMETER_BYTES_MAX} bytes, got {end}")
    computed = manifest_sha256(manifest)
    expect(computed == manifest.sha256, f"manifest: expected sha256 {computed.hex()}, got {manifest.sha256.hex()}")


def pull_parameters(server, info):
    """Header, commit and verified bytes of the newest parameters."""
    header = None
    commit = None
    blob = bytearray()
    for frame in server.call("bptt.v1.ParameterServer", "PullParameters", {"run_id": info.run_id}, streams=True):
        which = frame.WhichOneof("frame")
        if which == "header":
            expect(header is None, "pull: got a second header")
            header = frame.header
            continue
        expect(commit is None and header is not None, f"pull: expected a header, chunks and a commit, got {which}")
        if which == "commit":
            commit = frame.commit
            continue
        chunk = frame.chunk
        expect(chunk.offset == len(blob), f"pull: expected a chunk at {len(blob)}, got {chunk.offset}")
        expect(0 < len(chunk.data) <= CHUNK_BYTES_MAX, f"pull: got a chunk of {len(chunk.data)} bytes")
        expect(zlib.crc32(chunk.data) == chunk.crc32, f"pull: wrong crc32 of the chunk at {chunk.offset}")
        blob += chunk.data
        expect(len(blob) <= header.total_bytes, f"pull: expected {header.total_bytes} bytes, got at least {len(blob)}")
    expect(header is not None, "pull: got an empty stream")
    expect(commit is not None, "pull: the stream ended before its commit")
    expect(commit.total_bytes == header.total_bytes, f"pull: expected a commit of {header.total_bytes} bytes, got {commit.total_bytes}")
    expect(len(blob) == header.total_bytes, f"pull: expected {header.total_bytes} bytes, got {len(blob)}")
    expect(header.total_bytes == info.manifest.total_bytes, f"pull: expected the manifest's {info.manifest.total_bytes} bytes, got {header.total_bytes}")
    expect(header.manifest_sha256 == info.manifest.sha256, f"pull: expected manifest {info.manifest.sha256.hex()}, got {header.manifest_sha256.hex()}")
    computed = hashlib.sha256(blob).digest()
    expect(computed == commit.sha256, f"pull: expected parameters sha256 {commit.sha256.hex()}, got {computed.hex()}")
    return header, commit, blob


def check(server):
    health = server.call("grpc.health.v1.Health", "Check", {"service": "bptt.v1.ParameterServer"})
    status = health.DESCRIPTOR.enum_types_by_name["ServingStatus"].values_by_number[health.status].name
    expect(status == "SERVING", f"health: expected SERVING, got {status}")
    info = server.call("bptt.v1.ParameterServer", "GetInfo")
    check_manifest(info.manifest)
    header, commit, blob = pull_parameters(server, info)
    return {
        "ok": True,
        "health": status,
        "runId": info.run_id,
        "backendId": info.backend_id,
        "step": header.step,
        "tensors": len(info.manifest.tensors),
        "bytes": len(blob),
        "manifestSha256": info.manifest.sha256.hex(),
        "parametersSha256": commit.sha256.hex(),
    }


def main():
    parser = argparse.ArgumentParser(description="Checks a running bptt server.")
    parser.add_argument("address", help="host:port")
    parser.add_argument("--protos", type=pathlib.Path, default=PROTOS, help="folder of the .proto files")
    parser.add_argument("--timeout-s", type=float, default=30.0, help="seconds that each call may take (30)")
    arguments = parser.parse_args()
    options = [("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX)]
    try:
        with grpc.insecure_channel(arguments.address, options=options) as channel:
            report = check(Server(channel, load_protos(arguments.protos), arguments.timeout_s))
    except grpc.RpcError as error:
        report = {"ok": False, "error": f"{error.code().name}: {error.details()}"}
    except (CheckFailed, OSError, subprocess.CalledProcessError) as error:
        report = {"ok": False, "error": str(error)}
    print(json.dumps(report))
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
