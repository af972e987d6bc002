"""Writes the golden files that the models of bptt are compared with: PyTorch's losses, gradients and training steps, in float64.

    python3 tools/golden/language_model.py --out packages/core/src/testing/golden

One file a cell, and one for adaptive softmax. A case holds a configuration in the names of bptt, parameters in the names and orientation of
PyTorch, a ragged batch (rows time-major, T * B; -1 is no word), the carry at its start (for each layer its parts [B, H]), and

- `scores`: logits [T * B, V]; of an adaptive softmax the log-probabilities of all words
- `losses`: nats at every position, 0 where there is no target
- `gradients`: of the sum of the losses, for every parameter
- `training`: ten steps of SGD on the same batch and carry. `losses` holds the mean loss of a target before each step, `norms` the global
  norm of the mean's gradient. A norm above `clip` is scaled down to it, exactly: `g * clip / norm` (PyTorch's own clipping adds 1e-6).

Parameters and carries are multiples of 1/256, so that float32 holds them too. Needs PyTorch (Debian: python3-torch); other versions may change
the last digits.
"""
import argparse
import json
import pathlib
import torch
from composed_model import golden_model
from bptt_model import CARRY_PARTS, NO_TOKEN

LENGTHS = [7, 4, 6]
STEPS = 10
VOCABULARY = 9
PARAMETER_BOUND = 1.0


def softmax_cases(cell, **changes):
    """Models of 1 to 3 layers, untied and tied, with one-hot words where there is one layer, with and without biases; one of uneven layers."""
    inputs = [{"input": "embedding", "embedding": 3}, {"input": "embedding", "embedding": 4, "tied": True}, {"input": "onehot"}]
    for layers in (1, 2, 3):
        for words in inputs[: 3 if layers == 1 else 2]:
            for biases in (True, False):
                yield {"cell": cell, "hidden": [4] * layers, "biases": biases, **words, **changes}
    yield {"cell": cell, "hidden": [3, 5], "biases": True, "input": "embedding", "embedding": 2, **changes}


def adaptive_cases():
    for cell, biases, words in [("rnn", True, {"input": "onehot"}), ("lstm", False, {"input": "embedding", "embedding": 3})]:
        for hidden, cutoffs, div_value in [([8], [4], 4), ([4, 16], [3, 7], 4), ([8], [2, 5, 9], 2)]:
            head = {"kind": "adaptive", "cutoffs": cutoffs, "divValue": div_value}
            yield {"cell": cell, "hidden": hidden, "biases": biases, "vocabulary": 11, "head": head, **words}


FILES = {
    "rnn-tanh": lambda: softmax_cases("rnn"),
    "rnn-relu": lambda: softmax_cases("rnn", activation="relu"),
    "gru": lambda: softmax_cases("gru"),
    "gru-reset-before": lambda: softmax_cases("gru", resetBefore=True),
    "lstm": lambda: softmax_cases("lstm"),
    "adaptive": adaptive_cases,
}

DEFAULTS = {"activation": "tanh", "resetBefore": False, "biases": True, "input": "onehot", "vocabulary": VOCABULARY, "embedding": 1, "tied": False, "head": {"kind": "softmax"}}


def on_grid(generator, shape, bound):
    """Multiples of 1/256 in [-bound, bound]."""
    steps = int(bound * 256)
    return torch.randint(-steps, steps + 1, shape, generator=generator).to(torch.float64) / 256


def random_words(generator, vocabulary, lengths):
    """Inputs and targets [T, B]: sequences of these lengths, padded behind; one position of the first is read without a target."""
    inputs, targets = torch.randint(0, vocabulary, (2, max(lengths), len(lengths)), generator=generator)
    for sequence, length in enumerate(lengths):
        inputs[length:, sequence] = targets[length:, sequence] = NO_TOKEN
    targets[2, 0] = NO_TOKEN
    return inputs, targets


def random_carry(generator, config, sequences):
    parts = CARRY_PARTS[config["cell"]]
    return [tuple(on_grid(generator, (sequences, units), 0.75) for _ in range(parts)) for units in config["hidden"]]


def zeros_like_carry(carry):
    return [tuple(torch.zeros_like(part) for part in layer) for layer in carry]


def batch_losses(model, batch):
    """Scores and losses of every position [T * B]."""
    states, _ = model(batch["inputs"], batch["carry"])
    rows = states.flatten(0, 1)
    return model.scores(rows), model.losses(rows, batch["targets"].flatten())


def global_norm(parameters):
    return torch.sqrt(sum((parameter.grad ** 2).sum() for parameter in parameters)).item()


def train(model, batch, learning_rate, clip):
    parameters = list(model.parameters())
    tokens = int((batch["targets"] != NO_TOKEN).sum())
    losses, norms = [], []
    for _ in range(STEPS):
        model.zero_grad()
        loss = batch_losses(model, batch)[1].sum() / tokens
        loss.backward()
        losses.append(loss.item())
        norms.append(global_norm(parameters))
        factor = clip / norms[-1] if norms[-1] > clip else 1.0
        with torch.no_grad():
            for parameter in parameters:
                parameter -= learning_rate * factor * parameter.grad
    return {"learningRate": learning_rate, "clip": clip, "losses": losses, "norms": norms}


def golden_case(config, seed):
    generator = torch.Generator().manual_seed(seed)
    config = {**DEFAULTS, **config}
    model = golden_model(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(on_grid(generator, parameter.shape, PARAMETER_BOUND))
    inputs, targets = random_words(generator, config["vocabulary"], LENGTHS)
    carry = random_carry(generator, config, len(LENGTHS))
    batch = {"inputs": inputs, "targets": targets, "carry": carry if seed // 2 % 2 else zeros_like_carry(carry)}
    parameters = {name: tensor.tolist() for name, tensor in model.named_parameters()}
    scores, losses = batch_losses(model, batch)
    losses.sum().backward()
    gradients = {name: parameter.grad.tolist() for name, parameter in model.named_parameters()}
    return {
        "config": config, "parameters": parameters, "T": inputs.shape[0], "B": inputs.shape[1], "inputs": inputs.flatten().tolist(),
        "targets": targets.flatten().tolist(), "carry": [[part.tolist() for part in layer] for layer in batch["carry"]], "scores": scores.tolist(),
        "losses": losses.tolist(), "gradients": gradients, "training": train(model, batch, learning_rate=1.0, clip=0.25),
    }


def golden_file(name):
    cases = [golden_case(config, seed) for seed, config in enumerate(FILES[name]())]
    norms = [norm for case in cases for norm in case["training"]["norms"]]
    clip = cases[0]["training"]["clip"]
    assert min(norms) < clip < max(norms), f"{name}: expected norms on both sides of the threshold, got {min(norms)} to {max(norms)}"
    return {"format": "bptt-golden-models", "version": 1, "torch": torch.__version__, "cases": cases}


def write_json(value, path):
    """JSON with one case a line: Python writes floats with as many digits as their float64 needs."""
    path.write_text(json.dumps(value, separators=(",", ":")).replace('{"config"', '\n{"config"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes the golden files of models.")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder")
    arguments = parser.parse_args()
    for name in FILES:
        write_json(golden_file(name), arguments.out / f"{name}.json")
