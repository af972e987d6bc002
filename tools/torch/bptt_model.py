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


class LanguageModel(nn.Module):
    """Words in, a loss for every target out. All layers of a batch are time-major: words [T, B], states [T, B, H]."""

    def __init__(self, config, dtype=torch.float32):
        super().__init__()
        self.config = config = {"tied": False, "head": {"kind": "softmax"}, "resetBefore": False, **config}
        vocabulary, hidden = config["vocabulary"], layer_sizes(config)
        width = config["embedding"] if config["input"] == "embedding" else vocabulary
        if config["input"] == "embedding":
            self.encoder = nn.Embedding(vocabulary, width, dtype=dtype)
        self.rnn = recurrent_layers(config, width, dtype)
        if config["head"]["kind"] == "adaptive":
            head = config["head"]
            self.decoder = nn.AdaptiveLogSoftmaxWithLoss(hidden[-1], vocabulary, list(head["cutoffs"]), head["divValue"], head_bias=False, dtype=dtype)
        elif config["head"]["kind"] == "softmax":
            self.decoder = nn.Linear(hidden[-1], vocabulary, bias=config["biases"], dtype=dtype)
        else:
            raise ValueError(f"head: expected softmax or adaptive, got {config['head']['kind']}")
        if config["tied"]:
            self.decoder.weight = self.encoder.weight

    def forward(self, words, carry=None):
        """States of the top layer [T, B, H], and the carry: for each layer its parts [B, H], the shown state first."""
        states, last = self.rnn(self.embed(words), None if carry is None else self.join_carry(carry))
        return states, self.split_carry(last)

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

    def join_carry(self, carry):
        if isinstance(self.rnn, Layers):
            return carry
        parts = [torch.stack(part) for part in zip(*carry)]
        return tuple(parts) if len(parts) > 1 else parts[0]

    def split_carry(self, last):
        if isinstance(self.rnn, Layers):
            return last
        parts = last if isinstance(last, tuple) else (last,)
        return [tuple(part[layer] for part in parts) for layer in range(self.rnn.num_layers)]


def layer_sizes(config):
    """Hidden units of every layer."""
    hidden = config["hidden"]
    return list(hidden) if isinstance(hidden, list) else [hidden] * config["layers"]


def recurrent_layers(config, width, dtype):
    """PyTorch's own module of all layers where there is one; else layers one above the other under the same names."""
    hidden, cell = layer_sizes(config), config["cell"]
    options = {"bias": config["biases"], "dtype": dtype, **({"nonlinearity": config["activation"]} if cell == "rnn" else {})}
    if not config["resetBefore"] and len(set(hidden)) == 1:
        return CELLS[cell](width, hidden[0], len(hidden), **options)
    kind = ResetBeforeGru if config["resetBefore"] else CELLS[cell]
    return Layers([kind(below, units, **options) for below, units in zip([width, *hidden], hidden)])


class Layers(nn.Module):
    """Recurrent modules of one layer each, of any sizes, with the parameter names that PyTorch gives several layers."""

    def __init__(self, layers):
        super().__init__()
        self.parts = tuple(layers)  # A tuple, so that parameters are known by the names below alone.
        for layer, module in enumerate(layers):
            for name, parameter in module.named_parameters():
                self.register_parameter(name.replace("_l0", f"_l{layer}"), parameter)

    def forward(self, inputs, carry=None):
        last = []
        for layer, module in enumerate(self.parts):
            initial = None if carry is None else tuple(part.unsqueeze(0) for part in carry[layer])
            inputs, end = module(inputs, initial if initial is None or len(initial) > 1 else initial[0])
            last.append(tuple(part[0] for part in (end if isinstance(end, tuple) else (end,))))
        return inputs, last


class ResetBeforeGru(nn.Module):
    """One layer of the GRU of Cho et al. 2014, whose reset gate acts before the recurrent product; PyTorch has no such module."""

    def __init__(self, width, hidden, bias=True, dtype=torch.float32):
        super().__init__()
        shapes = {"weight_ih_l0": (3 * hidden, width), "weight_hh_l0": (3 * hidden, hidden)}
        if bias:
            shapes.update({"bias_ih_l0": (3 * hidden,), "bias_hh_l0": (3 * hidden,)})
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape, dtype=dtype).uniform_(-(hidden ** -0.5), hidden ** -0.5)))

    def forward(self, inputs, initial=None):
        hidden = self.weight_hh_l0.shape[1]
        state = inputs.new_zeros(inputs.shape[1], hidden) if initial is None else initial[0]
        weights = self.weight_hh_l0.split(hidden)
        biases = self.bias_hh_l0.split(hidden) if hasattr(self, "bias_hh_l0") else (0.0, 0.0, 0.0)
        projected = inputs @ self.weight_ih_l0.t() + getattr(self, "bias_ih_l0", 0.0)
        states = []
        for r_in, z_in, n_in in (step.split(hidden, dim=1) for step in projected):
            r = torch.sigmoid(r_in + state @ weights[0].t() + biases[0])
            z = torch.sigmoid(z_in + state @ weights[1].t() + biases[1])
            n = torch.tanh(n_in + (r * state) @ weights[2].t() + biases[2])
            state = (1 - z) * n + z * state
            states.append(state)
        return torch.stack(states), state.unsqueeze(0)


def state_dict_of(model):
    """What a file holds: a matrix that is tied comes once."""
    return {name: tensor for name, tensor in model.state_dict().items() if not (model.config["tied"] and name == "decoder.weight")}


def load_tensors(model, tensors):
    """Puts the tensors of a file into the model, every one of them and no other."""
    state = {name: tensor for name, tensor in tensors.items() if not name.startswith("bptt.")}
    if model.config["tied"]:
        state["decoder.weight"] = state["encoder.weight"]
    model.load_state_dict(state, strict=True)


def load_model(path, dtype=torch.float32):
    """The model in a run folder (its newest checkpoint) or in a safetensors file whose metadata hold a configuration."""
    path = pathlib.Path(path)
    if path.is_dir():
        path = path / "checkpoints" / (path / "LATEST").read_text(encoding="utf-8").strip()
    tensors, metadata = read_safetensors(path)
    model = LanguageModel(json.loads(metadata["config"])["model"], dtype)
    load_tensors(model, tensors)
    return model
