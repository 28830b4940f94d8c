"""Writes cw_l2_reference.safetensors: what CW-L2 in PyTorch finds on the network of make_pgd_reference.py.

CW-L2 is written here from Carlini & Wagner 2017 (https://arxiv.org/abs/1608.04644): torch.optim.Adam in tanh space on
|x' - x|^2 + c * max(0, -margin), times ten until something is found, then bisection of c. An image of a search step stops
on its own, when its loss has stalled over a tenth of the steps. The script refuses to write a fixture in which stopping
or the boundary hangs on rounding. Made with PyTorch 2.11.0, seed 0.

Usage: python make_cw_l2_reference.py [OUTPUT]
"""

import pathlib
import sys

import torch
from make_pgd_reference import IMAGES, losses, network, random_weights, write_safetensors

STEPS, SEARCH_STEPS = 60, 5
FIRST_C, LEARNING_RATE = 0.1, 0.01


def search_step(weights, images, labels, c, adversarial, best):
    """Improves adversarial and best (squared distances) in place; returns which images were fooled at all."""
    w = torch.atanh((2 * images - 1) * 0.999999).requires_grad_()
    adam = torch.optim.Adam([w], lr=LEARNING_RATE)
    active = torch.ones(len(images), dtype=torch.bool)
    found = ~active
    previous = torch.full_like(c, float("inf"))
    for number in range(1, STEPS + 1):
        x = (w.tanh() + 1) / 2
        square = (x - images).square().flatten(1).sum(1)
        margin = losses("margin", network(weights, x), labels)
        assert (margin[active].abs() > 1e-6).all(), "the boundary hangs on rounding: choose another seed"
        fooled = active & (margin > 0)
        better = fooled & (square < best)
        adversarial[better], best[better] = x[better].detach(), square[better].detach()
        found |= fooled
        loss = square + c * (-margin).clamp(min=0)
        adam.zero_grad()
        loss.sum().backward()
        adam.step()
        if number % (STEPS // 10) == 0:
            change = (loss.detach() / previous - 0.9999)[active]
            assert (change.abs() > 1e-6).all(), "stopping hangs on rounding: choose another seed"
            active = active & (loss.detach() <= 0.9999 * previous)
            previous = loss.detach()
    return found


def cw_l2(weights, images, labels):
    adversarial = images.clone()
    best = torch.full((IMAGES,), float("inf"))
    c, low, high = torch.full_like(best, FIRST_C), torch.zeros_like(best), best.clone()
    for _ in range(SEARCH_STEPS):
        found = search_step(weights, images, labels, c, adversarial, best)
        high = torch.where(found, torch.minimum(high, c), high)
        low = torch.where(found, low, torch.maximum(low, c))
        c = torch.where(high.isfinite(), (low + high) / 2, 10 * c)
    return adversarial, best.sqrt()


def main():
    torch.manual_seed(0)
    weights = random_weights()
    images = torch.rand(IMAGES, 3, 8, 8)
    labels = network(weights, images).argmax(1)
    adversarial, distance = cw_l2(weights, images, labels)
    print(int(distance.isfinite().sum()), "of", IMAGES, "found, median distance", float(distance.median()))
    tensors = dict(weights, images=images, labels=labels, adversarial=adversarial, distance=distance)
    default = pathlib.Path(__file__).parent / "cw_l2_reference.safetensors"
    write_safetensors(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default, tensors)


if __name__ == "__main__":
    main()
