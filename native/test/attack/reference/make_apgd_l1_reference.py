"""Writes apgd_l1_reference.safetensors: the course of APGD in L1 in PyTorch on a small fixed network, step by step.

The ascent is written here from Croce & Hein 2021 (https://arxiv.org/abs/2103.01208) and the settings of their code, one
image at a time; the projection is a bisection on the threshold. Network, losses and the choice of images are those of
make_apgd_reference.py. An image and start are taken only if no decision (which coordinates are the largest, whether the
loss is the best one so far, how many coordinates are changed) is a close one and float32 agrees with float64. Made with
PyTorch 2.11.0, seed 0.

Usage: python make_apgd_l1_reference.py [OUTPUT]
"""

import itertools
import pathlib
import sys

import torch
from make_apgd_reference import CLASSES, CLOSE, IMAGES, LOSSES, loss_of, network
from make_pgd_reference import write_safetensors

EPS, STEPS = 1.5, 26


def project(origin, x):
    """The nearest point within EPS of origin in L1 and within [0, 1]; None if a coordinate is all but unchanged."""
    delta = x - origin
    size, room = delta.abs(), torch.where(delta > 0, 1 - origin, origin)
    low, high = 0.0, size.max().item()
    if torch.minimum(size, room).sum() <= EPS:
        high = 0.0
    for _ in range(100):
        middle = (low + high) / 2
        if torch.minimum((size - middle).clamp(min=0), room).sum() > EPS:
            low = middle
        else:
            high = middle
    if high > 0 and (size - high).abs().min() < CLOSE:
        return None
    return origin + delta.sign() * torch.minimum((size - high).clamp(min=0), room)


def sparse_signs(gradient, share):
    """Signs of the largest entries over their number; None if the last of them hardly is one."""
    size = gradient.abs().flatten().sort().values
    place = min(max(int((1 - share) * len(size)), 0), len(size) - 1)
    if place > 0 and size[place] - size[place - 1] < CLOSE:
        return None
    signs = torch.where(gradient.abs() >= size[place], gradient.sign(), torch.zeros_like(gradient))
    return signs / signs.abs().sum()


def apgd_l1(value_and_gradient, origin, start):
    """The loss at x_0 … x_{N-1}, eta and share of the step from each, x_{N-1}; None after a close decision."""
    window, count = max(int(0.04 * STEPS), 1), origin.numel()
    eta, share, changed = EPS, 0.2, count
    x, best_loss, best_x, best_gradient = start, -float("inf"), None, None
    losses, etas, shares = [], [], []
    for k in range(STEPS):
        value, gradient = value_and_gradient(x)
        losses.append(value)
        last = x
        if abs(value - best_loss) < CLOSE and not torch.equal(x, best_x):
            return None
        if value > best_loss:
            best_loss, best_x, best_gradient = value, x, gradient
        if k > 0 and k % window == 0:
            now = (best_x != origin).sum().item()
            share = now / count / 1.5
            if now / changed < 0.95:
                eta, x, gradient = EPS, best_x, best_gradient
            else:
                eta = max(eta / 1.5, EPS / 10)
            changed = now
        etas.append(eta)
        shares.append(share)
        step = sparse_signs(gradient, share)
        x = None if step is None else project(origin, x + eta * step)
        if x is None:
            return None
    return losses, etas, shares, last


def run(weights, kind, dtype, image, start, label, aim):
    weights = {name: value.to(dtype) for name, value in weights.items()}

    def value_and_gradient(x):
        x = x.detach().requires_grad_()
        value = loss_of(kind, network(weights, x[None])[0], label, aim)
        (gradient,) = torch.autograd.grad(value, x)
        return value.item(), gradient

    course = apgd_l1(value_and_gradient, image.to(dtype), start.to(dtype))
    if course is None:
        return None
    losses, etas, shares, last = course
    return {"losses": torch.tensor(losses), "etas": torch.tensor(etas), "shares": torch.tensor(shares), "last": last}


def firm_course(weights, kind, image, label, aim):
    """The course from a random start, or None if it hangs on rounding."""
    start = project(image, image + torch.randn_like(image))
    if start is None:
        return None
    exact, rough = (
        run(weights, kind, dtype, image, start, label.item(), aim.item()) for dtype in (torch.float64, torch.float32)
    )
    if not (exact and rough) or any((exact[name] - rough[name]).abs().max() > 2e-5 for name in exact):
        return None
    inputs = {"images": image, "starts": start, "labels": label, "aims": aim}
    return inputs | {name: value.float() for name, value in exact.items()}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    weights = {
        "conv1": torch.randn(4, 2, 3, 3) * 0.8,
        "bias1": torch.randn(4),
        "conv2": torch.randn(6, 4, 3, 3) * 0.6,
        "bias2": torch.randn(6),
        "head": torch.randn(CLASSES, 6 * 2 * 2) * 0.4,
    }
    images = torch.rand(1000, 2, 4, 4)
    ranked = network(weights, images).topk(2).values
    images = images[(ranked[:, 0] - ranked[:, 1]).topk(300).indices]
    order = network(weights, images).argsort(1, descending=True)
    tensors = dict(weights)
    for kind in LOSSES:
        tries = itertools.chain.from_iterable(itertools.repeat(list(zip(images, order)), 5))
        courses = (firm_course(weights, kind, image, ranks[0], ranks[2]) for image, ranks in tries)
        firm = list(itertools.islice((found for found in courses if found), IMAGES))
        assert len(firm) == IMAGES, "too many courses hang on rounding: choose another network"
        for name in firm[0]:
            tensors[f"l1.{kind}.{name}"] = torch.stack([found[name] for found in firm])
        print(kind, "last shares", tensors[f"l1.{kind}.shares"][:, -1].tolist(), flush=True)
    default = pathlib.Path(__file__).parent / "apgd_l1_reference.safetensors"
    write_safetensors(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default, tensors)


if __name__ == "__main__":
    main()
