#!/usr/bin/env python3
"""Load what hpml_finetune left with Hugging Face transformers and predict dev again.

Passes if every dev example gets the same label (STS-B: a score within 1e-4). Tokenizer, weights and
configuration all come from RUN/model by from_pretrained.

    jobs/bootstrap.sh --peers          # makes the Python environment
    compare_with_hf.py --run RUN --data GLUE/MRPC --task mrpc
"""
import argparse
import json
import sys

import torch
from transformers import (AutoModelForSequenceClassification, AutoTokenizer, BertForSequenceClassification,
                          BertTokenizerFast)

from glue_peer import COLUMNS, batches, read_task


def ours(path):
    with open(path, encoding="utf-8") as file:
        next(file)
        cells = [line.rstrip("\n").split("\t") for line in file]
    return [row[1] for row in cells], torch.tensor([[float(x) for x in row[3:]] for row in cells])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--task", required=True, choices=COLUMNS)
    args = parser.parse_args()
    folder = f"{args.run}/model"
    with open(f"{args.run}/settings.json", encoding="utf-8") as file:
        settings = json.load(file)
    with open(f"{folder}/config.json", encoding="utf-8") as file:
        family = json.load(file)["model_type"]
    # Megatron-BERT has no tokenizer of its own.
    tokenizer = (AutoTokenizer if family == "roberta" else BertTokenizerFast).from_pretrained(folder)
    loader = BertForSequenceClassification if family == "bert" else AutoModelForSequenceClassification
    model, report = loader.from_pretrained(folder, output_loading_info=True)
    for key in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if report[key]:
            sys.exit(f"FAILED: {key}: {report[key]}")
    model.eval()
    rows = read_task(f"{args.data}/dev.tsv", args.task)
    with torch.no_grad():
        logits = torch.cat([model(**encoded).logits for encoded, _ in batches(
            rows, list(range(len(rows))), 64, tokenizer, settings["max_sequence_length"])])
    labels, outputs = ours(f"{args.run}/dev_predictions.tsv")
    if logits.shape != outputs.shape:
        sys.exit(f"FAILED: {tuple(outputs.shape)} outputs in the run, {tuple(logits.shape)} from Hugging Face")
    largest = (logits - outputs).abs().max().item()
    if args.task == "stsb":
        different = int(((logits - outputs).abs() > 1e-4).sum())
    else:
        different = sum(int(label) != int(row.argmax()) for label, row in zip(labels, logits))
    print(json.dumps({"task": args.task, "examples": len(rows), "different": different,
                      "largest_output_difference": largest}))
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
