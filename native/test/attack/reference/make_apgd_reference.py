"""Writes apgd_reference.safetensors: the course of APGD in PyTorch on a small fixed network, step by step.

APGD is written here from algorithm 1 of Croce & Hein 2020 (https://arxiv.org/abs/2003.01690), one image at a time,
with the checkpoints and the "at most 0.75" of the authors' code; see native/core/attack/apgd_climb.h for what is not
followed. Starts are inputs of the test, so no generator matters. Images do not leave when misclassified: the whole
course is compared. Sines keep the climbs from settling, where the loss rises by rounding alone. An image and start are
taken only if no decision (a sign, a rise of the loss) is a close one and float32 agrees with float64. Made with
PyTorch 2.11.0, seed 0.

Usage: python make_apgd_reference.py [OUTPUT]
"""

import itertools
import pathlib
import sys

import torch
import torch.nn.functional as F
from make_pgd_reference import write_safetensors

EPS = {"linf": 0.1, "l2": 0.25}
STEPS = 40
IMAGES, CLASSES = 4, 6
CLOSE = 1e-6
LOSSES = ("ce", "dlr", "targeted")


def network(weights, x):
    x = torch.sin(F.conv2d(x, weights["conv1"], weights["bias1"], padding=1))
    x = torch.sin(F.conv2d(x, weights["conv2"], weights["bias2"], stride=2, padding=1))
    return F.linear(x.flatten(1), weights["head"])


def loss_of(kind, z, label, aim):
    """z: the logits of one image, (CLASSES)."""
    ranked = z.sort(descending=True).values
    if kind == "ce":
        return z.logsumexp(0) - z[label]
    if kind == "dlr":
        best_other = torch.cat([z[:label], z[label + 1 :]]).max()
        return (best_other - z[label]) / (ranked[0] - ranked[2] + 1e-12)
    return (z[aim] - z[label]) / (ranked[0] - 0.5 * (ranked[2] + ranked[3]) + 1e-12)


def project(norm, origin, x):
    delta = x - origin
    if norm == "linf":
        delta = delta.clamp(-EPS[norm], EPS[norm])
    elif delta.norm() > EPS[norm]:
        delta = delta * (EPS[norm] / delta.norm())
    return (origin + delta).clamp(0, 1)


def checkpoints():
    window, end = max(int(0.22 * STEPS), 1), 0
    while end + window <= STEPS:
        end += window
        yield end, window
        window = max(window - max(int(0.03 * STEPS), 1), max(int(0.06 * STEPS), 1))


def apgd(value_and_gradient, norm, origin, start):
    """The loss at x_0 … x_{N-1}, eta of the step from each, the best point, x_{N-1}; None after a close decision."""
    windows = dict(checkpoints())
    eta, halved = 2 * EPS[norm], True
    x, x_previous = start, start
    losses, etas, rises, before = [], [], 0, float("inf")
    best_loss, best_x, best_gradient, best_at_checkpoint = -float("inf"), None, None, None
    for k in range(STEPS):
        value, gradient = value_and_gradient(x)
        losses.append(value)
        if abs(value - before) < CLOSE or abs(value - best_loss) < CLOSE:
            return None
        if norm == "linf" and gradient.abs().min() < CLOSE:
            return None
        rises += value > before
        before = value
        if value > best_loss:
            best_loss, best_x, best_gradient = value, x, gradient
        last = x
        if k in windows:
            halved = rises <= 0.75 * windows[k] or (not halved and best_at_checkpoint == best_loss)
            best_at_checkpoint, rises = best_loss, 0
            if halved:
                eta, x, gradient, before = eta / 2, best_x, best_gradient, best_loss
        etas.append(eta)
        direction = gradient.sign() if norm == "linf" else gradient / gradient.norm()
        z = project(norm, origin, x + eta * direction)
        a = 1 if k == 0 else 0.75
        x, x_previous = project(norm, origin, x + a * (z - x) + (1 - a) * (x - x_previous)), x
    return losses, etas, best_x, last


def run(weights, norm, kind, dtype, image, start, label, aim):
    weights = {name: value.to(dtype) for name, value in weights.items()}

    def value_and_gradient(x):
        x = x.detach().requires_grad_()
        value = loss_of(kind, network(weights, x[None])[0], label, aim)
        (gradient,) = torch.autograd.grad(value, x)
        return value.item(), gradient

    course = apgd(value_and_gradient, norm, image.to(dtype), start.to(dtype))
    if course is None:
        return None
    losses, etas, best, last = course
    return {"losses": torch.tensor(losses), "etas": torch.tensor(etas), "best": best, "last": last}


def draw_start(norm, image):
    noise = torch.randn_like(image)
    size = noise.abs().max() if norm == "linf" else noise.norm()
    return (image + EPS[norm] * noise / size).clamp(0, 1)


def firm_course(weights, norm, kind, image, label, aim):
    """The course from a random start, or None if it hangs on rounding."""
    start = draw_start(norm, image)
    exact, rough = (
        run(weights, norm, kind, dtype, image, start, label.item(), aim.item())
        for dtype in (torch.float64, torch.float32)
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
    # Images of wide margin: the difference of logits ratio has a pole once an image is misclassified.
    images = torch.rand(1000, 2, 4, 4)
    ranked = network(weights, images).topk(2).values
    images = images[(ranked[:, 0] - ranked[:, 1]).topk(300).indices]
    order = network(weights, images).argsort(1, descending=True)
    tensors = dict(weights)
    for norm in EPS:
        for kind in LOSSES:
            courses = (
                firm_course(weights, norm, kind, image, ranks[0], ranks[2]) for image, ranks in zip(images, order)
            )
            firm = list(itertools.islice((found for found in courses if found), IMAGES))
            assert len(firm) == IMAGES, "too many courses hang on rounding: choose another network"
            for name in firm[0]:
                tensors[f"{norm}.{kind}.{name}"] = torch.stack([found[name] for found in firm])
            halvings = (2 * EPS[norm] / tensors[f"{norm}.{kind}.etas"][:, -1]).log2().round()
            print(norm, kind, "halvings", halvings.int().tolist(), flush=True)
    default = pathlib.Path(__file__).parent / "apgd_reference.safetensors"
    write_safetensors(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default, tensors)


if __name__ == "__main__":
    main()
