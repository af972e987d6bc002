"""Times the tutorial's vanilla RNN in NumPy, the way it is taught: one sentence at a time, one matrix-vector product a step, and the
error of every output followed back on its own.

    python3 tools/peers/numpy_tutorial.py --vocabulary 8000 --hidden 100 --steps 20 --batch 1 --window 4

A step is forward, loss and backward for --batch sentences, one after the other, then SGD with the mean of their gradients. Without --window
errors go back to the beginning of the sentence. Words are drawn by Zipf's law, as in text. Prints one JSON object; --interactive as in torch_lm.py. Debian: python3-numpy and
libopenblas0-pthread.
"""
import argparse
import json
import os
import statistics
import time
import numpy as np
from peer_process import blas_library, serve

WARM_UP_STEPS = 1


class TutorialRnn:
    """s_t = tanh(U x_t + W s_{t-1}), o_t = softmax(V s_t), no biases; x_t one-hot."""

    def __init__(self, a):
        self.a = a
        self.random = np.random.default_rng(a.seed)
        words, units = a.vocabulary, a.hidden
        self.U = self.uniform(words, (units, words))
        self.V = self.uniform(units, (words, units))
        self.W = self.uniform(units, (units, units))
        shares = 1 / np.arange(1, words + 1)
        self.shares = shares / shares.sum()

    def uniform(self, fan_in, shape):
        return self.random.uniform(-1, 1, shape) / np.sqrt(fan_in)

    def forward(self, x):
        states = np.zeros((len(x) + 1, self.a.hidden))  # row 0 is the state before the sentence
        outputs = np.zeros((len(x), self.a.vocabulary))
        for t, word in enumerate(x):
            states[t + 1] = np.tanh(self.U[:, word] + self.W.dot(states[t]))
            logits = self.V.dot(states[t + 1])
            outputs[t] = np.exp(logits - logits.max())
            outputs[t] /= outputs[t].sum()
        return outputs, states

    def add_gradient(self, x, y, gradient):
        """Adds dU, dV, dW of the sentence's summed loss to `gradient`; returns the loss."""
        dU, dV, dW = gradient
        outputs, states = self.forward(x)
        picked = np.arange(len(y)), y
        loss = -np.log(outputs[picked]).sum()
        outputs[picked] -= 1
        for t in reversed(range(len(y))):
            dV += np.outer(outputs[t], states[t + 1])
            delta = self.V.T.dot(outputs[t]) * (1 - states[t + 1] ** 2)
            for tau in range(t, max(0, t - self.a.window) - 1, -1):
                dW += np.outer(delta, states[tau])
                dU[:, x[tau]] += delta
                delta = self.W.T.dot(delta) * (1 - states[tau] ** 2)
        return loss

    def step(self):
        """One training step on new random words; its seconds, without making the words."""
        sentences = self.random.choice(self.a.vocabulary, (self.a.batch, 2, self.a.steps), p=self.shares)
        begin = time.perf_counter()
        parameters = self.U, self.V, self.W
        gradient = [np.zeros_like(p) for p in parameters]
        for x, y in sentences:
            self.add_gradient(x, y, gradient)
        for p, d in zip(parameters, gradient):
            p -= self.a.learning_rate / self.a.batch * d
        return time.perf_counter() - begin


def describe(a):
    return {"peer": "numpy " + np.__version__, "blas": blas_library(), "vocabulary": a.vocabulary, "hidden": a.hidden, "batch": a.batch,
            "steps": a.steps, "window": a.window if a.window < a.steps else None, "pids": [os.getpid()]}


def run(a):
    model = TutorialRnn(a)
    for _ in range(WARM_UP_STEPS):
        model.step()
    if a.interactive:
        serve(describe(a), model.step)
        return
    seconds = statistics.median([model.step() for _ in range(a.repeats)])
    print(json.dumps({**describe(a), "millisecondsPerStep": round(seconds * 1e3, 3), "tokensPerSecond": round(a.batch * a.steps / seconds)}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Times the tutorial's RNN in NumPy.")
    for name, value in [("vocabulary", 8000), ("hidden", 100), ("steps", 20), ("batch", 1), ("repeats", 8), ("seed", 1)]:
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--window", type=int, help="earlier steps that the error of an output reaches (default: all)")
    parser.add_argument("--learning-rate", type=float, default=0.005)
    parser.add_argument("--interactive", action="store_true", help="one step a line of standard input")
    arguments = parser.parse_args()
    if arguments.window is None:
        arguments.window = arguments.steps
    run(arguments)
