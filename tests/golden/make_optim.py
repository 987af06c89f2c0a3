"""100 steps of each optimizer by torch.optim, transformers' Adafactor and a plain LAMB (also as apex's
and DeepSpeed's FusedLAMB define it), written to
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
    """Algorithm 2 of You et al. in plain torch operations; max_grad_norm and averaging as apex has
    them, narrow keeps the first moment as bfloat16."""

    def __init__(self, parameters, decay, clamp=None, exclude=False, correct=True,
                 max_grad_norm=0.0, averaging=True, narrow=False):
        self.parameters, self.decay, self.clamp = parameters, decay, clamp
        self.exclude, self.correct, self.t = exclude, correct, 0
        self.max_grad_norm, self.averaging, self.narrow = max_grad_norm, averaging, narrow
        self.m = [torch.zeros_like(p) for p in parameters]
        self.v = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self):
        self.t += 1
        b1, b2, eps = 0.9, 0.999, 1e-6
        c1, c2 = (1 - b1**self.t, 1 - b2**self.t) if self.correct else (1, 1)
        norm = math.sqrt(sum(p.grad.double().square().sum().item() for p in self.parameters))
        divisor = max(1.0, norm / self.max_grad_norm) if self.max_grad_norm else 1.0
        for p, m, v in zip(self.parameters, self.m, self.v):
            decay = self.decay if p.dim() > 1 else 0.0
            g = p.grad / divisor
            if self.narrow:  # no fused operation: the rounding must be that of the formula
                m.copy_((m * b1 + g * (1 - b1)).bfloat16())
            else:
                m.mul_(b1).add_(g, alpha=1 - b1 if self.averaging else 1.0)
            v.mul_(b2).addcmul_(g, g, value=1 - b2)
            u = (m / c1) / ((v / c2).sqrt() + eps) + decay * p
            w_norm, u_norm = p.double().norm().item(), u.double().norm().item()
            ratio = w_norm / u_norm if w_norm > 0 and u_norm > 0 else 1.0
            if self.clamp and w_norm > 0 and u_norm > 0:
                ratio = min(max(ratio, self.clamp[0]), self.clamp[1])
            if self.exclude and decay == 0.0:
                ratio = 1.0
            p.sub_(u, alpha=LEARNING_RATE * ratio)


class NarrowAdamW:
    """AdamW whose first moment is kept as bfloat16."""

    def __init__(self, parameters):
        self.parameters, self.t = parameters, 0
        self.m = [torch.zeros_like(p).bfloat16() for p in parameters]
        self.v = [torch.zeros_like(p) for p in parameters]

    @torch.no_grad()
    def step(self):
        self.t += 1
        b1, b2, eps = 0.9, 0.98, 1e-6
        for p, narrow, v in zip(self.parameters, self.m, self.v):
            p.mul_(1 - LEARNING_RATE * (0.01 if p.dim() > 1 else 0.0))
            m = narrow.float() * b1 + p.grad * (1 - b1)
            narrow.copy_(m)
            v.mul_(b2).addcmul_(p.grad, p.grad, value=1 - b2)
            divisor = (v / (1 - b2**self.t)).sqrt() + eps
            p.sub_(m / divisor, alpha=LEARNING_RATE / (1 - b1**self.t))


class MuonAndAdamW:
    """torch.optim.Muon for the matrices, torch.optim.AdamW for the rest."""

    def __init__(self, parameters, **options):
        matrices = [p for p in parameters if p.dim() == 2]
        others = [p for p in parameters if p.dim() != 2]
        self.parts = [
            torch.optim.Muon(matrices, lr=LEARNING_RATE, weight_decay=0.01, **options),
            torch_adam(torch.optim.AdamW)(others),
        ]

    def step(self):
        for part in self.parts:
            part.step()


def torch_sgd(**options):
    return lambda p: torch.optim.SGD(groups(p, 0.01), lr=LEARNING_RATE, **options)


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
    "adamw_narrow": NarrowAdamW,
    "lamb_apex": lambda p: ReferenceLamb(p, 0.01, exclude=True, max_grad_norm=1.0),
    "lamb_deepspeed": lambda p: ReferenceLamb(p, 0.01, clamp=(0.01, 10.0), correct=False),
    "lamb_not_averaging": lambda p: ReferenceLamb(p, 0.01, averaging=False),
    "lamb_narrow": lambda p: ReferenceLamb(p, 0.01, narrow=True),
    "sgd": torch_sgd(momentum=0.9),
    "sgd_nesterov": torch_sgd(momentum=0.9, nesterov=True),
    "sgd_plain": torch_sgd(),
    "muon": lambda p: MuonAndAdamW(p, adjust_lr_fn="match_rms_adamw"),
    "muon_original": lambda p: MuonAndAdamW(p, nesterov=False),
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
