"""Write two small files with the safetensors package, for tests/checkpoint/safetensors_test.cpp."""

import pathlib

import torch
from safetensors.torch import save_file

here = pathlib.Path(__file__).parent
# The part that the native writer must reproduce byte for byte.
plain = {
    "b.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4,
    "a.bias": torch.tensor([1.5, -2.0]),
    "position_ids": torch.arange(4),
}
narrow = {"half": torch.tensor([0.5, -3.0]).half(), "brain": torch.tensor([[0.25]]).bfloat16()}
save_file(plain, here / "safetensors_plain.safetensors", metadata={"format": "pt"})
save_file(narrow, here / "safetensors_narrow.safetensors", metadata={"format": "pt"})
