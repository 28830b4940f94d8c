"""Writes mi_fgsm_reference.safetensors: what MI-FGSM in PyTorch finds on the network of make_pgd_reference.py.

MI-FGSM is written here from Dong et al. 2018 (https://arxiv.org/abs/1710.06081, algorithm 1): of the iterates an image
keeps the first that is misclassified, else the last. The script refuses to write a fixture in which the sign of an
accumulated gradient hangs on rounding. Made with PyTorch 2.11.0, seed 0.

Usage: python make_mi_fgsm_reference.py [OUTPUT]
"""

import pathlib
import sys

import torch
from make_pgd_reference import IMAGES, STEPS, losses, network, random_weights, step, write_safetensors

DECAY = 1.0


def mi_fgsm(weights, norm, images, labels):
    x, result, velocity = images, images.clone(), torch.zeros_like(images)
    found = torch.zeros(len(images), dtype=torch.bool)
    for number in range(STEPS + 1):
        x = x.detach().requires_grad_()
        logits = network(weights, x)
        result = torch.where(found[:, None, None, None], result, x.detach())
        found |= logits.argmax(1) != labels
        if number < STEPS:
            (gradient,) = torch.autograd.grad(losses("ce", logits, labels).sum(), x)
            velocity = DECAY * velocity + gradient / gradient.abs().flatten(1).sum(1).view(-1, 1, 1, 1)
            if norm == "linf":
                assert (velocity[~found].abs() > 1e-7).all(), "a sign hangs on rounding: choose another seed"
            x = step(norm, images, x, velocity)
    return result, found


def main():
    torch.manual_seed(0)
    weights = random_weights()
    images = torch.rand(IMAGES, 3, 8, 8)
    tensors = dict(weights, images=images, labels=network(weights, images).argmax(1))
    for norm in ("linf", "l2"):
        adversarial, found = mi_fgsm(weights, norm, images, tensors["labels"])
        print(norm, int(found.sum()), "of", IMAGES, "broken")
        tensors[f"{norm}.adversarial"] = adversarial
        tensors[f"{norm}.success"] = found
    default = pathlib.Path(__file__).parent / "mi_fgsm_reference.safetensors"
    write_safetensors(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default, tensors)


if __name__ == "__main__":
    main()
