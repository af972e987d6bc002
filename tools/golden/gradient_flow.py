"""Writes the golden file of gradient flow: what torch.autograd says about how far errors reach back in time, in float64.

    python3 tools/golden/gradient_flow.py --out packages/core/src/testing/golden/gradient-flow.json

A case holds a configuration, parameters and a batch as in `language_model.py`, all sequences of full length, and for every layer

- `hidden`, and for an LSTM `cell` and `carriedCell`: `[lag][t - lag][b]`, the norm of the gradient of the loss of word t of sequence b by
  the state h (the cell c) of this layer at the moment t - lag. An earlier state acts through time and through the layers above. `cell` is the
  whole derivative; `carriedCell` leaves out what c does through the h of its own moment, so that (hidden, carriedCell) is the error that the
  carry (h, c) hands back from one step to the step before.
- `jacobians`: `[lag - 1][t - lag][b]`, the largest singular value of dh_t/dh_{t-lag} within this layer, for an LSTM through both parts of the
  carry; `carryJacobians` of an LSTM the same of d(h_t, c_t)/d(h_{t-lag}, c_{t-lag}), with carriedCell's c.

Needs PyTorch (Debian: python3-torch).
"""
import argparse
import json
import pathlib
import torch
from composed_model import golden_model
from language_model import DEFAULTS, on_grid, random_carry, write_json
from bptt_model import CARRY_PARTS, load_tensors

STEPS, SEQUENCES = 6, 2
CASES = [
    {"cell": "rnn", "hidden": [4, 4], "input": "onehot"},
    {"cell": "rnn", "hidden": [4, 4], "activation": "relu", "input": "embedding", "embedding": 3, "biases": False},
    {"cell": "gru", "hidden": [4, 4], "input": "embedding", "embedding": 3},
    {"cell": "gru", "hidden": [4, 4], "resetBefore": True, "input": "onehot"},
    {"cell": "lstm", "hidden": [4, 4], "input": "embedding", "embedding": 3},
    {"cell": "lstm", "hidden": [3, 5], "input": "onehot", "biases": False},
]


def product(x, weights, gates, kind):
    """`W x + b`, cut into gates. Rows of x are sequences."""
    weight, bias = weights[f"weight_{kind}"], weights.get(f"bias_{kind}", 0.0)
    return (x @ weight.t() + bias).chunk(gates, dim=1)


def rnn_step(config, weights, x, h):
    (a,), (b,) = product(x, weights, 1, "ih"), product(h, weights, 1, "hh")
    return (torch.tanh if config["activation"] == "tanh" else torch.relu)(a + b)


def gru_step(config, weights, x, h):
    r_in, z_in, n_in = product(x, weights, 3, "ih")
    r_h, z_h, n_h = product(h, weights, 3, "hh")
    r, z = torch.sigmoid(r_in + r_h), torch.sigmoid(z_in + z_h)
    n_h = product(r * h, weights, 3, "hh")[2] if config["resetBefore"] else r * n_h
    return (1 - z) * torch.tanh(n_in + n_h) + z * h


def lstm_step(weights, x, h, c):
    i, f, g, o = (a + b for a, b in zip(product(x, weights, 4, "ih"), product(h, weights, 4, "hh")))
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def step(config, weights, x, carry):
    """One moment of a layer, part by part a node of its own that a gradient can be asked for. Also the c before it is carried."""
    if config["cell"] != "lstm":
        return ((rnn_step if config["cell"] == "rnn" else gru_step)(config, weights, x, carry[0]),), None
    h, c = lstm_step(weights, x, *carry)
    return (h, c * 1), c


def unroll(model, words, carry):
    """For every layer its carries, and c's, of every moment, begun with the initial one; and the states of the top layer [T, B, H]."""
    layers, below = [], model.embed(words)
    for layer, initial in enumerate(carry):
        weights = {name[: -len(f"_l{layer}")]: value for name, value in model.rnn.named_parameters() if name.endswith(f"_l{layer}")}
        carries, cells, shown = [initial], [None], []
        for x in below:
            after, cell = step(model.config, weights, x, carries[-1])
            carries.append(after)
            cells.append(cell)
            shown.append(after[0] * 1)
        layers.append({"carries": carries[1:], "cells": cells[1:]})
        below = torch.stack(shown)
    return layers, below


def norms(losses, nodes):
    """`[lag][t - lag][b]`."""
    rows = []
    for lag in range(len(losses)):
        pairs = [(losses[t], nodes[t - lag]) for t in range(lag, len(losses))]
        gradients = [torch.autograd.grad(loss.sum(), node, retain_graph=True, allow_unused=True)[0] for loss, node in pairs]
        rows.append([[0.0] * SEQUENCES if g is None else g.norm(dim=1).tolist() for g in gradients])
    return rows


def largest_singular_value(outputs, inputs, sequence):
    """Of d(outputs)/d(inputs), parts side by side, for one sequence."""
    rows = []
    for output in outputs:
        for unit in range(output.shape[1]):
            gradients = torch.autograd.grad(output[sequence, unit], inputs, retain_graph=True, allow_unused=True)
            rows.append(torch.cat([torch.zeros_like(part[sequence]) if g is None else g[sequence] for part, g in zip(inputs, gradients)]))
    return torch.linalg.matrix_norm(torch.stack(rows), 2).item()


def jacobians(carries, parts):
    """`[lag - 1][t - lag][b]`, of the first `parts` parts of the carry."""
    return [
        [[largest_singular_value(carries[t][:parts], carries[t - lag][:parts], b) for b in range(SEQUENCES)] for t in range(lag, len(carries))]
        for lag in range(1, len(carries))
    ]


def flow_of_layer(config, layer, losses):
    carries = layer["carries"]
    flow = {"hidden": norms(losses, [carry[0] for carry in carries]), "jacobians": jacobians(carries, 1)}
    if config["cell"] != "lstm":
        return flow
    cells = {"cell": norms(losses, layer["cells"]), "carriedCell": norms(losses, [carry[1] for carry in carries])}
    return {**flow, **cells, "carryJacobians": jacobians(carries, CARRY_PARTS["lstm"])}


def flow_case(config, seed):
    generator = torch.Generator().manual_seed(seed)
    config = {**DEFAULTS, **config}
    model = golden_model(config)
    load_tensors(model, {name: on_grid(generator, tensor.shape, 1.0) for name, tensor in model.named_parameters()})
    inputs, targets = torch.randint(0, config["vocabulary"], (2, STEPS, SEQUENCES), generator=generator)
    carry = random_carry(generator, config, SEQUENCES)
    layers, states = unroll(model, inputs, carry)
    assert torch.allclose(states, model(inputs, carry)[0], rtol=1e-12, atol=1e-14), "the steps written here are not those of PyTorch's modules"
    losses = model.losses(states.flatten(0, 1), targets.flatten()).reshape(STEPS, SEQUENCES)
    return {
        "config": config, "parameters": {name: tensor.tolist() for name, tensor in model.named_parameters()}, "T": STEPS, "B": SEQUENCES,
        "inputs": inputs.flatten().tolist(), "targets": targets.flatten().tolist(), "carry": [[part.tolist() for part in layer] for layer in carry],
        "losses": losses.flatten().tolist(), "layers": [flow_of_layer(config, layer, losses) for layer in layers],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes the golden file of gradient flow.")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    cases = [flow_case(config, seed) for seed, config in enumerate(CASES)]
    assert all(len(case["config"]["hidden"]) == len(case["layers"]) for case in cases)
    write_json({"format": "bptt-golden-flow", "version": 1, "torch": torch.__version__, "cases": cases}, arguments.out)
