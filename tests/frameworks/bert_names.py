"""A small BERT with random weights, and what google-research/bert and mindspore-ai/models call its tensors.

The names are made by rules, apart from the table in nn/checkpoints/checkpoint_names.cpp.
"""
import re

import numpy as np

# Heads have names of their own in google-research/bert, and no tensor of theirs is transposed.
TENSORFLOW_HEADS = {
    "cls.predictions.bias": "cls/predictions/output_bias",
    "cls.seq_relationship.weight": "cls/seq_relationship/output_weights",
    "cls.seq_relationship.bias": "cls/seq_relationship/output_bias",
    "classifier.weight": "output_weights",
    "classifier.bias": "output_bias",
    "qa_outputs.weight": "cls/squad/output_weights",
    "qa_outputs.bias": "cls/squad/output_bias",
}

# One after the other, on transformers' names.
MINDSPORE_RULES = [
    (r"^bert\.embeddings\.word_embeddings\.weight", "bert_embedding_lookup.embedding_table"),
    (r"^bert\.embeddings\.token_type_embeddings\.weight", "bert_embedding_postprocessor.token_type_embedding.embedding_table"),
    (r"^bert\.embeddings\.position_embeddings\.weight", "bert_embedding_postprocessor.full_position_embedding.embedding_table"),
    (r"^bert\.embeddings\.", "bert_embedding_postprocessor."),
    (r"^bert\.encoder\.layer\.", "bert_encoder.layers."),
    (r"attention\.self\.(query|key|value)", r"attention.attention.\1_layer"),
    (r"intermediate\.dense", "intermediate"),
    (r"^bert\.pooler\.dense", "dense"),
    (r"^cls\.predictions\.transform\.", "bert.cls1."),
    (r"^cls\.predictions\.bias", "bert.cls1.output_bias"),
    (r"^cls\.seq_relationship\.", "bert.cls2.dense."),
    (r"^classifier\.", "bert.dense_1."),
    (r"^qa_outputs\.", "bert.dense1."),
    (r"LayerNorm\.weight", "layernorm.gamma"),
    (r"LayerNorm\.bias", "layernorm.beta"),
]


def random_bert(tags=3, crf=False):
    """Tensors with transformers' names; no two extents of a tensor are equal where the model leaves a choice."""
    random = np.random.default_rng(6)
    hidden, inner, tensors = 8, 12, {}

    def add(name, *shape):
        tensors[name] = random.normal(size=shape).astype(np.float32)

    def add_linear(name, inputs, outputs):
        add(name + ".weight", outputs, inputs)
        add(name + ".bias", outputs)

    def add_norm(name):
        add(name + ".weight", hidden)
        add(name + ".bias", hidden)

    for name, rows in ("word", 21), ("position", 16), ("token_type", 2):
        add(f"bert.embeddings.{name}_embeddings.weight", rows, hidden)
    add_norm("bert.embeddings.LayerNorm")
    for layer in range(11):  # the last has two digits
        begin = f"bert.encoder.layer.{layer}."
        for name in "query", "key", "value":
            add_linear(f"{begin}attention.self.{name}", hidden, hidden)
        add_linear(begin + "attention.output.dense", hidden, hidden)
        add_norm(begin + "attention.output.LayerNorm")
        add_linear(begin + "intermediate.dense", hidden, inner)
        add_linear(begin + "output.dense", inner, hidden)
        add_norm(begin + "output.LayerNorm")
    add_linear("bert.pooler.dense", hidden, hidden)
    add_linear("classifier", hidden, tags)
    if crf:
        for way in "", "_reverse":
            for name, shape in ("weight_ih", (16, 8)), ("weight_hh", (16, 4)), ("bias_ih", (16,)), ("bias_hh", (16,)):
                add(f"lstm.{name}_l0{way}", *shape)
        add("crf.transitions", tags, tags)
        add("crf.start_transitions", tags)
        add("crf.end_transitions", tags)
        return tensors
    add_linear("cls.predictions.transform.dense", hidden, hidden)
    add_norm("cls.predictions.transform.LayerNorm")
    add("cls.predictions.bias", 21)
    add_linear("cls.seq_relationship", hidden, 2)
    add_linear("qa_outputs", hidden, 2)
    return tensors


def tensorflow_tensors(tensors):
    """The same tensors as google-research/bert has them: kernels are [in, out]."""
    made = {}
    for name, array in tensors.items():
        if name in TENSORFLOW_HEADS:
            made[TENSORFLOW_HEADS[name]] = array
            continue
        path = name.replace("encoder.layer.", "encoder.layer_").replace(".", "/")
        path = path.replace("_embeddings/weight", "_embeddings")
        path = path.replace("LayerNorm/weight", "LayerNorm/gamma").replace("LayerNorm/bias", "LayerNorm/beta")
        is_kernel = path.endswith("/weight")
        made[re.sub("weight$", "kernel", path)] = np.ascontiguousarray(array.T) if is_kernel else array
    return made


def mindspore_name(name):
    """As in a network of mindspore-ai/models saved in training."""
    made = name
    for pattern, text in MINDSPORE_RULES:
        made = re.sub(pattern, text, made)
    return made if made.startswith("bert.") else "bert.bert." + made
