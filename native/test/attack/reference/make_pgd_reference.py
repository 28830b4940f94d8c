"""Writes pgd_reference.safetensors: what plain PGD in PyTorch finds on a small fixed network.

PGD is written here from Madry et al. 2018 (https://arxiv.org/abs/1706.06083): iterates x_0 … x_S without random
start, of which an image keeps the first that is misclassified, else the last. Smooth activations, and the script
refuses to write a fixture in which a gradient's sign hangs on rounding. Made with PyTorch 2.11.0, seed 0.

Usage: python make_pgd_reference.py [OUTPUT]
"""

import json
import pathlib
import struct
import sys

import torch
import torch.nn.functional as F

EPS = {"linf": 0.03, "l2": 0.25}
ALPHA = {"linf": 0.008, "l2": 0.06}
STEPS = 10
IMAGES, CLASSES = 24, 5


def network(weights, x):
    x = F.silu(F.conv2d(x, weights["conv1"], weights["bias1"], padding=1))
    x = F.silu(F.conv2d(x, weights["conv2"], weights["bias2"], stride=2, padding=1))
    return F.linear(x.flatten(1), weights["head"])


def losses(kind, logits, labels):
    if kind == "ce":
        return F.cross_entropy(logits, labels, reduction="none")
    others = logits.masked_fill(F.one_hot(labels, CLASSES).bool(), -float("inf"))
    return others.amax(1) - logits.gather(1, labels[:, None])[:, 0]


def step(norm, origin, x, gradient):
    if norm == "linf":
        delta = (x + ALPHA[norm] * gradient.sign() - origin).clamp(-EPS[norm], EPS[norm])
    else:
        direction = gradient / gradient.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        delta = x + ALPHA[norm] * direction - origin
        delta = delta * (EPS[norm] / delta.flatten(1).norm(dim=1)).clamp(max=1).view(-1, 1, 1, 1)
    return (origin + delta).clamp(0, 1)


def pgd(weights, norm, kind, images, labels):
    x, result = images, images.clone()
    found = torch.zeros(len(images), dtype=torch.bool)
    for number in range(STEPS + 1):
        x = x.detach().requires_grad_()
        logits = network(weights, x)
        wrong = (logits.argmax(1) != labels) & ~found
        result = torch.where((wrong | ~found)[:, None, None, None], x.detach(), result)
        found |= wrong
        if number < STEPS:
            (gradient,) = torch.autograd.grad(losses(kind, logits, labels).sum(), x)
            if norm == "linf":
                assert (gradient[~found].abs() > 1e-6).all(), "a sign hangs on rounding: choose another seed"
            x = step(norm, images, x, gradient)
    return result, found


def random_weights():
    """Of `network`."""
    return {
        "conv1": torch.randn(4, 3, 3, 3) * 0.4,
        "bias1": torch.randn(4) * 0.1,
        "conv2": torch.randn(8, 4, 3, 3) * 0.3,
        "bias2": torch.randn(8) * 0.1,
        "head": torch.randn(CLASSES, 8 * 4 * 4) * 0.3,
    }


def write_safetensors(path, tensors):
    names = {torch.float32: "F32", torch.int64: "I64", torch.bool: "BOOL"}
    header, payload = {}, b""
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        data = tensor.contiguous().numpy().tobytes()
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [len(payload), len(payload) + len(data)],
        }
        payload += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + payload)


def main():
    torch.manual_seed(0)
    weights = random_weights()
    images = torch.rand(IMAGES, 3, 8, 8)
    tensors = dict(weights, images=images, labels=network(weights, images).argmax(1))
    for norm in ("linf", "l2"):
        for kind in ("ce", "margin"):
            adversarial, found = pgd(weights, norm, kind, images, tensors["labels"])
            print(norm, kind, int(found.sum()), "of", IMAGES, "broken")
            tensors[f"{norm}.{kind}.adversarial"] = adversarial
            tensors[f"{norm}.{kind}.success"] = found
    default = pathlib.Path(__file__).parent / "pgd_reference.safetensors"
    write_safetensors(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default, tensors)


if __name__ == "__main__":
    main()
