"""Makes models in PyTorch, as PyTorch initialises them, and writes each as safetensors with its configuration.

    python3 tools/torch/export_model.py --model '{"cell": "lstm", ...}' model.safetensors --seed 3

The first word of --model is the `model` part of a run's configuration, as JSON; the option may come several times. Needs PyTorch (Debian:
python3-torch).
"""
import argparse
import json
import sys
import torch
from bptt_model import LanguageModel, NotInPyTorch
from safetensors import write_safetensors


def main():
    parser = argparse.ArgumentParser(description="Writes fresh PyTorch models as safetensors.")
    parser.add_argument("--model", nargs=2, action="append", required=True, metavar=("CONFIG", "OUT"), help="configuration of the model, JSON, and safetensors file to write")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    for text, out in arguments.model:
        config = json.loads(text)
        write_safetensors(out, LanguageModel(config).state_dict(), {"config": json.dumps({"model": config})})


if __name__ == "__main__":
    try:
        main()
    except NotInPyTorch as error:
        sys.exit(str(error))
