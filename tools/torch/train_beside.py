"""Trains the model of a finished run again, in PyTorch, and compares the loss of every step.

    npx bptt train dataset:moby-dick --recipe zaremba-small --dropout 0 --steps 100 --run runs/beside
    python3 tools/torch/train_beside.py runs/beside

PyTorch begins with the same parameters, reads the same batches (`dump-run.mjs` writes both), carries states and resets them as the run
did, and makes the same kind of step in float32: the gradient of the mean over tokens or sentences, scaled down to the clip threshold where its
global norm is above it, times the learning rate of that step. The run must have been trained with plain SGD, without dropout, and with
truncation full or chunk:k.

Prints the largest relative deviation of a loss and of a gradient norm. Exit code 1 where a loss deviates by more than --tolerance.

Training at a large learning rate is chaotic: rounding grows from step to step until two computations of the same thing have nothing in common.
--control trains in PyTorch once more, with the columns of every microshard in the opposite order, which changes nothing but rounding, and
shows how far PyTorch is from itself. Where that is more than the tolerance, a deviation of bptt says nothing.

Needs PyTorch (Debian: python3-torch), Node and the built packages (npm run build).
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import torch
from bptt_model import NO_TOKEN, load_model

HERE = pathlib.Path(__file__).resolve().parent


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def assert_comparable(config):
    """Stops where the run did something that is not done here."""
    optimizer = config.get("optimizer", {"kind": "sgd"})
    if optimizer != {"kind": "sgd"}:
        sys.exit(f"expected a run with plain SGD, got {optimizer}")
    if config["truncation"]["kind"] == "window":
        sys.exit("expected truncation full or chunk:k, got window:k, which PyTorch does not have")
    if config.get("dropout", 0) != 0:
        sys.exit(f"expected a run without dropout, got {config['dropout']}")


class Trainer:
    """Makes the steps of a run. `flipped`: with the columns of every microshard in the opposite order."""

    def __init__(self, model, config, flipped=False):
        self.model, self.config, self.flipped = model, config, flipped
        self.parameters = list(model.parameters())
        self.carries = {}

    def step(self, batch, learning_rate):
        """Mean loss of a target, and the norm of the gradient before clipping."""
        if batch["startsEpoch"]:
            self.carries = {}
        self.model.zero_grad()
        loss, tokens, sequences = 0.0, 0, 0
        for index, shard in enumerate(batch["microshards"]):
            if shard is None:
                continue
            nats, targets = self.backward(index, shard)
            loss += nats
            tokens += int((targets != NO_TOKEN).sum())
            sequences += int((targets != NO_TOKEN).any(dim=0).sum())
        norm = self.descend(tokens if self.config["reduction"] == "tokenMean" else sequences, learning_rate)
        return loss / tokens, norm

    def backward(self, index, shard):
        """Adds the gradient of a microshard's summed losses; that sum, and the targets [T, B]."""
        inputs, targets = (torch.tensor(shard[key]).reshape(shard["T"], shard["B"]) for key in ("inputs", "targets"))
        if self.flipped:
            inputs, targets = inputs.flip(1), targets.flip(1)
        states, carry = self.model(inputs, self.carries.get(index))
        if self.config["truncation"]["kind"] == "chunk":
            self.carries[index] = [tuple(part.detach() for part in layer) for layer in carry]
        loss = self.model.losses(states.flatten(0, 1), targets.flatten()).double().sum()
        loss.backward()
        return loss.item(), targets

    def descend(self, divisor, learning_rate):
        with torch.no_grad():
            for parameter in self.parameters:
                parameter.grad /= divisor
            norm = math.sqrt(sum(parameter.grad.double().square().sum().item() for parameter in self.parameters))
            clip = self.config["clip"]
            factor = clip / norm if 0 < clip < norm else 1.0
            for parameter in self.parameters:
                parameter -= learning_rate * factor * parameter.grad
        return norm


def compare(run, folder, lines, has_control):
    """Of every step: its number, the loss of bptt, of PyTorch and of the control (or None), and both norms."""
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))["config"]
    assert_comparable(config)
    trainer, control = (Trainer(load_model(folder / "initial.safetensors"), config, flipped) for flipped in (False, True))
    for line, batch in zip(lines, read_lines(folder / "batches.jsonl")):
        if line["outcome"] != "updated":
            sys.exit(f"step {line['step']}: expected a step that was made, got outcome {line['outcome']}")
        loss, norm = trainer.step(batch, line["learningRate"])
        again = control.step(batch, line["learningRate"])[0] if has_control else None
        yield line["step"], line["lossSum"] / line["tokens"], loss, again, line["gradientNorm"], norm


def deviation(value, reference):
    return abs(value / reference - 1)


def report(steps):
    """Prints some steps and the largest deviations; the largest of a loss."""
    losses, norms, controls = [], [], []
    for step, bptt, torch_loss, again, bptt_norm, torch_norm in steps:
        losses.append(deviation(torch_loss, bptt))
        norms.append(deviation(torch_norm, bptt_norm))
        controls += [] if again is None else [deviation(again, torch_loss)]
        if step == 1 or step % 10 == 0:
            control = f"  PyTorch from itself {controls[-1]:.1e}" if controls else ""
            print(f"step {step:4d}  bptt {bptt:.7f}  PyTorch {torch_loss:.7f}  deviation {losses[-1]:.1e}  of the norm {norms[-1]:.1e}{control}", flush=True)
    worst = max(losses)
    print(f"largest deviation of a loss {worst:.2e} at step {losses.index(worst) + 1}, of a gradient's norm {max(norms):.2e}")
    if controls:
        print(f"largest deviation of a loss of PyTorch from itself {max(controls):.2e} at step {controls.index(max(controls)) + 1}")
    return worst


def main():
    parser = argparse.ArgumentParser(description="Trains the model of a run again in PyTorch and compares the losses.")
    parser.add_argument("run", type=pathlib.Path, help="run folder")
    parser.add_argument("--steps", type=int, default=100, help="steps to compare from the first (default 100)")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="largest relative deviation of a loss that passes (default 1e-3)")
    parser.add_argument("--control", action="store_true", help="train in PyTorch once more, rounded otherwise")
    parser.add_argument("--cache", default=".bptt-cache", help="folder of encoded corpora (default .bptt-cache)")
    a = parser.parse_args()
    lines = read_lines(a.run / "journal.jsonl")[: a.steps]
    if len(lines) < a.steps or lines[0]["step"] != 1:
        sys.exit(f"{a.run}: expected a journal of at least {a.steps} steps from the first, got {len(lines)}")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["node", str(HERE / "dump-run.mjs"), str(a.run), "--steps", str(a.steps), "--out", folder, "--cache", a.cache], check=True)
        worst = report(compare(a.run, pathlib.Path(folder), lines, a.control))
    # Written so that a NaN fails.
    return 0 if worst <= a.tolerance else 1


if __name__ == "__main__":
    sys.exit(main())
