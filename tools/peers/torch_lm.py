"""Times training steps of a recurrent language model in PyTorch on random words: the peer that bptt is measured beside.

    python3 tools/peers/torch_lm.py --cell rnn --input onehot --vocabulary 8000 --hidden 100 --batch 32 --steps 20
    python3 tools/peers/torch_lm.py --cell lstm --layers 2 --hidden 200 --embedding 200 --batch 20 --steps 35 --carry --clip 5

A step is forward, cross-entropy, backward, clipping where asked for, and SGD. The loss is summed over time and averaged over sentences.
Without --carry every sentence begins with a zero state; with it the state of the step before is carried and detached. Words are drawn by Zipf's
law, as in text: the word of rank r in proportion to 1 / r. With --cutoffs the head is AdaptiveLogSoftmaxWithLoss.

--input onehot is the tutorial's model: one layer without biases whose input matrix is read by word (an embedding with sparse gradient, and
an input product by a fixed identity). --window k gives the error of every output k earlier steps, which PyTorch cannot be asked for
directly: states are computed without gradient, and a window of k + 1 steps is run again for every output.

With --device cuda model and states are on the GPU in float32 (no TF32), words are sent there within the step, and a step ends when the GPU has ended it.

Prints one JSON object. With --interactive it first prints `{"peer": ...}` and then, for each line on standard input, makes one step and
prints `{"seconds": ...}`. With --ranks N it is N processes under DistributedDataParallel over gloo, each with batch / N sentences; this one is
rank 0, tells the others when to step, and its time is that of the step, since no rank is done before all have sent their gradients.
Debian: python3-torch and libopenblas0-pthread, without which its matrix products are several times slower.
"""
import argparse
import json
import os
import resource
import socket
import statistics
import sys
import time
import torch
from torch import nn
from peer_process import blas_library, serve

WARM_UP_STEPS = 2
CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class LanguageModel(nn.Module):
    def __init__(self, a):
        super().__init__()
        onehot = a.input == "onehot"
        width = a.hidden if onehot else a.embedding
        # The word after the last is "no word": a row of zeros, which keeps a zero state at zero before a window begins.
        self.encoder = nn.Embedding(a.vocabulary + 1, width, padding_idx=a.vocabulary, sparse=onehot and a.ranks == 1)
        self.rnn = CELLS[a.cell](width, a.hidden, a.layers, bias=not onehot)
        if a.cutoffs is None:
            self.decoder = nn.Linear(a.hidden, a.vocabulary, bias=not onehot)
        else:
            self.decoder = nn.AdaptiveLogSoftmaxWithLoss(a.hidden, a.vocabulary, a.cutoffs, a.div_value)
        if onehot:
            self.rnn.weight_ih_l0.requires_grad_(False).copy_(torch.eye(a.hidden))

    def forward(self, words, y, state=None):
        """The sum of the losses, and the state after the last step."""
        states, state = self.rnn(self.encoder(words), state)
        return self.loss(states, y), state

    def loss(self, states, y):
        flat = states.reshape(-1, states.shape[-1])
        if isinstance(self.decoder, nn.AdaptiveLogSoftmaxWithLoss):
            return -self.decoder(flat, y.reshape(-1)).output.sum()
        return nn.functional.cross_entropy(self.decoder(flat), y.reshape(-1), reduction="sum")


def detached(state):
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


class Trainer:
    def __init__(self, a, model):
        self.a, self.model, self.state = a, model, None
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(self.parameters, lr=a.learning_rate)
        self.batch = a.batch // a.ranks
        self.shares = 1 / torch.arange(1, a.vocabulary + 1, dtype=torch.float64)
        self.device = torch.device(a.device)

    def words(self):
        return torch.multinomial(self.shares, self.a.steps * self.batch, replacement=True).reshape(self.a.steps, self.batch)

    def step(self):
        """One training step on new random words; its seconds, without making the words."""
        x, y = self.words(), self.words()
        begin = time.perf_counter()
        x, y = x.to(self.device), y.to(self.device)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.whole_loss(x, y) if self.a.window is None else self.window_loss(x, y)
        (loss / self.batch).backward()
        if self.a.clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.a.clip)
        self.optimizer.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - begin

    def whole_loss(self, x, y):
        loss, state = self.model(x, y, self.state)
        self.state = detached(state) if self.a.carry else None
        return loss

    def window_loss(self, x, y):
        """Every output is the last step of a window of its own, begun with a frozen state."""
        length = min(self.a.window, self.a.steps - 1) + 1
        with torch.no_grad():
            states, _ = self.model.rnn(self.model.encoder(x))
        nothing = torch.full((length - 1, self.batch), self.a.vocabulary, device=self.device)
        windows = torch.cat([nothing, x]).unfold(0, length, 1)  # [T, B, length]
        zeros = states.new_zeros(length, self.batch, self.a.hidden)
        frozen = torch.cat([zeros, states])[: self.a.steps]  # the state before each window
        last, _ = self.model.rnn(self.model.encoder(windows.reshape(-1, length).t()), frozen.reshape(1, -1, self.a.hidden))
        return self.model.loss(last[-1], y)


