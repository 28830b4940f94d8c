"""selfgrad's three architectures in PyTorch, under the names that its model files use, and a loader:
load(path, build(path)) takes pixels in [0, 1] to logits.

Needs torch and safetensors.
"""

import torch.nn.functional as F
from safetensors import safe_open
from torch import nn


class PreActBlock(nn.Module):
    """BatchNorm, activation and convolution, twice; a projected shortcut starts behind the first activation."""

    def __init__(self, inputs, outputs, stride, activation, projection):
        super().__init__()
        self.activation = activation
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.projection = projection if stride != 1 or inputs != outputs else None
        if self.projection:
            conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.add_module(projection, nn.Sequential(conv) if projection == "shortcut" else conv)

    def forward(self, x):
        active = self.activation(self.bn1(x))
        inner = self.activation(self.bn2(self.conv1(active)))
        return self.conv2(inner) + (getattr(self, self.projection)(active) if self.projection else x)


class ResidualNetwork(nn.Module):
    """preact-resnet and wide-resnet, which differ in widths and names."""

    def __init__(self, channels, classes, depths, width, activation, wide):
        super().__init__()
        self.wide, self.activation = wide, activation
        widths = [16 * width, 32 * width, 64 * width] if wide else [width << stage for stage in range(len(depths))]
        inputs = 16 if wide else width
        self.conv1 = nn.Conv2d(channels, inputs, 3, 1, 1, bias=False)
        self.stages = [f"{'block' if wide else 'layer'}{stage + 1}" for stage in range(len(depths))]
        for stage, depth, outputs in zip(self.stages, depths, widths):
            blocks = nn.Sequential()
            for block in range(depth):
                stride = 2 if stage != self.stages[0] and block == 0 else 1
                projection = "convShortcut" if wide else "shortcut"
                blocks.append(PreActBlock(inputs, outputs, stride, activation, projection))
                inputs = outputs
            self.add_module(stage, nn.ModuleDict({"layer": blocks}) if wide else blocks)
        self.add_module("bn1" if wide else "bn", nn.BatchNorm2d(inputs))
        self.add_module("fc" if wide else "linear", nn.Linear(inputs, classes))

    def forward(self, x):
        x = self.conv1(x)
        for stage in self.stages:
            blocks = getattr(self, stage)
            x = (blocks["layer"] if self.wide else blocks)(x)
        norm, head = (self.bn1, self.fc) if self.wide else (self.bn, self.linear)
        return head(self.activation(norm(x)).mean((2, 3)))


class SmallCnn(nn.Module):
    def __init__(self, channels, height, width_pixels, classes, width, activation):
        super().__init__()
        self.activation = activation
        self.conv1 = nn.Conv2d(channels, width, 4, 2, 1)
        self.conv2 = nn.Conv2d(width, 2 * width, 4, 2, 1)
        self.fc1 = nn.Linear(2 * width * (height // 4) * (width_pixels // 4), 100)
        self.fc2 = nn.Linear(100, classes)

    def forward(self, x):
        x = self.activation(self.conv2(self.activation(self.conv1(x))))
        return self.fc2(self.activation(self.fc1(x.flatten(1))))


def build(path):
    """The network that a model file describes, with fresh weights."""
    with safe_open(path, "pt") as file:
        about = {key.removeprefix("model."): value for key, value in file.metadata().items()}
    if about["architecture"] == "layers":
        raise NotImplementedError(f"a network of your own is yours to write: {about['layers']}")
    channels, height, width_pixels, classes, width = (
        int(about[key]) for key in ("channels", "height", "width_pixels", "classes", "width")
    )
    activation = {"relu": F.relu, "silu": F.silu}[about["activation"]]
    if about["architecture"] == "small-cnn":
        return SmallCnn(channels, height, width_pixels, classes, width, activation)
    depths = [int(depth) for depth in about["depths"].split(",")]
    return ResidualNetwork(channels, classes, depths, width, activation, about["architecture"] == "wide-resnet")


def load(path, network):
    """Pixels in [0, 1] to logits, with the weights of a model file."""
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}
    mean, std = weights.pop("normalize.mean"), weights.pop("normalize.std")
    network.load_state_dict(weights)
    network.eval()
    return lambda pixels: network((pixels - mean) / std)
