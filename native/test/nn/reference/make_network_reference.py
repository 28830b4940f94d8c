"""Writes network_reference.safetensors: PyTorch's own PreAct ResNet, Wide ResNet and small CNN under the names that
robustness papers share, with their logits, input gradients, and the weights after three steps of torch.optim.SGD.
Made with PyTorch 2.11.0, at the first seed whose ReLUs see no value so near to zero that rounding alone could turn it
on or off (seed 18).

Usage: python make_network_reference.py [OUTPUT]
"""

import pathlib
import sys

import torch
import torch.nn.functional as F
from torch import nn

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "attack" / "reference"))
from make_pgd_reference import write_safetensors  # noqa: E402

CLASSES, IMAGES, SIZE = 5, 16, 8
NEAREST = 5e-6
nearest = []  # the smallest |input| of each ReLU that ran


def relu(x):
    nearest.append(x.detach().abs().min().item())
    return F.relu(x)


class PreActBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False))

    def forward(self, x):
        out = relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        return self.conv2(relu(self.bn2(self.conv1(out)))) + shortcut


class PreActResNet(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.layer1 = nn.Sequential(PreActBlock(width, width, 1))
        self.layer2 = nn.Sequential(PreActBlock(width, 2 * width, 2), PreActBlock(2 * width, 2 * width, 1))
        self.bn = nn.BatchNorm2d(2 * width)
        self.linear = nn.Linear(2 * width, CLASSES)

    def forward(self, x):
        out = relu(self.bn(self.layer2(self.layer1(self.conv1(x)))))
        return self.linear(F.adaptive_avg_pool2d(out, 1).flatten(1))


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.equal = inputs == outputs
        self.convShortcut = None if self.equal else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x):
        out = relu(self.bn1(x))
        if not self.equal:
            x = out
        out = self.conv2(relu(self.bn2(self.conv1(out))))
        return out + (x if self.equal else self.convShortcut(x))


class Stage(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.layer = nn.Sequential(WideBlock(inputs, outputs, stride))

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.block1, self.block2, self.block3 = Stage(16, 16, 1), Stage(16, 32, 2), Stage(32, 64, 2)
        self.bn1 = nn.BatchNorm2d(64)
        self.fc = nn.Linear(64, CLASSES)

    def forward(self, x):
        out = relu(self.bn1(self.block3(self.block2(self.block1(self.conv1(x))))))
        return self.fc(F.adaptive_avg_pool2d(out, 1).flatten(1))


class SmallCnn(nn.Module):
    def __init__(self, width=3):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 4, 2, 1)
        self.conv2 = nn.Conv2d(width, 2 * width, 4, 2, 1)
        self.fc1 = nn.Linear(2 * width * (SIZE // 4) ** 2, 100)
        self.fc2 = nn.Linear(100, CLASSES)

    def forward(self, x):
        out = relu(self.conv2(relu(self.conv1(x))))
        return self.fc2(relu(self.fc1(out.flatten(1))))


class Normalized(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network
        self.mean = torch.tensor([0.5, 0.4, 0.3]).view(1, 3, 1, 1)
        self.std = torch.tensor([0.2, 0.25, 0.3]).view(1, 3, 1, 1)

    def forward(self, x):
        return self.network((x - self.mean) / self.std)


def snapshot(network, prefix):
    return {f"{prefix}.{name}": tensor.detach().clone() for name, tensor in network.state_dict().items()}


def reference(seed):
    torch.manual_seed(seed)
    nearest.clear()
    pixels = torch.randint(0, 256, (IMAGES, 3, SIZE, SIZE))
    images, labels = pixels.float() / 255, torch.arange(IMAGES) % CLASSES
    tensors = {"pixels": pixels, "labels": labels}
    for name, network in {"preact": PreActResNet(), "wide": WideResNet(), "cnn": SmallCnn()}.items():
        model = Normalized(network)
        for module in network.modules():  # running statistics and scales that show when they are misplaced
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.5, 0.5)
                nn.init.uniform_(module.running_mean, -0.5, 0.5)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        tensors |= snapshot(network, f"{name}.before")
        model.eval()
        x = images.clone().requires_grad_()
        logits = model(x)
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, labels, reduction="sum"), x)
        tensors |= {f"{name}.logits": logits.detach(), f"{name}.gradient": gradient}
        model.train()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01)
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels, label_smoothing=0.1).backward()
            optimizer.step()
        tensors |= snapshot(network, f"{name}.after")
    return tensors


def main():
    seed = 0
    while True:
        tensors = reference(seed)
        if min(nearest) >= NEAREST:
            break
        seed += 1
    print(f"seed {seed}, nearest to zero {min(nearest):.1e}")
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "network_reference.safetensors"
    write_safetensors(output, tensors)


main()
