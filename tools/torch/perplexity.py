"""Nats per token and perplexity of sentences under models of bptt, computed by PyTorch in float64.

    python3 tools/torch/perplexity.py sentences.json runs/moby-dick

The first argument is a JSON file with token ids: a list of sentences `[SENTENCE_START, w1, ..., SENTENCE_END]`. Every sentence begins with a zero
state; each of its tokens but the first is predicted. All others are models: run folders, or safetensors files with their configuration in the
metadata. Prints one JSON object a model. Needs PyTorch (Debian: python3-torch).
"""
import argparse
import json
import math
import sys
import torch
from bptt_model import NO_TOKEN, NotInPyTorch, load_model

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


def main():
    parser = argparse.ArgumentParser(description="Scores sentences with models of bptt.")
    parser.add_argument("sentences", help="JSON file: a list of lists of token ids")
    parser.add_argument("models", nargs="+", metavar="model", help="run folder or safetensors file")
    arguments = parser.parse_args()
    with open(arguments.sentences, encoding="utf-8") as file:
        sentences = json.load(file)
    for model in arguments.models:
        nats, tokens = score(load_model(model, torch.float64), sentences)
        print(json.dumps({"loss": nats / tokens, "perplexity": math.exp(nats / tokens), "tokens": tokens}))


if __name__ == "__main__":
    try:
        main()
    except NotInPyTorch as error:
        sys.exit(str(error))
