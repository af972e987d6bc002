"""Models of bptt that PyTorch has no module for, put together from layers of their own: the truth of golden files, not an exchange format.

Layers of different sizes, and the GRU whose reset gate acts before the recurrent product. Names of parameters are those PyTorch would give.
"""
import pathlib
import sys
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "torch"))
from bptt_model import CELLS, LanguageModel, missing_in_pytorch


def golden_model(config, dtype=torch.float64):
    """PyTorch's own modules where there are any, else layers of our own."""
    return (LanguageModel if missing_in_pytorch(config) is None else ComposedModel)(config, dtype)


class ComposedModel(LanguageModel):
    """A language model whose layers are modules of one layer each."""

    def recurrent_layers(self, width, dtype):
        config = self.config
        options = {"bias": config["biases"], "dtype": dtype, **({"nonlinearity": config["activation"]} if config["cell"] == "rnn" else {})}
        kind = ResetBeforeGru if config["resetBefore"] else CELLS[config["cell"]]
        return Layers([kind(below, units, **options) for below, units in zip([width, *config["hidden"]], config["hidden"])])

    def forward(self, words, carry=None):
        return self.rnn(self.embed(words), carry)


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
