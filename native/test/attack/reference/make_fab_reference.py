"""Writes fab_reference.safetensors: the distances that FAB-T in PyTorch finds on a small fixed network.

FAB-T is written here from Croce & Hein 2020 (https://arxiv.org/abs/1907.02044), towards every wrong class in turn and
from the image itself; native/core/attack/fab_t.h says which iterates count. The projection sorts the pixels, which
that of the package does not. An image is taken only if float32 and float64 find the same distance, so that no
misclassification hangs on rounding. Made with PyTorch 2.11.0, seed 0.

Usage: python make_fab_reference.py [OUTPUT]
"""

import pathlib
import sys

import torch
from make_pgd_reference import network, random_weights, write_safetensors

STEPS = 20
IMAGES = 12
ALPHA_MAX, ETA, BETA = 0.1, 1.05, 0.9


def size(norm, delta):
    return delta.abs().max() if norm == "linf" else delta.norm()


def shortest(norm, x, normal, gap):
    """The smallest d with <normal, d> = gap and x + d in [0, 1], or the way to the nearest corner."""
    x, normal, gap = x.double(), normal.double(), gap.double()
    towards = normal.sign() * gap.sign()
    room = torch.where(towards > 0, 1 - x, torch.where(towards < 0, x, torch.zeros_like(x)))
    pace = torch.ones_like(x) if norm == "linf" else normal.abs()

    # Pixels reach their bound in this order, as the multiplier of the pace grows.
    moving = room > 0
    order = (room / pace)[moving].argsort()
    weight, pace_, room_ = (v[moving][order] for v in (normal.abs(), pace, room))
    filled = (weight * room_).cumsum(0)
    rising = (weight * pace_).flip(0).cumsum(0).flip(0)
    # What <normal, d> is when the k-th pixel reaches its bound.
    reached = filled - weight * room_ + room_ / pace_ * rising
    k = int((reached < gap.abs()).sum())
    if k == len(reached):
        return towards * room
    before = filled[k - 1] if k > 0 else 0.0
    return towards * torch.minimum((gap.abs() - before) / rising[k] * pace, room)


def fab_t(weights, norm, image, label):
    """Distance of the nearest misclassified iterate."""
    logits = network(weights, image[None])[0]
    nearest = float("inf")
    for aim in logits.argsort(descending=True)[1:]:
        x = image
        for _ in range(STEPS):
            x = x.detach().requires_grad_()
            logits = network(weights, x[None])[0]
            lead = logits[aim] - logits[label]
            (gradient,) = torch.autograd.grad(lead, x)
            x = x.detach()
            if logits.argmax() != label:
                nearest = min(nearest, size(norm, x - image).item())
            gap = -lead.detach()
            own = shortest(norm, x, gradient, gap)
            back = shortest(norm, image, gradient, gap + (gradient * (x - image)).sum())
            parts = size(norm, own).clamp(min=1e-8), size(norm, back).clamp(min=1e-8)
            alpha = (parts[0] / (parts[0] + parts[1])).clamp(max=ALPHA_MAX)
            x = ((1 - alpha) * (x + ETA * own) + alpha * (image + ETA * back)).clamp(0, 1).to(image.dtype)
            if network(weights, x[None])[0].argmax() != label:
                nearest = min(nearest, size(norm, x - image).item())
                x = image + BETA * (x - image)
    return nearest


def main():
    torch.manual_seed(0)
    weights = random_weights()
    double = {name: weight.double() for name, weight in weights.items()}
    tensors = dict(weights)
    images, distances = [], {"linf": [], "l2": []}
    while len(images) < IMAGES:
        # Many pixels lie on the edges of the box.
        image = (torch.rand(3, 8, 8) * 2 - 0.5).clamp(0, 1)
        label = network(weights, image[None])[0].argmax()
        found = {norm: fab_t(double, norm, image.double(), label) for norm in distances}
        single = {norm: fab_t(weights, norm, image, label) for norm in distances}
        if all(abs(single[norm] - found[norm]) < 1e-4 * found[norm] for norm in distances):
            images.append(image)
            for norm, distance in found.items():
                distances[norm].append(distance)
    tensors["images"] = torch.stack(images)
    for norm, values in distances.items():
        print(norm, "median distance", torch.tensor(values).median().item())
        tensors[f"{norm}.distance"] = torch.tensor(values, dtype=torch.float32)
    default = pathlib.Path(__file__).parent / "fab_reference.safetensors"
    write_safetensors(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default, tensors)


if __name__ == "__main__":
    main()
