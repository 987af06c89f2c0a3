#!/usr/bin/env python3
"""Time whole training steps of Hugging Face's BertForMaskedLM (sdpa, fused AdamW) under torch DDP over gloo: the
peer of `hpml_bench step`. Full rows of random tokens, 15 % masked, fp32, no dropout. Started by torchrun-like
environment variables (run.sh sets RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT); rank 0 prints one JSON line.
"""
import argparse
import json
import os
import statistics
import time

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from transformers import BertConfig, BertForMaskedLM

SHAPES = {"tiny": (2, 128), "mini": (4, 256), "small": (4, 512), "medium": (8, 512), "base": (12, 768)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", choices=SHAPES, default="base")
    parser.add_argument("--micro-batch", type=int, default=8)
    parser.add_argument("--accumulation", type=int, default=1)
    parser.add_argument("--sequence-length", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--warmup-steps", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    dist.init_process_group("gloo")
    torch.manual_seed(1 + dist.get_rank())
    layers, hidden = SHAPES[args.model]
    config = BertConfig(vocab_size=30522, num_hidden_layers=layers, hidden_size=hidden,
                        num_attention_heads=hidden // 64, intermediate_size=4 * hidden, hidden_dropout_prob=0.0,
                        attention_probs_dropout_prob=0.0, attn_implementation="sdpa")
    model = DistributedDataParallel(BertForMaskedLM(config))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01, fused=True)
    seconds = []
    for step in range(args.warmup_steps + args.steps):
        batches = []
        for _ in range(args.accumulation):
            ids = torch.randint(config.vocab_size, (args.micro_batch, args.sequence_length))
            labels = torch.where(torch.rand(ids.shape) < 0.15, ids, torch.full_like(ids, -100))
            batches.append((ids, labels))
        dist.barrier()
        started = time.monotonic()
        for i, (ids, labels) in enumerate(batches):
            model.require_backward_grad_sync = i == args.accumulation - 1
            (model(input_ids=ids, labels=labels).loss / args.accumulation).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        elapsed = torch.tensor(time.monotonic() - started)
        dist.all_reduce(elapsed, dist.ReduceOp.MAX)
        if step >= args.warmup_steps:
            seconds.append(elapsed.item())
    if dist.get_rank() == 0:
        median = statistics.median(seconds)
        tokens = args.micro_batch * args.accumulation * args.sequence_length * dist.get_world_size()
        print(json.dumps({"median_seconds": round(median, 4), "tokens_per_second": round(tokens / median, 1)}))
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
