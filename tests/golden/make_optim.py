"""100 steps of each optimizer by torch.optim, transformers' Adafactor and a plain LAMB, written to
optim_100_steps.txt for tests/optim/golden_test.cpp. Parameters and gradients are small exact
fractions that both sides make from the same formulas."""

import math
import pathlib

import torch
from transformers.optimization import Adafactor

SHAPES = [(12, 10), (7,), (1,), (3, 4, 5), (130, 80)]
STEPS = 100
LEARNING_RATE = 0.01
KEPT = 64  # of each parameter, to keep the file small


def count(shape):
    return math.prod(shape)


def start():
    parameters, offset = [], 0
    for shape in SHAPES:
        i = torch.arange(offset, offset + count(shape))
        parameters.append((((i * 53) % 97 - 48).float() / 32).reshape(shape).requires_grad_())
        offset += count(shape)
    return parameters


def set_gradients(parameters, t):
    offset = 0
    for parameter in parameters:
        i = torch.arange(offset, offset + parameter.numel())
        value = ((i * 37 + t * 101) % 211 - 105).float() / 64 * 2.0 ** -(i % 5).float()
        parameter.grad = value.reshape(parameter.shape)
        offset += parameter.numel()


class ReferenceLamb:
    """Algorithm 2 of You et al. in plain torch operations."""

    def __init__(self, parameters, decay, clamp=None, exclude=False, correct=True):
        self.parameters, self.decay, self.clamp = parameters, decay, clamp
        self.exclude, self.correct, self.t = exclude, correct, 0
        self.m = [torch.zeros_like(p) for p in parameters]
        self.v = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self):
        self.t += 1
        b1, b2, eps = 0.9, 0.999, 1e-6
        c1, c2 = (1 - b1**self.t, 1 - b2**self.t) if self.correct else (1, 1)
        for p, m, v in zip(self.parameters, self.m, self.v):
            decay = self.decay if p.dim() > 1 else 0.0
            m.mul_(b1).add_(p.grad, alpha=1 - b1)
            v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
            u = (m / c1) / ((v / c2).sqrt() + eps) + decay * p
            w_norm, u_norm = p.double().norm().item(), u.double().norm().item()
            ratio = w_norm / u_norm if w_norm > 0 and u_norm > 0 else 1.0
            if self.clamp and w_norm > 0 and u_norm > 0:
                ratio = min(max(ratio, self.clamp[0]), self.clamp[1])
            if self.exclude and decay == 0.0:
                ratio = 1.0
            p.sub_(u, alpha=LEARNING_RATE * ratio)


def groups(parameters, decay):
    return [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]


def torch_adam(kind):
    return lambda p: kind(groups(p, 0.01), lr=LEARNING_RATE, betas=(0.9, 0.98), eps=1e-6)


def adafactor(decay=0.0, **options):
    return lambda p: Adafactor(groups(p, decay), **options)


def fixed(**options):
    return dict(lr=LEARNING_RATE, relative_step=False, scale_parameter=False, **options)


CASES = {
    "adamw": torch_adam(torch.optim.AdamW),
    "adam": torch_adam(torch.optim.Adam),
    "lamb": lambda p: ReferenceLamb(p, 0.01),
    "lamb_clamped": lambda p: ReferenceLamb(p, 0.01, clamp=(0.01, 0.3)),
    "lamb_excluded": lambda p: ReferenceLamb(p, 0.01, exclude=True),
    "lamb_uncorrected": lambda p: ReferenceLamb(p, 0.0, correct=False),
    "adafactor": adafactor(0.01, **fixed()),
    "adafactor_momentum": adafactor(0.01, **fixed(beta1=0.9)),
    "adafactor_relative": adafactor(relative_step=True, scale_parameter=True, warmup_init=False),
    "adafactor_warmup": adafactor(relative_step=True, scale_parameter=True, warmup_init=True),
    "adamw_clipped": torch_adam(torch.optim.AdamW),
}


def main():
    lines = []
    for name, make in CASES.items():
        parameters = start()
        optimizer = make(parameters)
        for t in range(STEPS):
            set_gradients(parameters, t)
            if name.endswith("clipped"):
                torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
        kept = torch.cat([p.detach().flatten()[:KEPT] for p in parameters])
        lines.append(name + " " + " ".join(f"{value:.9g}" for value in kept.tolist()))
    path = pathlib.Path(__file__).with_name("optim_100_steps.txt")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
