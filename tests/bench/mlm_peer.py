#!/usr/bin/env python3
"""Pretrain with PyTorch and Hugging Face from hpml's step-0 weights on the same masked tokens: the peer of
hpml_pretrain's loss.

The order of the samples and their masks are computed anew from the documented counters (corpus_reader.py), not
taken from hpml. The head runs on the masked positions only, as hpml's does; the loss is the same mean. Dropout is
off. Prints one JSON line with the validation loss at the end.

    hpml_pretrain ... --steps 0 --run START      # writes the first weights
    mlm_peer.py --data SHARDS --start START/checkpoints/step-00000000 --optimizer adamw --learning-rate 1e-3 \\
                --steps 635 --warmup 60 --batch 32 --seed 42
"""
import argparse
import json
import time

import torch
from transformers import AutoConfig, BertForMaskedLM, MegatronBertForMaskedLM, RobertaForMaskedLM

import corpus_reader

VALIDATION_SEED = 42  # of the validation's masks, whatever the run's


class Lamb(torch.optim.Optimizer):
    """LAMB as the paper has it (You et al. 2020, algorithm 2), in plain PyTorch."""

    def __init__(self, groups, lr, betas, eps):
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    state.update(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p))
                state["t"] += 1
                state["m"].lerp_(p.grad, 1 - beta1)
                state["v"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                update = (state["m"] / (1 - beta1 ** state["t"])) / (
                    (state["v"] / (1 - beta2 ** state["t"])).sqrt() + group["eps"]) + group["weight_decay"] * p
                weight_norm, update_norm = p.norm(), update.norm()
                ratio = weight_norm / update_norm if weight_norm > 0 and update_norm > 0 else 1.0
                p.sub_(group["lr"] * ratio * update)


def load_model(folder):
    config = AutoConfig.from_pretrained(folder)
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    kind = {"bert": BertForMaskedLM, "megatron-bert": MegatronBertForMaskedLM,
            "roberta": RobertaForMaskedLM}[config.model_type]
    return kind.from_pretrained(folder, config=config)


def batch_loss(model, rows):
    """Sum of the losses of `rows` (as corpus_reader gives them) and how many positions they mask. Short rows are
    padded and hidden from attention; the head runs on the masked positions only."""
    length = max(len(row["tokens"]) for row in rows)
    tokens = torch.full((len(rows), length), model.config.pad_token_id, dtype=torch.long)
    mask = torch.zeros(len(rows), length, dtype=torch.long)
    positions, labels = [], []
    for i, row in enumerate(rows):
        tokens[i, :len(row["tokens"])] = torch.from_numpy(row["tokens"]).long()
        mask[i, :len(row["tokens"])] = 1
        positions.append(torch.from_numpy(row["positions"]) + i * length)
        labels.append(torch.from_numpy(row["labels"]).long())
    hidden = model.base_model(input_ids=tokens, attention_mask=None if bool(mask.all()) else mask).last_hidden_state
    head = model.lm_head if model.config.model_type == "roberta" else model.cls
    logits = head(hidden.reshape(-1, hidden.shape[-1])[torch.cat(positions)])
    labels = torch.cat(labels)
    return torch.nn.functional.cross_entropy(logits, labels, reduction="sum"), len(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--start", required=True)
    parser.add_argument("--optimizer", choices=["adamw", "lamb"], default="adamw")
    parser.add_argument("--learning-rate", type=float, required=True)
    parser.add_argument("--beta2", type=float, default=0.98)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--epsilon", type=float, default=1e-6)
    parser.add_argument("--clip-norm", type=float, default=1.0)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--warmup", type=int, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--report-every", type=int, default=50)
    args = parser.parse_args()
    rows = corpus_reader.Rows(args.data)
    special = corpus_reader.read_special(args.data)
    model = load_model(args.start)
    named = list(model.named_parameters())
    no_decay = [p for n, p in named if n.endswith("bias") or "LayerNorm" in n or ".ln." in n or "layer_norm" in n]
    decay = [p for n, p in named if all(p is not other for other in no_decay)]
    groups = [{"params": decay, "weight_decay": args.weight_decay}, {"params": no_decay, "weight_decay": 0.0}]
    if args.optimizer == "adamw":
        optimizer = torch.optim.AdamW(groups, lr=args.learning_rate, betas=(0.9, args.beta2), eps=args.epsilon)
    else:
        optimizer = Lamb(groups, args.learning_rate, (0.9, args.beta2), args.epsilon)

    def factor(step):
        if step < args.warmup:
            return step / args.warmup
        return max(0.0, (args.steps - step) / (args.steps - args.warmup))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    started = time.monotonic()
    for step in range(args.steps):
        loss, count = batch_loss(model, corpus_reader.global_batch(rows, step, args.batch, args.seed, special))
        (loss / count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip_norm)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step < 3 or (step + 1) % args.report_every == 0:
            print(json.dumps({"step": step + 1, "loss": round(loss.item() / count, 5),
                              "seconds": round(time.monotonic() - started, 1)}), flush=True)
    validation = corpus_reader.validation_batch(corpus_reader.Rows(args.data, "validation"), VALIDATION_SEED, special)
    total, count = 0.0, 0
    with torch.no_grad():
        for first in range(0, len(validation), args.batch):
            loss, n = batch_loss(model, validation[first:first + args.batch])
            total, count = total + loss.item(), count + n
    print(json.dumps({"validation_loss": round(total / count, 4), "masked_tokens": count,
                      "seconds": round(time.monotonic() - started, 1)}))


if __name__ == "__main__":
    main()