def describe(a, pids):
    return {"peer": "pytorch " + torch.__version__, "blas": blas_library(), "cell": a.cell, "input": a.input, "layers": a.layers,
            "vocabulary": a.vocabulary, "hidden": a.hidden, "cutoffs": a.cutoffs, "batch": a.batch, "steps": a.steps, "window": a.window, "threads": a.threads,
            "ranks": a.ranks, "gpu": torch.cuda.get_device_name() if a.device == "cuda" else None, "pids": pids}


def make_trainer(rank, a):
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    model = LanguageModel(a).to(a.device)
    torch.manual_seed(a.seed + rank)
    if a.ranks > 1:
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ["MASTER_PORT"] = str(a.port)
        torch.distributed.init_process_group("gloo", rank=rank, world_size=a.ranks)
        model = nn.parallel.DistributedDataParallel(model)
    trainer = Trainer(a, model)
    for _ in range(WARM_UP_STEPS):
        trainer.step()
    return trainer


def follow(rank, a, orders):
    """A rank but the first: a step for each order, until there are no more."""
    trainer = make_trainer(rank, a)
    try:
        while True:
            orders.recv()
            trainer.step()
    except EOFError:
        pass


def start_followers(a):
    """The other ranks: their processes, and the ends of the pipes that they take orders from."""
    context = torch.multiprocessing.get_context("spawn")
    processes, pipes = [], []
    for rank in range(1, a.ranks):
        theirs, ours = context.Pipe(duplex=False)
        process = context.Process(target=follow, args=(rank, a, theirs), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
        pipes.append(ours)
    return processes, pipes


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def run(a):
    if a.device == "cuda":
        if not torch.cuda.is_available():
            sys.exit("unavailable: PyTorch " + torch.__version__ + " sees no CUDA device")
        torch.backends.cudnn.allow_tf32 = False
    a.port = free_port()
    processes, pipes = start_followers(a)
    trainer = make_trainer(0, a)

    def step():
        for pipe in pipes:
            pipe.send(None)
        return trainer.step()

    if a.interactive:
        serve(describe(a, [os.getpid()] + [process.pid for process in processes]), step)
    else:
        seconds = statistics.median([step() for _ in range(a.repeats)])
        print(json.dumps({**describe(a, [os.getpid()]), "millisecondsPerStep": round(seconds * 1e3, 3), "tokensPerSecond": round(a.batch * a.steps / seconds),
                          "peakRssMiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}), flush=True)
    for pipe in pipes:
        pipe.close()
    for process in processes:
        process.join()


def parse():
    parser = argparse.ArgumentParser(description="Times training steps in PyTorch.")
    parser.add_argument("--cell", default="lstm", choices=sorted(CELLS))
    parser.add_argument("--input", default="embedding", choices=["onehot", "embedding"])
    for name, value in [("layers", 1), ("hidden", 100), ("embedding", 100), ("vocabulary", 8000), ("batch", 32), ("steps", 20),
                        ("threads", 1), ("ranks", 1), ("repeats", 8), ("seed", 1)]:
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--window", type=int, help="earlier steps that the error of an output reaches (default: all)")
    parser.add_argument("--cutoffs", type=int, nargs="+", help="first word of each tail of an adaptive softmax (default: a full softmax)")
    parser.add_argument("--div-value", type=float, default=4.0, help="by how much each tail of an adaptive softmax is narrower than the one before")
    parser.add_argument("--clip", type=float, help="largest global norm of the gradient (default: no clipping)")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--learning-rate", type=float, default=0.005)
    parser.add_argument("--carry", action="store_true", help="carry the state from step to step")
    parser.add_argument("--interactive", action="store_true", help="one step a line of standard input")
    a = parser.parse_args()
    if a.input == "onehot" and (a.cell != "rnn" or a.layers != 1 or a.clip is not None or a.ranks > 1):
        parser.error("--input onehot is the tutorial's model: --cell rnn, one layer, one rank, no clipping")
    if a.window is not None and (a.layers != 1 or a.carry or a.cell != "rnn" or a.ranks > 1):
        parser.error("--window needs --cell rnn, one layer, one rank, and no carried state")
    if a.device != "cpu" and a.ranks > 1:
        parser.error("--device cuda is one rank")
    if a.batch % a.ranks != 0:
        parser.error("--batch must be a multiple of --ranks")
    return a


if __name__ == "__main__":
    run(parse())
