"""Reads and writes safetensors files of float32 tensors: eight bytes of length, a JSON header, the numbers. Needs PyTorch with NumPy and no other package."""
import json
import struct
import sys
import torch


def read_safetensors(path):
    """Tensors by name, and the metadata, a dictionary of strings."""
    with open(path, "rb") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_bytes))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name}: expected dtype F32, got {entry['dtype']}")
    return {name: _tensor(data, entry) for name, entry in header.items()}, metadata


def _tensor(data, entry):
    begin, end = entry["data_offsets"]
    if sys.byteorder != "little":
        raise NotImplementedError("the numbers of the file are little-endian, those of this machine are not")
    if begin == end:
        return torch.zeros(entry["shape"])
    return torch.frombuffer(data, dtype=torch.float32, offset=begin, count=(end - begin) // 4).clone().reshape(entry["shape"])


def write_safetensors(path, tensors, metadata=None):
    """Writes tensors (a dictionary by name) as float32, and metadata (a dictionary of strings)."""
    header, blobs, begin = {"__metadata__": metadata or {}}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.detach().to(torch.float32).contiguous().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [begin, begin + len(blob)]}
        blobs.append(blob)
        begin += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.writelines([struct.pack("<Q", len(text)), text, *blobs])
