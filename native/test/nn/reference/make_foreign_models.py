"""Writes models as users bring them, and what PyTorch says of them (foreign_reference.safetensors):

script_model.pt             torch.jit.script, saved in training mode: BatchNorm, dropout; expects mean 0.5 and std 0.25
script_train_mode.pt        the same traced in training mode: dropout is part of the program
script_state_dict.pt        torch.save of its state_dict: no program
plain_state_dict.safetensors  a PreAct ResNet as Fast adversarial training has it: prefix `module.`, buffers mu and sigma

The script models tell the three classes of the tests' tiny images (1x8x8) apart. Made with PyTorch 2.11.0.

Usage: python make_foreign_models.py [FOLDER]
"""

import pathlib
import sys
import zipfile

import torch
import torch.nn.functional as F
from torch import nn

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "attack" / "reference"))
from make_pgd_reference import write_safetensors  # noqa: E402


class Script(nn.Module):
    """Class c is bright in columns 2c to 2c + 2."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(2)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(2 * 64, 3)
        nn.init.uniform_(self.norm.running_mean, -0.2, 0.2)
        nn.init.uniform_(self.norm.running_var, 0.5, 1.5)
        with torch.no_grad():
            self.conv.weight.mul_(0.2)[:, 0, 1, 1] += 1
            weight = torch.zeros(3, 2, 8, 8)
            for c in range(3):
                weight[c, :, :, 2 * c : 2 * c + 3] = 0.1
            self.head.weight.copy_(weight.flatten(1) - weight.mean(0).flatten())

    def forward(self, x):
        return self.head(self.drop(F.silu(self.norm(self.conv(x)))).flatten(1))


class PlainBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        for i, (width, step) in enumerate([(inputs, stride), (outputs, 1)], start=1):
            self.add_module(f"bn{i}", nn.BatchNorm2d(width))
            self.add_module(f"conv{i}", nn.Conv2d(width, outputs, 3, step, 1, bias=False))
        projected = stride != 1 or inputs != outputs
        self.shortcut = nn.Sequential(*[nn.Conv2d(inputs, outputs, 1, stride, bias=False)] * projected)

    def forward(self, x):
        shortcut = self.shortcut(x)
        return self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x)))))) + shortcut


class PlainResNet(nn.Module):
    def __init__(self, width=4, classes=5):
        super().__init__()
        self.register_buffer("mu", torch.tensor([0.5, 0.4, 0.3]).view(1, 3, 1, 1))
        self.register_buffer("sigma", torch.tensor([0.2, 0.25, 0.3]).view(1, 3, 1, 1))
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.layer1 = nn.Sequential(PlainBlock(width, width, 1))
        self.layer2 = nn.Sequential(PlainBlock(width, 2 * width, 2))
        self.linear = nn.Linear(2 * width, classes)

    def forward(self, x):
        out = self.layer2(self.layer1(self.conv1((x - self.mu) / self.sigma)))
        return self.linear(F.avg_pool2d(out, 4).flatten(1))


def save(script, path):
    """Without the debug records, which name the files of the machine that it was written on."""
    script.save(path)
    with zipfile.ZipFile(path) as archive:
        records = [(item, archive.read(item)) for item in archive.infolist() if not item.filename.endswith(".debug_pkl")]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for item, content in records:
            archive.writestr(item.filename, content)


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    torch.manual_seed(0)
    script, plain = Script(), PlainResNet()
    for module in plain.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    save(torch.jit.script(script.train()), folder / "script_model.pt")
    save(
        torch.jit.trace(script.train(), torch.rand(2, 1, 8, 8), check_trace=False), folder / "script_train_mode.pt"
    )
    torch.save(script.state_dict(), folder / "script_state_dict.pt")
    write_safetensors(
        folder / "plain_state_dict.safetensors",
        {f"module.{name}": tensor for name, tensor in plain.state_dict().items()},
    )
    # Tracing in training mode has moved the running statistics: what was saved first counts.
    script = torch.jit.load(folder / "script_model.pt").eval()
    plain.eval()
    images = torch.rand(4, 1, 8, 8, requires_grad=True)
    logits = script((images - 0.5) / 0.25)
    (gradient,) = torch.autograd.grad(F.cross_entropy(logits, torch.tensor([0, 1, 2, 0]), reduction="sum"), images)
    colours = torch.rand(4, 3, 8, 8)
    write_safetensors(
        folder / "foreign_reference.safetensors",
        {
            "script.images": images.detach(),
            "script.logits": logits.detach(),
            "script.gradient": gradient,
            "plain.images": colours,
            "plain.logits": plain(colours).detach(),
        },
    )


main()
