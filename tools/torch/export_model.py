"""Makes a model in PyTorch, as PyTorch initialises it, and writes it as safetensors with its configuration.

    python3 tools/torch/export_model.py '{"cell": "lstm", ...}' model.safetensors --seed 3

The first argument is the `model` part of a run's configuration, as JSON. Needs PyTorch (Debian: python3-torch).
"""
import argparse
import json
import torch
from bptt_model import LanguageModel, state_dict_of
from safetensors import write_safetensors

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes a fresh PyTorch model as safetensors.")
    parser.add_argument("config", help="configuration of the model, JSON")
    parser.add_argument("out", help="safetensors file to write")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    config = json.loads(arguments.config)
    write_safetensors(arguments.out, state_dict_of(LanguageModel(config)), {"config": json.dumps({"model": config})})
