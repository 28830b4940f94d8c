"""Writes deepfool_reference.safetensors: what DeepFool in PyTorch finds on a small fixed network.

DeepFool is written here from Moosavi-Dezfooli et al. 2016 (https://arxiv.org/abs/1511.04599, algorithm 2 and its form
for any norm), with the box as native/core/attack/deepfool.h says. An image is taken only if float32 and float64 end at
the same image. Made with PyTorch 2.11.0, seed 0.

Usage: python make_deepfool_reference.py [OUTPUT]
"""

import pathlib
import sys

import torch
from make_fab_reference import nearest
from make_pgd_reference import network, random_weights, write_safetensors

STEPS, OVERSHOOT, IMAGES = 50, 0.02, 16
# As in the authors' code.
BEYOND = 1e-4


def deepfool(weights, norm, image, label):
    """The first misclassified iterate and how many steps it took."""
    aims = [k for k in range(5) if k != label]
    x, way = image, torch.zeros_like(image)
    for step in range(1, STEPS + 1):
        _, _, gradient, distance = nearest(weights, norm, x, label, aims)
        way = way + (distance + BEYOND) * (gradient.sign() if norm == "linf" else gradient / gradient.norm())
        x = (image + (1 + OVERSHOOT) * way).clamp(0, 1)
        if network(weights, x[None])[0].argmax() != label:
            return x, step
    raise RuntimeError("no image was found: choose another seed")


def main():
    torch.manual_seed(0)
    weights = random_weights()
    double = {name: weight.double() for name, weight in weights.items()}
    images, found = [], {"linf": [], "l2": []}
    while len(images) < IMAGES:
        image = torch.rand(3, 8, 8)
        label = network(weights, image[None])[0].argmax()
        exact = {norm: deepfool(double, norm, image.double(), label) for norm in found}
        single = {norm: deepfool(weights, norm, image, label) for norm in found}
        if all((single[norm][0] - exact[norm][0]).abs().max() < 1e-5 for norm in found):
            images.append(image)
            for norm, result in exact.items():
                found[norm].append(result)
    tensors = dict(weights, images=torch.stack(images))
    for norm, results in found.items():
        print(norm, "steps", [steps for _, steps in results])
        tensors[f"{norm}.adversarial"] = torch.stack([x for x, _ in results]).float()
    default = pathlib.Path(__file__).parent / "deepfool_reference.safetensors"
    write_safetensors(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default, tensors)


if __name__ == "__main__":
    main()
