"""Writes fab_reference.safetensors: the distances that FAB and FAB-T in PyTorch find on a small fixed network.

Both are written here from Croce & Hein 2020 (https://arxiv.org/abs/1907.02044), from the image itself: FAB towards the
class whose boundary is the nearest, FAB-T towards every wrong class in turn; native/core/attack/fab.h says which
iterates count. The projection sorts the pixels, which
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


def nearest(weights, norm, x, label, aims):
    """Logits, and lead and gradient of z_t - z_y for the class t of `aims` whose boundary is the nearest to x."""
    x = x.detach().requires_grad_()
    logits = network(weights, x[None])[0]
    boundaries = []
    for aim in aims:
        lead = logits[aim] - logits[label]
        (gradient,) = torch.autograd.grad(lead, x, retain_graph=True)
        slope = gradient.abs().sum() if norm == "linf" else gradient.norm()
        boundaries.append((lead.detach(), gradient, lead.detach().abs() / slope))
    return logits.detach(), *min(boundaries, key=lambda boundary: boundary[2])


def fab(weights, norm, image, label, groups):
    """Distance of the nearest misclassified iterate, over descents towards each group of classes."""
    smallest = float("inf")
    for aims in groups:
        x = image
        for _ in range(STEPS):
            logits, lead, gradient, _ = nearest(weights, norm, x, label, aims)
            if logits.argmax() != label:
                smallest = min(smallest, size(norm, x - image).item())
            own = shortest(norm, x, gradient, -lead)
            back = shortest(norm, image, gradient, (gradient * (x - image)).sum() - lead)
            parts = size(norm, own).clamp(min=1e-8), size(norm, back).clamp(min=1e-8)
            alpha = (parts[0] / (parts[0] + parts[1])).clamp(max=ALPHA_MAX)
            x = ((1 - alpha) * (x + ETA * own) + alpha * (image + ETA * back)).clamp(0, 1).to(image.dtype)
            if network(weights, x[None])[0].argmax() != label:
                smallest = min(smallest, size(norm, x - image).item())
                x = image + BETA * (x - image)
    return smallest


def distances_of(weights, image, label):
    ranked = network(weights, image[None])[0].argsort(descending=True)[1:]
    return {
        f"{norm}.{kind}": fab(weights, norm, image, label, groups)
        for norm in ("linf", "l2")
        for kind, groups in (("distance", ranked[:, None]), ("nearest", ranked[None]))
    }


def main():
    torch.manual_seed(0)
    weights = random_weights()
    double = {name: weight.double() for name, weight in weights.items()}
    images, distances = [], []
    while len(images) < IMAGES:
        # Many pixels lie on the edges of the box.
        image = (torch.rand(3, 8, 8) * 2 - 0.5).clamp(0, 1)
        label = network(weights, image[None])[0].argmax()
        found = distances_of(double, image.double(), label)
        single = distances_of(weights, image, label)
        if all(abs(single[key] - found[key]) < 1e-4 * found[key] for key in found):
            images.append(image)
            distances.append(found)
    tensors = dict(weights, images=torch.stack(images))
    for key in distances[0]:
        tensors[key] = torch.tensor([found[key] for found in distances], dtype=torch.float32)
        print(key, "median", tensors[key].median().item())
    default = pathlib.Path(__file__).parent / "fab_reference.safetensors"
    write_safetensors(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default, tensors)


if __name__ == "__main__":
    main()
