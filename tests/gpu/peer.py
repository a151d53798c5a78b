"""The same work in PyTorch and transformers, at their fastest ordinary settings: bfloat16 by autocast, scaled_dot_product_attention, the fused
AdamW, sentences of like length in a batch, masked words gathered before the vocabulary's product; compiled, or not."""
import random
import statistics
import time

import torch
import torch.nn.functional as F
import transformers
from tokenizers import BertWordPieceTokenizer
from torch.nn.attention import SDPBackend, sdpa_kernel

NETWORKS = {"base": (768, 12, 12, 3072), "large": (1024, 24, 16, 4096), "tiny": (64, 2, 2, 128)}
VOCABULARY = 29056  # of 28996 pieces, to a multiple of 64 for tensor cores
ATTENTION = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION, "math": SDPBackend.MATH}


def description(device):
    where = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    return f"PyTorch {torch.__version__}, transformers {transformers.__version__} on {where}"


class Device:
    def __init__(self, name):
        self.name = name

    def wait(self):
        if self.name == "cuda":
            torch.cuda.synchronize()

    def seconds(self, work):
        self.wait()
        start = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - start

    def bytes(self):
        return torch.cuda.memory_allocated() if self.name == "cuda" else 0

    def peak_bytes(self):
        return torch.cuda.max_memory_allocated() if self.name == "cuda" else 0

    def free(self):
        """Gives back what nothing lies in, so that other programs have it."""
        if self.name == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


class Pretraining(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.model = transformers.BertForPreTraining(config)

    def forward(self, ids, types, rows, words, random_next):
        encoded = self.model.bert(ids, token_type_ids=types)
        masked = encoded.last_hidden_state.flatten(0, 1)[rows]
        heads = self.model.cls
        return (F.cross_entropy(heads.predictions(masked).float(), words) +
                F.cross_entropy(heads.seq_relationship(encoded.pooler_output).float(), random_next))


class Training:
    """A network and what a step of it does."""

    def __init__(self, device, kind, network, compiled, dynamic=False):
        self.device = Device(device)
        self.device.free()
        self.bytes_of_others = self.device.bytes()
        torch.manual_seed(1)
        hidden, layers, heads, wide = NETWORKS[network]
        config = transformers.BertConfig(vocab_size=VOCABULARY, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
                                         intermediate_size=wide, num_labels=10 if kind == "ner" else 2, attn_implementation="sdpa")
        made = {"ner": transformers.BertForTokenClassification, "squad": transformers.BertForQuestionAnswering, "pretrain": Pretraining}
        self.kind = kind
        self.module = made[kind](config).to(device).train()
        self.optimizer = torch.optim.AdamW(self.module.parameters(), lr=1e-5, fused=device == "cuda")
        self.call = torch.compile(self.module, dynamic=dynamic) if compiled else self.module

    def step(self, batch):
        moved = {name: tensor.to(self.device.name, non_blocking=True) for name, tensor in batch.items()}
        with torch.autocast(self.device.name, dtype=torch.bfloat16):
            result = self.call(**moved)
        loss = result if self.kind == "pretrain" else result.loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def median_step(self, batch, steps):
        """Seconds, and the MiB that its tensors take at most."""
        for _ in range(3):
            self.step(batch)
        seconds = statistics.median(self.device.seconds(lambda: self.step(batch)) for _ in range(steps))
        peak = self.device.peak_bytes() - self.bytes_of_others
        self.device.free()
        return seconds, peak >> 20 if peak > 0 else None

    def examples_per_second(self, batches, warm_up, steps):
        chosen = [batches[i % len(batches)] for i in range(warm_up + steps)]
        for batch in chosen[:warm_up]:
            self.step(batch)
        seconds = self.device.seconds(lambda: [self.step(batch) for batch in chosen[warm_up:]])
        self.device.free()
        return sum(len(batch["input_ids"]) for batch in chosen[warm_up:]) / seconds


def full_batch(kind, batch, length, vocabulary=28996):
    """Sequences of full length, of which a pretraining's has its first words masked."""
    ids = torch.randint(0, min(vocabulary, VOCABULARY), (batch, length))
    if kind == "ner":
        return {"input_ids": ids, "labels": torch.randint(0, 10, (batch, length))}
    masked = min(20 if length < 512 else 80, length - 1)
    rows = (torch.arange(batch).unsqueeze(1) * length + torch.arange(1, masked + 1)).flatten()
    return {"ids": ids, "types": torch.zeros_like(ids), "rows": rows, "words": torch.randint(0, vocabulary, rows.shape),
            "random_next": torch.randint(0, 2, (batch,))}


def grouped(examples, batch_size):
    """Batches of examples of like length: sorted within fifty batches, then in a random order."""
    random.Random(1).shuffle(examples)
    batches = []
    for begin in range(0, len(examples), batch_size * 50):
        chunk = sorted(examples[begin:begin + batch_size * 50], key=lambda example: len(example[0]))
        batches += [chunk[i:i + batch_size] for i in range(0, len(chunk), batch_size)]
    random.Random(2).shuffle(batches)
    return batches


def padded(batch, kind, device):
    """Tensors of the host, for a GPU in memory that it reads by itself."""
    longest = max(len(ids) for ids, _ in batch)
    made = {name: torch.zeros(len(batch), longest, dtype=torch.long) for name in ("input_ids", "attention_mask", "token_type_ids")}
    for row, (ids, first) in enumerate(batch):
        made["input_ids"][row, :len(ids)] = torch.tensor(ids)
        made["attention_mask"][row, :len(ids)] = 1
        made["token_type_ids"][row, first:len(ids)] = 1
    if kind == "ner":
        labels = torch.randint(0, 10, (len(batch), longest))
        made["labels"] = labels.masked_fill(made["attention_mask"] == 0, -100)
    else:
        made["start_positions"] = made["end_positions"] = torch.tensor([first for _, first in batch])
    return {name: tensor.pin_memory() if device == "cuda" else tensor for name, tensor in made.items()}


def ner_examples(path, vocabulary):
    """The pieces of every sentence, all of them the first text."""
    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=False)
    tokenizer.enable_truncation(128)
    sentences = [[line.split()[0] for line in block.splitlines() if line] for block in path.read_text(encoding="utf8").split("\n\n")]
    encoded = tokenizer.encode_batch([sentence for sentence in sentences if sentence], is_pretokenized=True)
    return [(one.ids, len(one.ids)) for one in encoded]


