"""Trains the model of a finished run again, in PyTorch, and compares the loss of every step.

    npx bptt train dataset:moby-dick --recipe zaremba-small --steps 100 --run runs/beside
    python3 tools/torch/train_beside.py runs/beside --control
    python3 tools/torch/train_beside.py runs/beside --lockstep

PyTorch begins with the same parameters, reads the same batches (`dump-run.mjs` writes both), carries states and resets them as the run
did, and makes the same kind of step in float32 (`torch_trainer.py`). The run must have been trained with plain SGD, without regularisers, and with
truncation full or chunk:k.

Prints the largest relative deviation of a loss and of a gradient's norm. Exit code 1 where a loss deviates by more than --tolerance.

Training at a large learning rate is chaotic: rounding grows from step to step until two computations of the same thing have nothing in common.

--control trains in PyTorch once more, with the columns of every microshard in the opposite order, which changes nothing but rounding, and
shows how far PyTorch is from itself. Where that is more than the tolerance, a deviation of bptt says nothing.

--lockstep lets PyTorch begin every step from the parameters that bptt had then (`replay-run.mjs` makes the steps of the run again, and checks that
their bits are the run's), while it carries its own states. What it then makes of a step is compared with what bptt made of it, from which
nothing can grow: the loss; the norm; `update`, the L2 distance of the two changes of all parameters by the norm of bptt's; and `parameters`,
the same distance by the norm of bptt's parameters. An update that is further off than --tolerance gives exit code 1 too.

Needs PyTorch (Debian: python3-torch), Node and the built packages (npm run build).
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import torch
from bptt_model import NotInPyTorch, load_model, load_tensors
from safetensors import read_safetensors
from torch_trainer import Trainer, assert_comparable

HERE = pathlib.Path(__file__).resolve().parent
# Of these a deviation above the tolerance fails.
JUDGED = ("loss", "update")


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def deviation(value, reference):
    return abs(value / reference - 1)


def train(trainer, steps):
    """Of every step: its number, the losses of bptt and of PyTorch, and deviations by name."""
    for line, batch in steps:
        loss, norm = trainer.step(batch, line["learningRate"])
        bptt = line["lossSum"] / line["tokens"]
        yield line["step"], bptt, loss, {"loss": deviation(loss, bptt), "norm": deviation(norm, line["gradientNorm"])}


def with_control(trained, control, steps):
    """The same, and the deviation of PyTorch from itself."""
    for (step, bptt, loss, deviations), (line, batch) in zip(trained, steps):
        again, _ = control.step(batch, line["learningRate"])
        yield step, bptt, loss, {**deviations, "PyTorch from itself": deviation(again, loss)}


def in_lockstep(trainer, steps, replay):
    """The same, every step from the parameters that the run had then."""
    load_tensors(trainer.model, replay.parameters())
    for one in steps:
        replay.ask()
        before = flat(trainer.model)
        ((step, bptt, loss, deviations),) = train(trainer, [one])
        own = flat(trainer.model)
        load_tensors(trainer.model, replay.parameters())
        theirs = flat(trainer.model)
        distance = (own - theirs).norm()
        yield step, bptt, loss, {**deviations, "update": (distance / (theirs - before).norm()).item(), "parameters": (distance / theirs.norm()).item()}


def flat(model):
    """All parameters in float64, a copy."""
    return torch.cat([parameter.detach().double().flatten() for parameter in model.parameters()])


class Replay:
    """The steps of a run made again by bptt, each while PyTorch makes the same."""

    def __init__(self, run, cache, folder):
        self.path = pathlib.Path(folder, "replay.safetensors")
        self.process = subprocess.Popen(["node", str(HERE / "replay-run.mjs"), str(run), "--cache", cache], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask()

    def ask(self):
        """Lets the next parameters be made."""
        print(self.path, file=self.process.stdin, flush=True)

    def parameters(self):
        """Those that were asked for last, by name: before the first step, then after each."""
        if self.process.stdout.readline() == "":
            sys.exit("replay-run.mjs failed")
        return read_safetensors(self.path)[0]

    def close(self):
        self.process.communicate()


def report(compared):
    """Prints some steps and the largest deviations; those by name."""
    largest = {}
    for step, bptt, loss, deviations in compared:
        for name, value in deviations.items():
            # Written so that a NaN stays.
            if name not in largest or not value <= largest[name][0]:
                largest[name] = (value, step)
        if step == 1 or step % 10 == 0:
            print(f"step {step:4d}  bptt {bptt:.7f}  PyTorch {loss:.7f}  {shown({name: f'{value:.1e}' for name, value in deviations.items()})}", flush=True)
    print(f"largest deviation: {shown({name: f'{value:.2e} at step {step}' for name, (value, step) in largest.items()})}")
    return {name: value for name, (value, _) in largest.items()}


def shown(texts):
    return ", ".join(f"{name} {text}" for name, text in texts.items())


def main():
    parser = argparse.ArgumentParser(description="Trains the model of a run again in PyTorch and compares the losses.")
    parser.add_argument("run", type=pathlib.Path, help="run folder")
    parser.add_argument("--steps", type=int, default=100, help="steps to compare from the first (default 100)")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="largest relative deviation of a loss, and of an update in lockstep, that passes (default 1e-3)")
    parser.add_argument("--control", action="store_true", help="train in PyTorch once more, rounded otherwise")
    parser.add_argument("--lockstep", action="store_true", help="begin every step from the parameters of bptt")
    parser.add_argument("--cache", default=".bptt-cache", help="folder of encoded corpora (default .bptt-cache)")
    a = parser.parse_args()
    if a.control and a.lockstep:
        parser.error("expected either --control or --lockstep, got both")
    lines = read_lines(a.run / "journal.jsonl")[: a.steps]
    if len(lines) < a.steps or lines[0]["step"] != 1:
        sys.exit(f"{a.run}: expected a journal of at least {a.steps} steps from the first, got {len(lines)}")
    strange = next((line for line in lines if line["outcome"] != "updated"), None)
    if strange is not None:
        sys.exit(f"{a.run}: step {strange['step']}: expected a step that was made, got outcome {strange['outcome']}")
    largest = compare(a, lines)
    # Written so that a NaN fails.
    return 0 if all(largest[name] <= a.tolerance for name in JUDGED if name in largest) else 1


def compare(a, lines):
    """Trains as the options say; the largest deviations by name."""
    config = json.loads((a.run / "config.json").read_text(encoding="utf-8"))["config"]
    assert_comparable(config)
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(["node", str(HERE / "dump-run.mjs"), str(a.run), "--out", folder, "--steps", str(a.steps), "--cache", a.cache]).returncode != 0:
            sys.exit("dump-run.mjs failed")
        steps = list(zip(lines, read_lines(pathlib.Path(folder, "batches.jsonl"))))
        trainer, control = (Trainer(load_model(pathlib.Path(folder, "initial.safetensors")), config, flipped) for flipped in (False, True))
        if a.control:
            return report(with_control(train(trainer, steps), control, steps))
        if not a.lockstep:
            return report(train(trainer, steps))
        replay = Replay(a.run, a.cache, folder)
        try:
            return report(in_lockstep(trainer, steps, replay))
        finally:
            replay.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NotInPyTorch as error:
        sys.exit(str(error))
