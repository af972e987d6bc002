"""Steps of training as bptt makes them, by PyTorch: the gradient of the mean over tokens or sequences, clipped by its global norm, times the learning rate."""
import math
import torch
from bptt_model import NO_TOKEN, NotInPyTorch


def assert_unregularised(objective):
    """Raises NotInPyTorch where a run was held back by more than its loss."""
    for key in ("dropout", "ar", "tar", "omega"):
        if objective[key] != 0:
            raise NotInPyTorch(f"{key}: expected a run without, got {objective[key]}")


def assert_comparable(config):
    """Raises NotInPyTorch where a run did something that is not done here."""
    optimizer, objective = config["optimizer"], config["objective"]
    if optimizer["name"] != "sgd" or optimizer["l2"] != 0 or optimizer["weightDecay"] != 0:
        raise NotInPyTorch(f"optimizer: expected plain SGD, got {optimizer}")
    if objective["truncation"]["kind"] == "window":
        raise NotInPyTorch("truncation: expected full or chunk:k, got window:k, which automatic differentiation does not have")
    assert_unregularised(objective)
    if config["clip"]["kind"] == "value":
        raise NotInPyTorch("clip: expected none or by norm, got by value")


class Trainer:
    """Makes the steps of a run. `flipped`: with the columns of every microshard in the opposite order."""

    def __init__(self, model, config, flipped=False):
        self.model, self.config, self.flipped = model, config, flipped
        self.parameters = list(model.parameters())
        self.carries = {}

    def step(self, batch, learning_rate):
        """Mean loss of a target before the step, and the norm of the gradient before clipping."""
        if batch["startsEpoch"]:
            self.carries = {}
        self.model.zero_grad()
        shards = [(index, shard) for index, shard in enumerate(batch["microshards"]) if shard is not None]
        loss = sum(self.backward(index, shard) for index, shard in shards)
        tokens = sum(target != NO_TOKEN for _, shard in shards for target in shard["targets"])
        sequences = sum(shard["sequences"] for _, shard in shards)
        norm = self.descend(tokens if self.config["objective"]["reduction"] == "tokenMean" else sequences, learning_rate)
        return loss / tokens, norm

    def backward(self, index, shard):
        """Adds the gradient of a microshard's summed losses; returns that sum."""
        inputs, targets = (torch.tensor(shard[key]).reshape(shard["T"], shard["B"]) for key in ("inputs", "targets"))
        if self.flipped:
            inputs, targets = inputs.flip(1), targets.flip(1)
        states, carry = self.model(inputs, self.carries.get(index))
        if self.config["objective"]["truncation"]["kind"] == "chunk":
            self.carries[index] = [tuple(part.detach() for part in layer) for layer in carry]
        loss = self.model.losses(states.flatten(0, 1), targets.flatten()).double().sum()
        loss.backward()
        return loss.item()

    def descend(self, divisor, learning_rate):
        """One step of SGD with the gradient that was added up; its norm before clipping."""
        clip = self.config["clip"]
        with torch.no_grad():
            for parameter in self.parameters:
                parameter.grad /= divisor
            norm = math.sqrt(sum(parameter.grad.double().square().sum().item() for parameter in self.parameters))
            factor = clip["threshold"] / norm if clip["kind"] == "norm" and norm > clip["threshold"] else 1.0
            for parameter in self.parameters:
                parameter -= learning_rate * factor * parameter.grad
        return norm