def squad_examples(contents, vocabulary):
    """A question and its text, cut to 384 pieces; where the text begins."""
    tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=False)
    tokenizer.enable_truncation(384, strategy="only_second")
    pairs = [(question["question"], paragraph["context"]) for content in contents for article in content["data"]
             for paragraph in article["paragraphs"] for question in paragraph["qas"]]
    return [(one.ids, one.type_ids.index(1)) for one in tokenizer.encode_batch(pairs)]


def attention(device_name, lengths, heads, size, kernel, calls):
    """Seconds of attention forward and backward. Lengths that differ go in as a nested tensor, which has no padding."""
    device = Device(device_name)
    device.free()
    is_full = len(set(lengths)) == 1
    offsets = torch.tensor([0, *lengths], device=device_name).cumsum(0)

    def made():
        if is_full:
            return torch.randn(len(lengths), heads, lengths[0], size, device=device_name, dtype=torch.bfloat16, requires_grad=True)
        values = torch.randn(sum(lengths), heads, size, device=device_name, dtype=torch.bfloat16)
        nested = torch.nested.nested_tensor_from_jagged(values, offsets, min_seqlen=min(lengths), max_seqlen=max(lengths))
        return nested.transpose(1, 2).detach().requires_grad_()

    q, k, v, dy = made(), made(), made(), made().detach()
    with sdpa_kernel(ATTENTION[kernel]):
        def forward():
            return F.scaled_dot_product_attention(q, k, v)

        y = forward()

        def backward():
            torch.autograd.grad(y, (q, k, v), dy, retain_graph=True)

        def median(call):
            call()
            return statistics.median(device.seconds(lambda: [call() for _ in range(calls)]) / calls for _ in range(5))

        return median(forward), median(backward)
