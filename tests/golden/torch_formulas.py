"""Writes torch_formulas.json: what PyTorch gives, in double, for the inputs of tests/ops/reference_test.cpp.

Usage: python torch_formulas.py > torch_formulas.json
"""
import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def wave(number, *shape):
    """Tensor number `number` of a test: element i is sin(0.7 i + number)."""
    count = torch.Size(shape).numel()
    return torch.sin(0.7 * torch.arange(count) + number).reshape(shape)


def flat(x):
    return x.detach().reshape(-1).tolist()


def activations():
    functions = {
        "none": lambda x: x,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "fast_gelu": lambda x: x * torch.sigmoid(1.702 * x),
        "relu": F.relu,
        "tanh": torch.tanh,
    }
    result = {}
    for name, function in functions.items():
        x = (4 * wave(1, 40)).requires_grad_()
        y = function(x)
        y.sum().backward()
        result[name] = {"y": flat(y), "slope": flat(x.grad)}
    return result


def attention(lengths, heads, size):
    hidden = heads * size
    qkv = wave(1, sum(lengths), 3 * hidden)
    contexts = []
    for part in qkv.split(lengths):
        q, k, v = (x.reshape(-1, heads, size).transpose(0, 1) for x in part.split(hidden, dim=1))
        contexts.append(F.scaled_dot_product_attention(q, k, v).transpose(0, 1).reshape(-1, hidden))
    return flat(torch.cat(contexts))


def lstm(lengths, units):
    gates = 8 * units
    module = torch.nn.LSTM(gates, units, bias=False, bidirectional=True)
    picks = torch.eye(gates)
    w_hh = wave(2, gates, units)
    with torch.no_grad():
        module.weight_ih_l0.copy_(picks[: gates // 2])
        module.weight_ih_l0_reverse.copy_(picks[gates // 2 :])
        module.weight_hh_l0.copy_(w_hh[: gates // 2])
        module.weight_hh_l0_reverse.copy_(w_hh[gates // 2 :])
    return flat(torch.cat([module(x)[0] for x in wave(1, sum(lengths), gates).split(lengths)]))


def adamw(steps):
    parameter = torch.nn.Parameter(wave(1, 6))
    optimizer = torch.optim.AdamW([parameter], lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.2)
    for step in range(steps):
        parameter.grad = wave(2 + step, 6)
        optimizer.step()
    return flat(parameter)


labels = torch.tensor([3, -1, 0, 2, -1])
results = {
    "activation": activations(),
    "linear": flat(F.linear(wave(1, 4, 3), wave(2, 5, 3), wave(3, 5))),
    "layer_norm": flat(F.layer_norm(wave(1, 4, 7), (7,), wave(2, 7), wave(3, 7), 1e-5)),
    "attention": attention([3, 1, 5], 2, 3),
    "lstm": lstm([4, 1, 3], 3),
    "cross_entropy": F.cross_entropy(3 * wave(1, 5, 4), labels, ignore_index=-1, reduction="sum").item() / 7,
    "adamw": adamw(4),
}
print(json.dumps(results, indent=1))
