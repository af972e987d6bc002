"""Nats per token and perplexity of sentences under a model of bptt, computed by PyTorch in float64.

    python3 tools/torch/perplexity.py runs/moby-dick sentences.json

The first argument is a run folder, or a safetensors file with its configuration in the metadata. The second is a JSON file with token ids:
a list of sentences `[SENTENCE_START, w1, ..., SENTENCE_END]`. Every sentence begins with a zero state; each of its tokens but the first is
predicted. Prints one JSON object. Needs PyTorch (Debian: python3-torch).
"""
import argparse
import json
import math
import torch
from bptt_model import NO_TOKEN, load_model

BATCH = 64


def pad(rows):
    """[T, B], the sentences in columns."""
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(row, dtype=torch.int64) for row in rows], padding_value=NO_TOKEN)


def score(model, sentences):
    """Sum of the losses in nats, and the targets."""
    nats, tokens = 0.0, 0
    with torch.no_grad():
        for begin in range(0, len(sentences), BATCH):
            chosen = sentences[begin : begin + BATCH]
            targets = pad([sentence[1:] for sentence in chosen])
            states, _ = model(pad([sentence[:-1] for sentence in chosen]))
            nats += model.losses(states.flatten(0, 1), targets.flatten()).sum().item()
            tokens += int((targets != NO_TOKEN).sum())
    return nats, tokens


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Scores sentences with a model of bptt.")
    parser.add_argument("model", help="run folder or safetensors file")
    parser.add_argument("sentences", help="JSON file: a list of lists of token ids")
    arguments = parser.parse_args()
    with open(arguments.sentences, encoding="utf-8") as file:
        nats, tokens = score(load_model(arguments.model, torch.float64), json.load(file))
    print(json.dumps({"loss": nats / tokens, "perplexity": math.exp(nats / tokens), "tokens": tokens}))
