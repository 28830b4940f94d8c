"""One measurement of PyTorch, eager or compiled; the peer of selfgrad.mjs: same network, batch, precision and work.

    python pytorch.py TASK   ->   one line of JSON

Written as a careful user would: channels-last, the fused SGD, data resident as bytes, augmentation by batched gathers,
an attack's box computed once, no gradient for weights while an attack looks for its step. `compile` compiles the
network with its loss, the attack's step and the pixel work, for fixed shapes.
"""
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F

from network import PreActResNet, load
from views import Views

task = json.loads(sys.argv[1])
BATCH, STEPS, EPS, ALPHA = task["batch"], task["steps"], task["eps"], task["alpha"]
FRESH, FRESH_WEIGHT = task["imagesPerStep"], 0.3
COUNT = STEPS * FRESH
torch.set_num_threads(task["threads"])
torch.manual_seed(0)
start_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def fast(function):
    return torch.compile(function, dynamic=False) if task["contender"] == "compile" else function


model = task["model"]
net = PreActResNet(model["depths"], model["width"], model["activation"])
if "weights" in task:
    load(net, task["weights"])
net = net.to(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)
with open(task["images"], "rb") as file:
    planar = torch.frombuffer(bytearray(file.read(COUNT * 3072)), dtype=torch.uint8).view(COUNT, 3, 32, 32)
images = planar.permute(0, 2, 3, 1).contiguous()
labels = torch.arange(COUNT) % 10
views = Views(task["crop"], task["flip"])
passes = {"forward": 0, "backward": 0, "weightGradients": 0}
read, write = fast(views.read), fast(views.write)


@fast
def losses(x, y):
    """The loss of each image, and the logits."""
    with torch.autocast("cpu", torch.bfloat16, enabled=task["precision"] == "bfloat16"):
        logits = net(x).float()
    return F.cross_entropy(logits, y, reduction="none"), logits


@fast
def box(x0):
    return (x0 - EPS).clamp_(min=0), (x0 + EPS).clamp_(max=1)


@fast
def ascend(x, gradient, lower, upper, alpha):
    return gradient.sign().mul_(alpha).add_(x).clamp_(lower, upper)


def counted(x, y, backward, weight_gradients):
    passes["forward"] += len(x)
    passes["backward"] += len(x) * backward
    passes["weightGradients"] += len(x) * weight_gradients
    return losses(x, y)


def attack_mode(on):
    net.train(not on)
    net.requires_grad_(not on)


def attack(x0, y, steps, alpha):
    """PGD from a random start, on running statistics; every image takes every step."""
    lower, upper = box(x0)
    x = torch.empty_like(x0).uniform_(-EPS, EPS).add_(x0).clamp_(lower, upper)
    for _ in range(steps):
        x = x.detach().requires_grad_()
        loss = counted(x, y, True, False)[0].sum()
        x = ascend(x.detach(), torch.autograd.grad(loss, x)[0], lower, upper, alpha)
    return x


def update(loss):
    """Backward and the optimiser's step."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def step_alone(index):
    """A step on nothing but the images of a batch."""
    y = labels[index]
    x = read(images, index, views.draw(len(index)), 1 / 255)
    if task["case"] == "pgd-10":
        attack_mode(True)
        x = attack(x, y, 10, ALPHA)
        attack_mode(False)
    each, logits = counted(x, y, True, True)
    loss = each.mean()
    update(loss)
    return loss.item(), (logits.argmax(1) == y).sum().item()


class SelfGradient:
    """The defaults: relay 2, no attack passes, freshWeight 0.3, a remembered perturbation of each image."""

    def __init__(self):
        # A first visit starts at noise in ±eps: it is there already.
        self.memory = torch.randint(-127, 128, images.shape, dtype=torch.int8)
        self.carried = None

    def step(self, index):
        places = views.draw(len(index))
        x0 = read(images, index, places, 1 / 255)
        x = read(self.memory, index, places, EPS / 127).add_(x0).clamp_(0, 1)
        y = labels[index]
        weights = torch.ones(len(index))
        fresh = (index, places, x0, y)
        if self.carried is not None:
            _, _, carried_x0, carried_y, carried_x = self.carried
            x0, x, y = torch.cat((x0, carried_x0)), torch.cat((x, carried_x)), torch.cat((y, carried_y))
            weights = torch.cat((weights * FRESH_WEIGHT, torch.ones(len(carried_y))))
        each, logits = counted(x.requires_grad_(), y, True, True)
        loss = (weights * each).sum() / weights.sum()
        update(loss)
        # The training backward has left the next step of the attack at the images.
        moved = ascend(x.detach(), x.grad, *box(x0), EPS)
        if self.carried is not None:
            old_index, old_places, old_x0, *_ = self.carried
            write(self.memory, old_index, old_places, moved[len(index) :] - old_x0, EPS / 127)
        self.carried = (*fresh, moved[: len(index)])
        return loss.item(), (logits.argmax(1) == y).sum().item()


def timed(warmup, work):
    """Seconds and passes of `work`, and what it returns."""
    started = time.perf_counter()
    warmup()
    warm, busy = time.perf_counter(), time.process_time()
    passes.update(dict.fromkeys(passes, 0))
    result = work()
    seconds, cpu_seconds = time.perf_counter() - warm, time.process_time() - busy
    times = {"seconds": seconds, "cpuSeconds": cpu_seconds, "warmupSeconds": warm - started, "passes": passes}
    return times, result


def train():
    """Two epochs of STEPS steps: the first warms up, compiles and fills the memory, the second is measured."""
    step = SelfGradient().step if task["case"] == "self-gradient" else step_alone

    def epoch():
        for index in torch.randperm(COUNT).split(FRESH):
            step(index)

    return {"images": COUNT, **timed(epoch, epoch)[0]}


def evaluate():
    """Clean images, PGD-20, and the count; labels are the network's own predictions."""
    attack_mode(True)

    def logits_of(x, y):
        with torch.no_grad():
            return counted(x, y, False, False)[1]

    def attacked(own, indices, steps):
        standing = 0
        for index in indices.split(BATCH):
            y = own[index]
            x0 = images.index_select(0, index).permute(0, 3, 1, 2).float().mul_(1 / 255)
            correct = logits_of(x0, y).argmax(1) == y
            x = attack(x0, y, steps, ALPHA)
            standing += (correct & (logits_of(x, y).argmax(1) == y)).sum().item()
        return standing

    logits = torch.cat([logits_of(part.permute(0, 3, 1, 2) / 255, labels[:BATCH]) for part in images.split(BATCH)])
    own, everything = logits.argmax(1), torch.arange(COUNT)
    times, standing = timed(lambda: attacked(own, everything[:BATCH], 2), lambda: attacked(own, everything, 20))
    return {"images": COUNT, **times, "standing": standing / COUNT, "logits": logits.square().mean().item()}


measured = evaluate() if task["case"] == "pgd-20-evaluation" else train()
peak_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({**measured, "startBytes": start_bytes, "peakBytes": peak_bytes}))
