"""Writes the golden file that `window(k)` is compared with: gradients of a vanilla RNN in float64, made without any of bptt's code.

    python3 tools/oracle/tutorial_oracle.py --out packages/core/src/testing/golden/tutorial-window.json

The model has no biases, s_t = tanh(U x_t + W s_{t-1}) with one-hot x_t, and loss E = -sum_t log softmax(V s_t)[y_t]. The error of every
output t is followed back on its own, one earlier step after the other, through at most k of them: slow, and hard to get wrong.

Weights are uniform in [-1/sqrt(n), 1/sqrt(n)], n the incoming connections. W is then multiplied by --gain, so that an error is still
seen 49 steps back; without it window(49) could not be told from the whole sequence.

Needs NumPy (Debian: python3-numpy). Other versions of NumPy or BLAS may change the last digits.
"""
import argparse
import json
import numpy as np


def forward(U, V, W, x):
    """States [T, H] and probabilities [T, V]."""
    states, probabilities = [], []
    previous = np.zeros(W.shape[0])
    for word in x:
        previous = np.tanh(U[:, word] + W @ previous)
        logits = V @ previous
        exponentials = np.exp(logits - logits.max())
        states.append(previous)
        probabilities.append(exponentials / exponentials.sum())
    return np.array(states), np.array(probabilities)


def loss_of(probabilities, y):
    """-sum_t log p_t[y_t], in nats."""
    return float(-sum(np.log(p[word]) for p, word in zip(probabilities, y)))


def window_gradient(weights, x, y, k):
    """dU, dV, dW of the loss where the error of an output meets its own step and at most k earlier ones."""
    U, V, W = weights
    states, probabilities = forward(U, V, W, x)
    dU, dV, dW = np.zeros_like(U), np.zeros_like(V), np.zeros_like(W)
    for t in range(len(x)):
        error = probabilities[t].copy()
        error[y[t]] -= 1
        dV += np.outer(error, states[t])
        d_state = V.T @ error
        for tau in range(t, max(t - k, 0) - 1, -1):
            d_activation = d_state * (1 - states[tau] ** 2)
            dU[:, x[tau]] += d_activation
            if tau > 0:
                dW += np.outer(d_activation, states[tau - 1])
            d_state = W.T @ d_activation
    return dU, dV, dW


def make_case(a):
    """Weights and one sentence, from the seed."""
    random = np.random.default_rng(a.seed)

    def uniform_fan_in(n, shape):
        return random.uniform(-1, 1, shape) / np.sqrt(n)

    U = uniform_fan_in(a.vocabulary, (a.hidden, a.vocabulary))
    V = uniform_fan_in(a.hidden, (a.vocabulary, a.hidden))
    W = uniform_fan_in(a.hidden, (a.hidden, a.hidden)) * a.gain
    x = random.integers(0, a.vocabulary, a.steps)
    y = random.integers(0, a.vocabulary, a.steps)
    return (U, V, W), x, y


def golden(a):
    weights, x, y = make_case(a)
    _, probabilities = forward(*weights, x)
    windows = []
    for k in a.window:
        windows.append({"k": k, **{name: matrix.tolist() for name, matrix in zip(("dU", "dV", "dW"), window_gradient(weights, x, y, k))}})
    return {
        "format": "bptt-tutorial-window", "version": 1, "seed": a.seed, "gain": a.gain,
        "vocabulary": a.vocabulary, "hidden": a.hidden, "steps": a.steps, "x": x.tolist(), "y": y.tolist(),
        **{name: matrix.tolist() for name, matrix in zip("UVW", weights)}, "loss": loss_of(probabilities, y), "windows": windows,
    }


def write_json(value, out):
    """JSON with one row of a matrix a line: Python writes floats with as many digits as their float64 needs."""
    out.write(json.dumps(value).replace("], [", "],\n[").replace("]], ", "]],\n") + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes the golden file of truncated gradients.")
    for name, value in [("vocabulary", 11), ("hidden", 6), ("steps", 60), ("seed", 10)]:
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--gain", type=float, default=2.0, help="multiplies W (default 2)")
    parser.add_argument("--window", type=int, nargs="+", default=[0, 1, 4, 49], help="earlier steps that an error reaches")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    with open(arguments.out, "w", encoding="utf-8") as file:
        write_json(golden(arguments), file)
