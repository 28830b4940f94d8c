"""Writes pytorch_logits.json: what PyTorch computes with the model files beside this script, read by the loader of
examples/pytorch. Made with PyTorch 2.11.0 and safetensors 0.8.0.

Usage: python test/native/reference/make_pytorch_logits.py
"""

import json
import pathlib
import sys

import torch

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "examples" / "pytorch"))
from networks import build, load  # noqa: E402

pixels = (torch.arange(5 * 2 * 9 * 7) * 6151 % 256).view(5, 2, 9, 7) / 255
with torch.no_grad():
    networks = {path.stem: load(path, build(path)) for path in sorted(HERE.glob("*.safetensors"))}
    logits = {name: network(pixels).flatten().tolist() for name, network in networks.items()}
(HERE / "pytorch_logits.json").write_text(json.dumps(logits, indent=2) + "\n")
