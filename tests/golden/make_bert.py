#!/usr/bin/env python3
"""Write tests/golden/bert_*.safetensors and roberta_*.safetensors: small Hugging Face models and what they compute.

Each file holds the weights under Hugging Face's names, one padded batch ("input.*"), and the
expected "output.logits", "output.loss" (summed) and the gradient of every weight ("gradient.NAME").
The keys of config.json stand beside it, as the model saves them.

    make_bert.py                      the six small models, into this folder
    make_bert.py --weights DIR --output PREFIX
                                      the masked-LM model of a Hugging Face folder, for a check by
                                      hand: HPML_GOLDEN_BERT=PREFIX model_test
"""
import argparse
import json
import pathlib

import torch
import transformers as hf
from safetensors.torch import save_file

LENGTHS = [7, 12, 3]
MASKED = [(0, 2), (0, 5), (1, 1), (1, 6), (1, 11), (2, 1)]
SMALL = dict(vocab_size=61, hidden_size=16, num_hidden_layers=2, num_attention_heads=4,
             intermediate_size=32, max_position_embeddings=16, type_vocab_size=2,
             hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)


def batch(config):
    """No padding id within a sequence: RoBERTa would not count its position."""
    longest, pad = max(LENGTHS), config.pad_token_id
    ids = torch.full((len(LENGTHS), longest), pad, dtype=torch.long)
    types = torch.zeros_like(ids)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(LENGTHS):
        ids[row, :length] = torch.randint(pad + 1, config.vocab_size, (length,))
        types[row, length // 2:length] = config.type_vocab_size - 1
        mask[row, :length] = 1
    return ids, types, mask


def flatten(table, mask):
    return table[mask.bool()].contiguous()


def compute(model, masked_lm):
    """Tensors of one golden file."""
    model.eval()
    ids, types, mask = batch(model.config)
    logits = model(input_ids=ids, token_type_ids=types, attention_mask=mask).logits
    starts = [sum(LENGTHS[:i]) for i in range(len(LENGTHS))]
    tensors = {"input.tokens": flatten(ids, mask), "input.segments": flatten(types, mask),
               "input.lengths": torch.tensor(LENGTHS)}
    if masked_lm:
        logits = logits[[r for r, _ in MASKED], [c for _, c in MASKED]]
        labels = torch.randint(1, model.config.vocab_size, (len(MASKED),))
        tensors["input.mlm_positions"] = torch.tensor([starts[r] + c for r, c in MASKED])
        tensors["input.mlm_labels"] = labels
        loss = torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
    elif model.config.num_labels == 1:
        targets = torch.tensor([0.5, 3.25, 1.0])
        tensors["input.targets"] = targets
        loss = ((logits[:, 0] - targets) ** 2).sum()
    else:
        targets = torch.tensor([1, 0, 2])
        tensors["input.targets"] = targets.float()
        loss = torch.nn.functional.cross_entropy(logits, targets, reduction="sum")
    loss.backward()
    tensors["output.logits"] = logits.detach().contiguous()
    tensors["output.loss"] = loss.detach().reshape(1)
    for name, weight in model.named_parameters():
        tensors[name] = weight.detach().contiguous()
        tensors["gradient." + name] = weight.grad.contiguous()
    return tensors


def write(model, masked_lm, prefix):
    save_file(compute(model, masked_lm), f"{prefix}.safetensors")
    config = json.loads(model.config.to_json_string())
    config.pop("transformers_version", None)
    pathlib.Path(f"{prefix}.json").write_text(json.dumps(config, indent=2) + "\n")


def scatter(model):
    """Weights larger than at initialisation, so that every term of a gradient shows."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.2)
    return model


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--weights")
    options.add_argument("--output")
    chosen = options.parse_args()
    torch.manual_seed(20)
    if chosen.weights:
        write(hf.BertForMaskedLM.from_pretrained(chosen.weights), True, chosen.output)
        return
    here = pathlib.Path(__file__).parent
    post, pre = hf.BertConfig(**SMALL), hf.MegatronBertConfig(**SMALL)
    write(scatter(hf.BertForMaskedLM(post)), True, here / "bert_post_mlm")
    write(scatter(hf.MegatronBertForMaskedLM(pre)), True, here / "bert_pre_mlm")
    post.num_labels = 3
    write(scatter(hf.BertForSequenceClassification(post)), False, here / "bert_post_class")
    pre.num_labels = 1
    write(scatter(hf.MegatronBertForSequenceClassification(pre)), False,
          here / "bert_pre_regression")
    roberta = hf.RobertaConfig(**{**SMALL, "max_position_embeddings": 18, "type_vocab_size": 1,
                                  "layer_norm_eps": 1e-5})
    write(scatter(hf.RobertaForMaskedLM(roberta)), True, here / "roberta_mlm")
    roberta.num_labels = 3
    write(scatter(hf.RobertaForSequenceClassification(roberta)), False, here / "roberta_class")


if __name__ == "__main__":
    main()
