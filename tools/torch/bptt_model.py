"""A model of bptt in PyTorch, with the names of its word_language_model example: `encoder`, `rnn`, `decoder`.

Built from the `model` part of a run's configuration. Parameters of a checkpoint go in by `load_state_dict(strict=True)`, unchanged.
"""
import json
import pathlib
import torch
from torch import nn
from safetensors import read_safetensors

NO_TOKEN = -1
CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
CARRY_PARTS = {"rnn": 1, "gru": 1, "lstm": 2}
# Tensors of a checkpoint whose names begin so are the run's, not the model's.
OWN_PREFIX = "bptt."


class NotInPyTorch(ValueError):
    """PyTorch has no module for what a model or a run has."""


def missing_in_pytorch(config):
    """Why PyTorch's modules cannot be this model, or None."""
    if len(set(config["hidden"])) > 1:
        return f"hidden: expected layers of one size, as nn.{CELLS[config['cell']].__name__} has, got {config['hidden']}"
    if config["resetBefore"]:
        return "resetBefore: expected false, got true: the reset gate of nn.GRU acts after the recurrent product"
    if config["cell"] == "rnn" and config["activation"] not in ("tanh", "relu"):
        return f"activation: expected tanh or relu, as nn.RNN has, got {config['activation']}"
    return None


class LanguageModel(nn.Module):
    """Words in, a loss for every target out. All layers of a batch are time-major: words [T, B], states [T, B, H]."""

    def __init__(self, config, dtype=torch.float32):
        """Raises NotInPyTorch."""
        super().__init__()
        self.config = config
        vocabulary, top, head = config["vocabulary"], config["hidden"][-1], config["head"]
        if config["input"] == "dense":
            raise NotInPyTorch("input: expected words, onehot or embedding, got dense")
        width = config["embedding"] if config["input"] == "embedding" else vocabulary
        if config["input"] == "embedding":
            self.encoder = nn.Embedding(vocabulary, width, dtype=dtype)
        self.rnn = self.recurrent_layers(width, dtype)
        if head["kind"] == "adaptive":
            self.decoder = nn.AdaptiveLogSoftmaxWithLoss(top, vocabulary, list(head["cutoffs"]), head["divValue"], head_bias=False, dtype=dtype)
        elif head["kind"] == "softmax":
            self.decoder = nn.Linear(top, vocabulary, bias=config["biases"], dtype=dtype)
        else:
            raise NotInPyTorch(f"head: expected softmax or adaptive, which predict a word at every step, got {head['kind']}")
        if config["tied"]:
            self.decoder.weight = self.encoder.weight

    def recurrent_layers(self, width, dtype):
        """All layers as one module of PyTorch."""
        config = self.config
        missing = missing_in_pytorch(config)
        if missing is not None:
            raise NotInPyTorch(missing)
        activation = {"nonlinearity": config["activation"]} if config["cell"] == "rnn" else {}
        return CELLS[config["cell"]](width, config["hidden"][0], len(config["hidden"]), bias=config["biases"], dtype=dtype, **activation)

    def forward(self, words, carry=None):
        """States of the top layer [T, B, H], and the carry: for each layer its parts [B, H], the shown state first."""
        states, last = self.rnn(self.embed(words), None if carry is None else join_carry(carry))
        return states, split_carry(last)

    def embed(self, words):
        """A word that is not there reads zeros."""
        present = words != NO_TOKEN
        known = words.clamp(min=0)
        dtype = self.rnn.weight_hh_l0.dtype
        rows = self.encoder(known) if self.config["input"] == "embedding" else nn.functional.one_hot(known, self.config["vocabulary"]).to(dtype)
        return rows * present.unsqueeze(-1)

    def scores(self, states):
        """Logits [N, V] of states [N, H]; with an adaptive softmax log-probabilities."""
        return self.decoder.log_prob(states) if self.config["head"]["kind"] == "adaptive" else self.decoder(states)

    def losses(self, states, targets):
        """Nats of every target [N], 0 where there is none."""
        counted = targets != NO_TOKEN
        if self.config["head"]["kind"] == "adaptive":
            return torch.zeros_like(states[:, 0]).masked_scatter(counted, -self.decoder(states[counted], targets[counted]).output)
        return nn.functional.cross_entropy(self.scores(states), targets, ignore_index=NO_TOKEN, reduction="none")


def join_carry(carry):
    """The carry as PyTorch's modules take it: each part of all layers [L, B, H]."""
    parts = [torch.stack(part) for part in zip(*carry)]
    return tuple(parts) if len(parts) > 1 else parts[0]


def split_carry(last):
    """The inverse of join_carry."""
    parts = last if isinstance(last, tuple) else (last,)
    return list(zip(*parts))


def load_tensors(model, tensors):
    """Puts the tensors of a file into the model, every one of them and no other."""
    model.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.startswith(OWN_PREFIX)}, strict=True)


def load_model(path, dtype=torch.float32):
    """
    The model in a run folder (its newest checkpoint) or in a safetensors file whose metadata hold a configuration. Raises NotInPyTorch.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        path = path / "checkpoints" / (path / "LATEST").read_text(encoding="utf-8").strip()
    tensors, metadata = read_safetensors(path)
    model = LanguageModel(json.loads(metadata["config"])["model"], dtype)
    load_tensors(model, tensors)
    return model
