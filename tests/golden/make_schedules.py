"""Learning rates and momenta of torch.optim.lr_scheduler and transformers, written to schedules.txt for
tests/optim/schedule_test.cpp: a name, then the values of steps 0, 1, ..."""

import pathlib

import torch
from torch.optim import lr_scheduler
from transformers import optimization

PEAK, WARMUP, TOTAL = 10.0, 5, 40


def optimizer(rate=PEAK):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate, momentum=0.9)


def follow(sgd, scheduler, key, steps=TOTAL):
    values = []
    for _ in range(steps):
        values.append(sgd.param_groups[0][key])
        sgd.step()
        scheduler.step()
    return values


def hugging_face(make, *arguments, steps=TOTAL + 5, **options):
    sgd = optimizer()
    return follow(sgd, make(sgd, *arguments, **options), "lr", steps)


def torch_schedule(make, **options):
    sgd = optimizer()
    return follow(sgd, make(sgd, **options), "lr")


def one_cycle(key, **options):
    sgd = optimizer()
    scheduler = lr_scheduler.OneCycleLR(sgd, max_lr=PEAK, total_steps=TOTAL + 1, **options)
    return follow(sgd, scheduler, key, TOTAL + 1)[: TOTAL + 1]


def wsd(decay, least=0.0):
    return hugging_face(
        optimization.get_wsd_schedule,
        num_warmup_steps=WARMUP,
        num_decay_steps=8,
        num_stable_steps=TOTAL - WARMUP - 8,
        decay_type=decay,
        min_lr_ratio=least,
    )


def main():
    hf = optimization
    cases = {
        "linear": hugging_face(hf.get_linear_schedule_with_warmup, WARMUP, TOTAL),
        "constant": hugging_face(hf.get_constant_schedule_with_warmup, WARMUP),
        "cosine": hugging_face(hf.get_cosine_schedule_with_warmup, WARMUP, TOTAL, steps=TOTAL),
        "cosine_restarts": hugging_face(
            hf.get_cosine_with_hard_restarts_schedule_with_warmup, WARMUP, TOTAL, num_cycles=3
        ),
        "cosine_end": hugging_face(
            hf.get_cosine_with_min_lr_schedule_with_warmup, WARMUP, TOTAL, min_lr=1.0, steps=TOTAL
        ),
        "polynomial": hugging_face(
            hf.get_polynomial_decay_schedule_with_warmup, WARMUP, TOTAL, lr_end=0.5, power=2.0
        ),
        "inverse_sqrt": hugging_face(hf.get_inverse_sqrt_schedule, WARMUP),
        "wsd_linear": wsd("linear"),
        "wsd_cosine": wsd("cosine"),
        "wsd_1-sqrt": wsd("1-sqrt"),
        "exponential": torch_schedule(lr_scheduler.ExponentialLR, gamma=0.97),
        "step": torch_schedule(lr_scheduler.StepLR, step_size=7, gamma=0.5),
    }
    for name, options in {
        "one_cycle": {},
        "one_cycle_linear": {"anneal_strategy": "linear"},
        "one_cycle_three": {"three_phase": True, "div_factor": 10, "final_div_factor": 100},
    }.items():
        cases[name] = one_cycle("lr", **options)[:TOTAL]
        cases[name + "_momentum"] = one_cycle("momentum", **options)[:TOTAL]
    lines = [f"{name} " + " ".join(f"{v:.17g}" for v in values) for name, values in cases.items()]
    path = pathlib.Path(__file__).with_name("schedules.txt")
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
