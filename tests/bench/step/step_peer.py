#!/usr/bin/env python3
"""Time whole training steps of Hugging Face's BertForMaskedLM (sdpa, fused AdamW) under torch DDP over gloo: the
peer of `hpml_bench step --exchange FOLDER`, from the same first weights on the same batches. Rows of different length
are padded to the longest of their batch. Started by torchrun-like environment variables (run.sh sets RANK,
WORLD_SIZE, MASTER_ADDR, MASTER_PORT); rank 0 prints one JSON line.
"""
import argparse
import contextlib
import json
import os
import statistics
import time

import torch
import torch.distributed as dist
from safetensors.torch import load_file
from torch.nn.parallel import DistributedDataParallel
from transformers import BertForMaskedLM


def padded(batch, name):
    """input_ids, labels and attention_mask of one micro-batch; no mask where nothing is padded."""
    lengths = batch[name + "lengths"].tolist()
    labels = torch.full_like(batch[name + "tokens"], -100)
    labels[batch[name + "positions"]] = batch[name + "labels"]
    rows = torch.nn.utils.rnn.pad_sequence(batch[name + "tokens"].split(lengths), batch_first=True)
    targets = torch.nn.utils.rnn.pad_sequence(labels.split(lengths), batch_first=True, padding_value=-100)
    if min(lengths) == max(lengths):
        return {"input_ids": rows, "labels": targets}
    mask = torch.arange(rows.shape[1])[None, :] < torch.tensor(lengths)[:, None]
    return {"input_ids": rows, "labels": targets, "attention_mask": mask.long()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--exchange", required=True)
    parser.add_argument("--accumulation", type=int, default=1)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup-steps", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dist.init_process_group("gloo")
    rank, ranks = dist.get_rank(), dist.get_world_size()
    files = [load_file(f"{args.exchange}/batches-{r}.safetensors") for r in range(ranks)]
    model = BertForMaskedLM.from_pretrained(f"{args.exchange}/model", attn_implementation="sdpa")
    model.train()
    assert model.config.hidden_dropout_prob == 0 and model.config.attention_probs_dropout_prob == 0
    model = DistributedDataParallel(model)
    decayed = [w for n, w in model.named_parameters() if w.ndim > 1]
    others = [w for n, w in model.named_parameters() if w.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
                                  lr=1e-4, eps=1e-6, fused=True)
    cast = torch.autocast("cpu", dtype=torch.bfloat16) if args.precision == "bf16" else contextlib.nullcontext()
    seconds, losses, tokens, slots = [], [], 0, 0
    for step in range(args.warmup_steps + args.steps):
        names = [f"{step}.{micro}." for micro in range(args.accumulation)]
        weight = sum(len(file[name + "labels"]) for file in files for name in names)
        batches = [padded(files[rank], name) for name in names]
        loss_sum = torch.zeros(())
        dist.barrier()
        started = time.monotonic()
        for i, batch in enumerate(batches):
            model.require_backward_grad_sync = i == args.accumulation - 1
            count = len(files[rank][names[i] + "labels"])
            with cast:
                loss = model(**batch).loss
            (loss * (count * ranks / weight)).backward()
            loss_sum += loss.detach() * count
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        elapsed = torch.tensor(time.monotonic() - started)
        dist.all_reduce(elapsed, dist.ReduceOp.MAX)
        dist.all_reduce(loss_sum)
        losses.append(loss_sum.item() / weight)
        if step >= args.warmup_steps:
            seconds.append(elapsed.item())
            tokens += sum(len(file[name + "tokens"]) for file in files for name in names)
            slots += sum(len(file[name + "lengths"]) * int(file[name + "lengths"].max())
                         for file in files for name in names)
    if rank == 0:
        natural = slots != tokens
        step_seconds = sum(seconds) / len(seconds) if natural else statistics.median(seconds)
        print(json.dumps({"median_seconds": statistics.median(seconds),
                          "tokens_per_second": tokens / args.steps / step_seconds,
                          "padded_over_real": slots / tokens, "losses": losses}), flush=True)
    # gloo's threads can wait for each other for minutes when a group is taken down.
    os._exit(0)


if __name__ == "__main__":
    main()
