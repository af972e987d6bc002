"""Trains the model of a run again in PyTorch as fast as PyTorch can, until its validation perplexity is low enough.

    node tools/torch/dump-run.mjs runs/sotu --steps 500 --validation --out folder
    python3 tools/torch/train_to_perplexity.py folder --until 150 --valid-every 25 --threads 1

Begins with the parameters that the run began with and reads the same batches, each at once instead of by microshards, with the same optimiser, Adam or SGD,
and the same clipping. Prints a line of JSON when it is ready and one after every validation: steps, tokens, and seconds of training alone,
validations left out. Ends when the perplexity is reached, the batches are used up, or --seconds of training are over.
"""
import argparse
import json
import math
import pathlib
import sys
import time
import torch
from torch import nn
from bptt_model import NO_TOKEN, NotInPyTorch, load_model
from safetensors import read_safetensors
from torch_trainer import assert_unregularised


def shard_tensors(shard):
    return [torch.tensor(shard[key], dtype=torch.int64).reshape(shard["T"], shard["B"]) for key in ("inputs", "targets")]


def read_batch(line):
    """Words read and to be predicted, [T, B], and whether states begin at zero."""
    batch = json.loads(line)
    shards = [shard_tensors(shard) for shard in batch["microshards"] if shard is not None]
    inputs, targets = (torch.cat(part, dim=1) for part in zip(*shards))
    return inputs.clamp(min=0), targets, batch["startsEpoch"]


class Trainer:
    def __init__(self, model, config):
        self.model, self.config, self.state = model, config, None
        self.parameters = list(model.parameters())
        optimizer = config["optimizer"]
        rate = config["learningRate"]
        if optimizer["name"] == "adam" and optimizer["l2"] == 0 and optimizer["weightDecay"] == 0:
            self.optimizer = torch.optim.Adam(self.parameters, lr=rate, betas=tuple(optimizer["betas"]), eps=optimizer["epsilon"])
        elif optimizer["name"] == "sgd" and optimizer["l2"] == 0 and optimizer["weightDecay"] == 0:
            self.optimizer = torch.optim.SGD(self.parameters, lr=rate)
        else:
            raise NotInPyTorch(f"optimizer: expected adam or sgd without decay, got {optimizer}")

    def step(self, inputs, targets, starts_epoch):
        """One step."""
        if starts_epoch:
            self.state = None
        self.optimizer.zero_grad(set_to_none=True)
        states, self.state = self.model.rnn(self.model.encoder(inputs), self.state)
        self.state = tuple(part.detach() for part in self.state) if isinstance(self.state, tuple) else self.state.detach()
        loss = self.loss_sum(states.flatten(0, 1), targets.flatten()) / (targets != NO_TOKEN).sum()
        loss.backward()
        if self.config["clip"]["kind"] == "norm":
            nn.utils.clip_grad_norm_(self.parameters, self.config["clip"]["threshold"])
        self.optimizer.step()

    def loss_sum(self, states, targets):
        if self.config["model"]["head"]["kind"] == "adaptive":
            counted = targets != NO_TOKEN
            if not counted.all():
                states, targets = states[counted], targets[counted]
            return -self.model.decoder(states, targets).output.sum()
        return nn.functional.cross_entropy(self.model.decoder(states), targets, ignore_index=NO_TOKEN, reduction="sum")

    def validation_loss(self, shards):
        """Nats per token; every sentence begins with a zero state."""
        nats, tokens = 0.0, 0
        with torch.no_grad():
            for inputs, targets in shards:
                states, _ = self.model(inputs)
                nats += self.model.losses(states.flatten(0, 1), targets.flatten()).double().sum().item()
                tokens += int((targets != NO_TOKEN).sum())
        return nats / tokens


def check(config):
    """Raises NotInPyTorch where the run did something that is not done here."""
    if config["model"]["input"] != "embedding" or config["objective"]["truncation"]["kind"] != "chunk" or config["objective"]["reduction"] != "tokenMean":
        raise NotInPyTorch("expected an embedding, truncation chunk:k and reduction tokenMean")
    if config["clip"]["kind"] == "value" or config["schedule"]["kind"] != "constant" or config["warmup"] != 0:
        raise NotInPyTorch("expected no clipping or by norm, and a constant learning rate")
    assert_unregularised(config["objective"])


def main():
    parser = argparse.ArgumentParser(description="Trains the model of a run in PyTorch until its perplexity is low enough.")
    parser.add_argument("folder", type=pathlib.Path, help="what dump-run.mjs wrote, with --validation")
    parser.add_argument("--until", type=float, required=True, help="validation perplexity at which to end")
    parser.add_argument("--valid-every", type=int, default=25, help="steps between validations (default 25)")
    parser.add_argument("--seconds", type=float, default=600, help="longest training (default 600)")
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    initial = a.folder / "initial.safetensors"
    config = json.loads(read_safetensors(initial)[1]["config"])
    check(config)
    trainer = Trainer(load_model(initial), config)
    with open(a.folder / "validation.jsonl", encoding="utf-8") as file:
        shards = [shard_tensors(json.loads(line)) for line in file]
    print(json.dumps({"event": "started", "peer": "pytorch " + torch.__version__}), flush=True)
    seconds, tokens = 0.0, 0
    with open(a.folder / "batches.jsonl", encoding="utf-8") as file:
        for step, line in enumerate(file, 1):
            batch = read_batch(line)
            begin = time.perf_counter()
            trainer.step(*batch)
            seconds += time.perf_counter() - begin
            tokens += int((batch[1] != NO_TOKEN).sum())
            if step % a.valid_every == 0:
                loss = trainer.validation_loss(shards)
                print(json.dumps({"event": "validation", "step": step, "tokens": tokens, "trainSeconds": seconds, "validLoss": loss}), flush=True)
                if math.exp(loss) <= a.until or seconds > a.seconds:
                    break


if __name__ == "__main__":
    try:
        main()
    except NotInPyTorch as error:
        sys.exit(str(error))
