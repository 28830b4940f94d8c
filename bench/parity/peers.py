"""Attacks of other packages on a network of ours; the peer of run.mjs.

    python peers.py TASK   ->   one line of JSON

Each attack of the task sees the images that those before it left standing. An image withstood when the network, in a
forward pass of its own, classifies what the attack returned correctly, or when that left the ball. The official
AutoAttack is imported from wherever it is installed.
"""
import contextlib
import importlib.metadata
import json
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "speed"))
from network import PreActResNet, load  # noqa: E402

task = json.loads(sys.argv[1])
NORM, EPS, BATCH = task["norm"], task["eps"], task["batch"]
torch.set_num_threads(task["threads"])
torch.manual_seed(0)

net = PreActResNet(task["model"]["depths"], task["model"]["width"], task["model"]["activation"])
load(net, task["weights"])
net.eval().requires_grad_(False)
with open(task["images"], "rb") as file:
    images = torch.frombuffer(bytearray(file.read()), dtype=torch.uint8).view(-1, 3, 32, 32) / 255
labels = torch.tensor(task["labels"])


def torchattacks_attack(name):
    import torchattacks

    return {
        "fgsm": lambda: torchattacks.FGSM(net, eps=EPS),
        "pgd": lambda: torchattacks.PGD(net, eps=EPS, alpha=EPS / 4, steps=20, random_start=False),
        "mi-fgsm": lambda: torchattacks.MIFGSM(net, eps=EPS, alpha=EPS / 10, steps=10, decay=1.0),
        "cw-l2": lambda: torchattacks.CW(net, c=1, steps=50, lr=0.01),
    }[name]()


def foolbox_attack(name):
    import foolbox

    model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
    attack = {
        "fgsm": lambda: foolbox.attacks.LinfFastGradientAttack(random_start=False),
        "pgd": lambda: foolbox.attacks.LinfPGD(abs_stepsize=EPS / 4, steps=20, random_start=False),
        "deepfool": lambda: foolbox.attacks.LinfDeepFoolAttack(steps=50, candidates=10, overshoot=0.02, loss="logits"),
        "cw-l2": lambda: foolbox.attacks.L2CarliniWagnerAttack(steps=50, stepsize=0.01),
    }[name]()
    # With no epsilon the image is as it was found: it is not cut to the ball.
    epsilon = None if name in ("deepfool", "cw-l2") else EPS
    return lambda x, y: attack(model, x, foolbox.criteria.Misclassification(y), epsilons=epsilon)[1]


def autoattack_attack(name):
    from autoattack import AutoAttack

    norm, version = {"linf": "Linf", "l2": "L2", "l1": "L1"}[NORM], task["version"]
    whole = AutoAttack(net, norm=norm, eps=EPS, seed=0, verbose=False, version=version, device="cpu")
    if NORM == "l1":
        # As in the other norms and in ours: one climb within the ball, 9 targets.
        whole.apgd.n_restarts, whole.apgd_targeted.n_target_classes = 1, 9
        whole.apgd.use_largereps = whole.apgd_targeted.use_largereps = False
    whole.attacks_to_run = [name]
    return lambda x, y: whole.run_standard_evaluation(x, y, bs=len(x))


def correct(x, y):
    with torch.no_grad():
        return net(x).argmax(1) == y


def attacked(attack, x, y):
    """Which of the images withstand."""
    found = attack(x, y).detach()
    order = {"linf": float("inf"), "l2": 2, "l1": 1}[NORM]
    # A sum over all pixels rounds more than a largest entry.
    outside = torch.linalg.vector_norm((found - x).flatten(1), order, 1) > EPS + 1e-6 * max(1, EPS)
    return correct(found, y) | outside


make = {"torchattacks": torchattacks_attack, "foolbox": foolbox_attack, "autoattack": autoattack_attack}
# Packages print warnings where the answer belongs.
with contextlib.redirect_stdout(sys.stderr):
    started = time.process_time()
    standing = torch.cat([correct(x, y) for x, y in zip(images.split(BATCH), labels.split(BATCH))])
    stages = []
    for name in task["attacks"]:
        attack = make[task["peer"]](name)
        # An empty tensor splits into one empty batch.
        for rows in filter(len, standing.nonzero().squeeze(1).split(BATCH)):
            standing[rows] = attacked(attack, images[rows], labels[rows])
        stages.append("".join("1" if one else "0" for one in standing.tolist()))
    seconds = time.process_time() - started

try:
    version = importlib.metadata.version(task["peer"])
except importlib.metadata.PackageNotFoundError:
    version = "from its repository"
print(json.dumps({"stages": stages, "cpuSeconds": seconds, "version": version, "torch": torch.__version__}))
