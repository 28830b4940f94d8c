"""Writes losses_reference.safetensors: the losses of TRADES and MART at random logits, some of them very confident, and
the misalignment of random gradients, each with its gradients, in float64 straight from the formulas of the papers.
Made with PyTorch 2.11.0, seed 0.

Usage: python make_losses_reference.py [OUTPUT]
"""

import pathlib
import sys

import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "attack" / "reference"))
from make_pgd_reference import write_safetensors  # noqa: E402

IMAGES, CLASSES, SMOOTHING = 12, 5, 0.1


def trades(natural, adversarial, labels, beta):
    kl = F.kl_div(F.log_softmax(adversarial, 1), F.softmax(natural, 1), reduction="sum") / IMAGES
    return F.cross_entropy(natural, labels, label_smoothing=SMOOTHING) + beta * kl


def mart(natural, adversarial, labels, beta):
    p, q = F.softmax(natural, 1), F.softmax(adversarial, 1)
    others = torch.stack([torch.cat([row[:y], row[y + 1 :]]).max() for row, y in zip(q, labels)])
    boosted = F.cross_entropy(adversarial, labels, label_smoothing=SMOOTHING) - torch.log(1.0001 - others).mean()
    kl = F.kl_div(q.log(), p, reduction="none").sum(1)
    return boosted + beta * (kl * (1.0000001 - p[torch.arange(IMAGES), labels])).mean()


def main():
    torch.manual_seed(0)
    labels = torch.arange(IMAGES) % CLASSES
    scale = torch.tensor([0.5, 2.0, 8.0]).repeat(IMAGES // 3).double().unsqueeze(1)
    natural = (torch.randn(IMAGES, CLASSES).double() * scale).float().double().requires_grad_()
    adversarial = (torch.randn(IMAGES, CLASSES).double() * scale).float().double().requires_grad_()
    tensors = {"labels": labels, "natural": natural.detach().float(), "adversarial": adversarial.detach().float()}
    for name, loss in {
        "trades": trades(natural, adversarial, labels, 6.0),
        "mart": mart(natural, adversarial, labels, 5.0),
    }.items():
        gradients = torch.autograd.grad(loss, [natural, adversarial])
        tensors[f"{name}.loss"] = loss.detach().float().reshape(1)
        tensors[f"{name}.natural"], tensors[f"{name}.adversarial"] = (g.float() for g in gradients)
    a = torch.randn(IMAGES, 1, 3, 3)
    b = a + torch.randn(IMAGES, 1, 3, 3)
    a[3] = 0
    b[7] = 0
    b.requires_grad_()
    rows = [i for i in range(IMAGES) if i not in (3, 7)]
    loss = (1 - F.cosine_similarity(a.flatten(1)[rows], b.flatten(1)[rows], dim=1)).mean()
    tensors |= {"a": a, "b": b.detach(), "misalignment": loss.detach().reshape(1)}
    (tensors["misalignment.b"],) = torch.autograd.grad(loss, b)
    output = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "losses_reference.safetensors"
    write_safetensors(output, tensors)


main()
