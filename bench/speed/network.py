"""PreAct ResNet as selfgrad has it, under the same names, so that its model files load."""
import json

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, activation):
        super().__init__()
        self.activation = activation
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = None
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False))

    def forward(self, x):
        active = self.activation(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(active)
        return self.conv2(self.activation(self.bn2(self.conv1(active)))) + shortcut


class Normalize(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.5))
        self.register_buffer("std", torch.full((1, 3, 1, 1), 0.25))

    def forward(self, x):
        return (x - self.mean) / self.std


class PreActResNet(nn.Module):
    """(N, 3, 32, 32) float32 in [0, 1] -> (N, 10) logits."""

    def __init__(self, depths, width, activation):
        super().__init__()
        self.activation = {"relu": F.relu, "silu": F.silu}[activation]
        self.normalize = Normalize()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.stages = len(depths)
        inputs = width
        for stage, depth in enumerate(depths):
            blocks = []
            for block in range(depth):
                stride = 2 if stage > 0 and block == 0 else 1
                blocks.append(Block(inputs, width << stage, stride, self.activation))
                inputs = width << stage
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.bn = nn.BatchNorm2d(inputs)
        self.linear = nn.Linear(inputs, 10)

    def forward(self, x):
        x = self.conv1(self.normalize(x))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.linear(self.activation(self.bn(x)).mean((2, 3)))


def load(net, path):
    """Reads a model file: safetensors, that is the length of a JSON header, the header, the values."""
    types = {"F32": torch.float32, "I64": torch.int64}
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        values = bytearray(file.read())
    header.pop("__metadata__", None)
    state = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        state[name] = torch.frombuffer(values[begin:end], dtype=types[entry["dtype"]]).view(entry["shape"])
    net.load_state_dict(state)
