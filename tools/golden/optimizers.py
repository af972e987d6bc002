"""Writes the golden file that the optimisers are compared with: ten steps of each of PyTorch's, in float64, without any of bptt's code.

    python3 tools/golden/optimizers.py --out packages/core/src/testing/golden/optimizers.json

Every case starts from the same parameters and sees the same ten gradients, so that a step is compared and not a model. The parameters are a
matrix, an embedding whose rows have no gradient in most steps (PyTorch sees them as dense zeros), and a vector. All numbers are multiples
of 2^-10, hence the same in float32.

`asgd` begins to average at update `averageFrom`. PyTorch gives the iterate of update t the weight 1 / max(1, t - 1 - t0), so its t0 is one less.

Needs PyTorch (Debian: python3-torch). Made with 1.13.0.
"""
import argparse
import json

import torch

STEPS = 10
SHAPES = {"w": (2, 3), "encoder.weight": (4, 2), "b": (3,)}
LR = 0.0625
CASES = [
    ("sgd", {}, torch.optim.SGD, {}),
    ("sgd", {"l2": 0.125}, torch.optim.SGD, {"weight_decay": 0.125}),
    ("momentum", {}, torch.optim.SGD, {"momentum": 0.9}),
    ("momentum", {"momentum": 0.75, "l2": 0.125}, torch.optim.SGD, {"momentum": 0.75, "weight_decay": 0.125}),
    ("nesterov", {}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    ("nesterov", {"l2": 0.125}, torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.125}),
    ("adagrad", {}, torch.optim.Adagrad, {}),
    ("adagrad", {"epsilon": 0.125, "l2": 0.125}, torch.optim.Adagrad, {"eps": 0.125, "weight_decay": 0.125}),
    ("rmsprop", {}, torch.optim.RMSprop, {}),
    ("rmsprop", {"alpha": 0.75, "epsilon": 0.125, "l2": 0.125}, torch.optim.RMSprop, {"alpha": 0.75, "eps": 0.125, "weight_decay": 0.125}),
    ("adam", {}, torch.optim.Adam, {}),
    ("adam", {"betas": [0.75, 0.875], "epsilon": 0.125, "l2": 0.125}, torch.optim.Adam, {"betas": (0.75, 0.875), "eps": 0.125, "weight_decay": 0.125}),
    ("adamw", {}, torch.optim.AdamW, {}),
    ("adamw", {"weightDecay": 0.5}, torch.optim.AdamW, {"weight_decay": 0.5}),
    ("asgd", {}, torch.optim.ASGD, {"lambd": 0.0, "t0": 3}),
    ("asgd", {"l2": 0.125}, torch.optim.ASGD, {"lambd": 0.0, "t0": 3, "weight_decay": 0.125}),
]


def grid(generator, shape):
    """Random multiples of 2^-10 in [-1, 1]."""
    return torch.randint(-1024, 1025, shape, generator=generator).double() / 1024


def flat(tensors):
    return [float(f"{value:.12g}") for tensor in tensors for value in tensor.detach().reshape(-1)]


def run(optimizer_class, settings, start, gradients):
    parameters = [torch.nn.Parameter(tensor.clone()) for tensor in start]
    optimizer = optimizer_class(parameters, lr=LR, **settings)
    path = []
    for step in gradients:
        for parameter, gradient in zip(parameters, step):
            parameter.grad = gradient.clone()
        optimizer.step()
        path.append(flat(parameters))
    average = [optimizer.state[parameter]["ax"] for parameter in parameters] if optimizer_class is torch.optim.ASGD else None
    return path, average


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", required=True)
    out = arguments.parse_args().out
    generator = torch.Generator().manual_seed(1)
    start = [grid(generator, shape) for shape in SHAPES.values()]
    gradients = [[grid(generator, shape) for shape in SHAPES.values()] for _ in range(STEPS)]
    for step, gradient in enumerate(gradients):
        for row in range(4):
            if (step + row) % 3 != 0:
                gradient[1][row] = 0
    cases = []
    for name, settings, optimizer_class, torch_settings in CASES:
        path, average = run(optimizer_class, torch_settings, start, gradients)
        cases.append({"name": name, "settings": settings, "parameters": path, **({} if average is None else {"averageFrom": 4, "average": flat(average)})})
    golden = {
        "tensors": [{"name": name, "shape": list(shape)} for name, shape in SHAPES.items()],
        "learningRate": LR, "start": flat(start), "gradients": [flat(step) for step in gradients], "cases": cases,
    }
    with open(out, "w", encoding="utf-8") as file:
        file.write(json.dumps(golden, separators=(",", ":")).replace("],[", "],\n[").replace('},{', '},\n{') + "\n")


if __name__ == "__main__":
    main()
