#!/usr/bin/env python3
"""Fine-tune a BERT folder on one GLUE task with Hugging Face transformers: the peer of hpml_finetune.

The recipe is the one that run_glue.py uses by default and that hpml_finetune repeats: AdamW without weight
decay, linear decay to zero without warm-up, gradient clipping at 1.0, dropout of the configuration, pairs
truncated at the longest first, batches padded to their longest row. Prints one JSON line per seed.

    jobs/bootstrap.sh --peers          # makes the Python environment
    glue_peer.py --model FOLDER --data GLUE/MRPC --task mrpc --seeds 1,2,3
"""
import argparse
import json
import time

import torch
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef
from transformers import AutoConfig, BertForSequenceClassification, BertTokenizerFast

COLUMNS = {  # (sentence, second sentence, label) by column number; header line or not
    "cola": (3, None, 1, False),
    "sst2": (0, None, 1, True),
    "mrpc": (3, 4, 0, True),
    "stsb": (7, 8, 9, True),
}


def read_task(path, task, limit=None):
    first, second, label, header = COLUMNS[task]
    rows = []
    with open(path, encoding="utf-8-sig", newline="\n") as file:
        for number, line in enumerate(file):
            if header and number == 0:
                continue
            cells = line.rstrip("\n").split("\t")
            rows.append((cells[first], cells[second] if second is not None else None, float(cells[label])))
    return rows[:limit]


def batches(rows, order, size, tokenizer, length):
    for start in range(0, len(order), size):
        part = [rows[i] for i in order[start:start + size]]
        pair = [r[1] for r in part] if part[0][1] is not None else None
        encoded = tokenizer([r[0] for r in part], pair, truncation=True, max_length=length,
                            padding=True, return_tensors="pt")
        yield encoded, torch.tensor([r[2] for r in part])


def evaluate(model, rows, task, args, tokenizer):
    model.eval()
    predictions, labels = [], [r[2] for r in rows]
    with torch.no_grad():
        for encoded, _ in batches(rows, list(range(len(rows))), 64, tokenizer, args.max_sequence_length):
            logits = model(**encoded).logits
            predictions += (logits[:, 0] if task == "stsb" else logits.argmax(-1)).tolist()
    if task == "stsb":
        return {"pearson": pearsonr(predictions, labels)[0], "spearmanr": spearmanr(predictions, labels)[0]}
    scores = {"accuracy": accuracy_score(labels, predictions)}
    if task == "mrpc":
        scores["f1"] = f1_score(labels, predictions)
    if task == "cola":
        scores = {"matthews_correlation": matthews_corrcoef(labels, predictions)}
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--task", required=True, choices=COLUMNS)
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--max-sequence-length", type=int, default=128)
    parser.add_argument("--max-train-samples", type=int)
    args = parser.parse_args()
    tokenizer = BertTokenizerFast(vocab=f"{args.model}/vocab.txt", do_lower_case=True)
    train = read_task(f"{args.data}/train.tsv", args.task, args.max_train_samples)
    dev = read_task(f"{args.data}/dev.tsv", args.task)
    for seed in map(int, args.seeds.split(",")):
        torch.manual_seed(seed)
        config = AutoConfig.from_pretrained(args.model, num_labels=1 if args.task == "stsb" else 2)
        model = BertForSequenceClassification.from_pretrained(args.model, config=config)
        optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=0.0, eps=1e-8)
        steps = args.epochs * -(-len(train) // args.batch)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: max(0.0, 1 - s / steps))
        started = time.monotonic()
        for _ in range(args.epochs):
            model.train()
            order = torch.randperm(len(train)).tolist()
            for encoded, labels in batches(train, order, args.batch, tokenizer, args.max_sequence_length):
                labels = labels if args.task == "stsb" else labels.long()
                loss = model(**encoded, labels=labels).loss
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
        seconds = time.monotonic() - started
        print(json.dumps({"seed": seed, "train_seconds": round(seconds, 1), "train_samples": len(train),
                          **{k: round(float(v), 4) for k, v in evaluate(model, dev, args.task, args, tokenizer).items()}}),
              flush=True)


if __name__ == "__main__":
    main()
