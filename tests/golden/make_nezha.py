"""Writes nezha_forward.json: rows of the encoder output of transformers' NezhaModel, with weights that the test computes again.

Usage: python make_nezha.py > nezha_forward.json

Transformers has NEZHA up to version 4; made with 4.57. One sequence is long enough for distances above 64, where the table ends.
"""
import json
import sys

import numpy
import torch
from transformers.models.deprecated.nezha import NezhaConfig, NezhaModel

config = NezhaConfig(
    vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
    max_position_embeddings=160, layer_norm_eps=1e-7)
model = NezhaModel(config, add_pooling_layer=False).eval()


def wave(number, count):
    """Numbers between -1 and 1 without a pattern: element i of tensor `number` is sin(0.7 i + 0.013 i^2 + number)."""
    i = numpy.arange(count, dtype=numpy.float64)
    return numpy.sin(0.7 * i + 0.013 * i * i + number)


# Tensors are numbered in the order of their names.
state = model.state_dict()
for number, name in enumerate(sorted(state)):
    values = 0.3 * wave(number, state[name].numel())
    if name.endswith("LayerNorm.weight"):
        values += 1
    state[name] = torch.from_numpy(values.astype(numpy.float32)).reshape(state[name].shape)
model.load_state_dict(state)

sequences = []
for length in (150, 9):
    ids = [(7 * t * t + 3 * t + length) % config.vocab_size for t in range(length)]
    types = [int(2 * t > length) for t in range(length)]
    with torch.no_grad():
        hidden = model(torch.tensor([ids]), token_type_ids=torch.tensor([types])).last_hidden_state[0]
    rows = [{"row": row, "hidden": [float(f"{x:.8g}") for x in hidden[row].tolist()]}
            for row in range(0, length, 13 if length > 13 else 4)]
    sequences.append({"input_ids": ids, "token_type_ids": types, "rows": rows})

keys = ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act",
        "max_position_embeddings", "max_relative_position", "type_vocab_size", "layer_norm_eps"]
json.dump({"config": {"model_type": "nezha", **{key: getattr(config, key) for key in keys}}, "sequences": sequences}, sys.stdout)
print()
