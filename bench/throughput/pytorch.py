"""Training throughput of PyTorch eager: the peer of selfgrad.mjs, same network, batch, precision and work.

    python pytorch.py STRATEGY PRECISION THREADS STEPS   ->   images a second on stdout

Written as a careful PyTorch user would: channels-last, the fused SGD, data resident as bytes, augmentation by
batched gathers without a loop over images, no gradient for weights while the attack looks for its step.
"""
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

strategy, precision, threads, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
torch.manual_seed(0)
BATCH, EPS, ALPHA, COUNT, CROP = 128, 8 / 255, 8 / 255, 4096, 4


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if stride != 1 or inputs != outputs else None

    def forward(self, x):
        out = F.relu(self.bn1(x))
        shortcut = x if self.shortcut is None else self.shortcut(out)
        return self.conv2(F.relu(self.bn2(self.conv1(out)))) + shortcut


class PreActResNet8(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.5))
        self.register_buffer("std", torch.full((1, 3, 1, 1), 0.25))
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.blocks = nn.Sequential(Block(width, width, 1), Block(width, 2 * width, 2), Block(2 * width, 4 * width, 2))
        self.bn = nn.BatchNorm2d(4 * width)
        self.linear = nn.Linear(4 * width, 10)

    def forward(self, x):
        out = self.blocks(self.conv1((x - self.mean) / self.std))
        return self.linear(F.relu(self.bn(out)).mean((2, 3)))


net = PreActResNet8().to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
images = torch.randint(0, 256, (COUNT, 3, 32, 32), dtype=torch.uint8)
labels = torch.randint(0, 10, (COUNT,))
memory = torch.zeros(COUNT, 3, 32, 32, dtype=torch.int8)
base = torch.arange(32)


def sources(n):
    """Row and column in the un-augmented image of each pixel, and whether it lies inside."""
    dy = torch.randint(-CROP, CROP + 1, (n, 1))
    dx = torch.randint(-CROP, CROP + 1, (n, 1))
    flip = torch.rand(n, 1) < 0.5
    rows = base + dy
    columns = torch.where(flip, 31 - base, base) + dx
    inside = ((rows >= 0) & (rows < 32))[:, :, None] & ((columns >= 0) & (columns < 32))[:, None, :]
    return rows.clamp(0, 31), columns.clamp(0, 31), inside


def read(store, index, rows, columns, inside, scale):
    """Channels-last by construction: the gather writes (N, H, W, C)."""
    seen = store[index[:, None, None], :, rows[:, :, None], columns[:, None, :]].float().mul_(scale)
    return seen.mul_(inside[..., None]).permute(0, 3, 1, 2)


def write(store, index, rows, columns, inside, values):
    at = inside.nonzero(as_tuple=True)
    quantised = (values * (127 / EPS)).round_().clamp_(-127, 127).to(torch.int8).permute(0, 2, 3, 1)
    store[index[at[0]], :, rows[at[0], at[1]], columns[at[0], at[2]]] = quantised[at]


def autocast():
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


def input_gradient(x, y):
    x = x.detach().requires_grad_()
    with autocast():
        loss = F.cross_entropy(net(x).float(), y, reduction="sum")
    return torch.autograd.grad(loss, x)[0]


def step(index):
    y = labels[index]
    place = sources(len(index))
    x0 = read(images, index, *place, 1 / 255)
    x = x0
    if strategy == "self-gradient":
        start = (x0 + read(memory, index, *place, EPS / 127)).clamp_(0, 1)
        moved = start + ALPHA * input_gradient(start, y).sign_()
        x = torch.min(torch.max(moved, x0 - EPS), x0 + EPS).clamp_(0, 1)
    elif strategy == "pgd":
        x = (x0 + torch.empty_like(x0).uniform_(-EPS, EPS)).clamp_(0, 1)
        for _ in range(10):
            moved = x + 2 / 255 * input_gradient(x, y).sign_()
            x = torch.min(torch.max(moved, x0 - EPS), x0 + EPS).clamp_(0, 1)
    with autocast():
        logits = net(x).float()
        loss = F.cross_entropy(logits, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if strategy == "self-gradient":
        write(memory, index, *place, x - x0)
    return loss.item(), (logits.argmax(1) == y).sum().item()


def run(count):
    order = torch.randperm(COUNT)
    started = time.perf_counter()
    for i in range(count):
        begin = i * BATCH % COUNT
        step(order[begin : begin + BATCH])
    return count * BATCH / (time.perf_counter() - started)


run(max(2, steps // 4))  # warm-up: kernels are chosen and compiled at first use
print(f"{run(steps):.1f}")
