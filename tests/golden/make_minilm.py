"""Writes minilm_forward.json: the encoder output of transformers' BertModel for a few sentences.

Usage: HF_HUB_OFFLINE=1 python make_minilm.py MODEL_FOLDER > minilm_forward.json
"""
import json
import sys

import torch
from transformers import AutoTokenizer, BertModel

folder = sys.argv[1]
tokenizer = AutoTokenizer.from_pretrained(folder)
model = BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
sentences = [
    "Peter Blackburn visited Brussels in August 1996.",
    "Unaffordable!",
    "The European Commission said on Thursday it disagreed with German advice.",
]
result = []
for sentence in sentences:
    ids = tokenizer(sentence)["input_ids"]
    with torch.no_grad():
        hidden = model(torch.tensor([ids])).last_hidden_state[0]
    result.append({"text": sentence, "input_ids": ids, "hidden": [[float(f"{x:.8g}") for x in row] for row in hidden.tolist()]})
json.dump(result, sys.stdout)
print()
