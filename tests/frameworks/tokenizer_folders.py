"""Folders of tokenizers with all settings that a BERT model's folder may have, and texts that these settings cut in
different ways. Used by tokenizer_checks.py and by ../golden/make_tokenizer_settings.py."""
import json
import os
import random

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
OTHER_SPECIALS = ["<pad>", "<unk>", "<s>", "</s>", "<mask>"]
# Letters with and without accents and case, ideographs, marks, punctuation, blanks, control characters.
ALPHABET = ("abcdeinotuxABCDEINOT019_é\u00d6\u00f6\u0130\u0131ßñ\u00c5ΣσςЙйё\u4e2d\u56fd\u6587\uf900\u3400\U00020000あカガ한\u0301\u0308\u0327\u0345"
            "\u0e31.,!?-'/<>[]@#$^`|~¿「」\u2014 \t\n\u00a0\u3000\u2028\u200b\u00ad\u0000\u000b\u0085\ufffd\ue000\u203f\u24b6\U0001f600")
# What is added to a vocabulary, and may be touched by other characters in the text.
ADDED_WORDS = ["<e1>", "</e1>", "<E2>", "covid", "COVID-19", "new york", "\u4e2d\u56fd", "Möchte", "é", "[X]", "[MASKED]", "a_b", "co", "##x"]


def vocabulary(specials=SPECIALS):
    """Every character of the alphabet in every form that a rule may give it, alone and inside a word, and some words."""
    import unicodedata
    characters = []
    for c in ALPHABET + "\u8c48":
        for form in (c, c.lower(), c.upper(), unicodedata.normalize("NFD", c), unicodedata.normalize("NFD", c.lower())):
            characters += [x for x in form if x not in characters and not x.isspace() and x != "\0"]
    words = ["co", "cov", "##vid", "mo", "möchte", "mochte", "new", "yo", "##rk", "\u4e2d\u56fd", "##\u56fd", "e1", "ab", "##cd"]
    tokens = list(specials)
    for token in words + characters + ["##" + c for c in characters]:
        if token not in tokens:
            tokens.append(token)
    return tokens


def added(content, **flags):
    return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False, "special": False, **flags}


def decoder(tokens):
    """The tokens by their ids: that of the vocabulary, or the next one behind it."""
    known = vocabulary()
    new = [token["content"] for token in tokens if token["content"] not in known]
    return {str((known + new).index(token["content"])): token for token in tokens}


def folders():
    """(name, specials, tokenizer_config.json, other files by name) of each folder."""
    usual = {"tokenizer_class": "BertTokenizer"}
    size = len(vocabulary())
    for lower in (True, False):
        for strip in (None, True, False):
            for chinese in (True, False):
                yield (f"lower_{lower}_strip_{strip}_chinese_{chinese}".lower(), SPECIALS,
                       {**usual, "do_lower_case": lower, "strip_accents": strip, "tokenize_chinese_chars": chinese}, {})
    yield "nothing", SPECIALS, {**usual, "do_lower_case": True}, {}
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), OTHER_SPECIALS))
    yield "other_names", OTHER_SPECIALS, {**usual, "do_lower_case": True, **names}, {}
    yield ("names_in_the_map", OTHER_SPECIALS, {**usual, "do_lower_case": False},
           {"special_tokens_map.json": {**names, "mask_token": {"content": "<mask>", "lstrip": True, "normalized": False, "rstrip": False, "single_word": False}}})
    for lower in (True, False):
        for flags in ({}, {"normalized": False}, {"single_word": True}, {"single_word": True, "normalized": False}, {"lstrip": True, "rstrip": True},
                      {"special": True, "normalized": False}):
            name = f"added_lower_{lower}_" + "_".join(flags or ["plain"]) + ("_raw" if flags.get("normalized") is False else "")
            yield (name.lower(), SPECIALS,
                   {**usual, "do_lower_case": lower, "added_tokens_decoder": decoder([added(w, **flags) for w in ADDED_WORDS])}, {})
    mixed = [added(w, normalized=i % 2 == 0, single_word=i % 3 == 0) for i, w in enumerate(ADDED_WORDS)]
    yield "added_mixed", SPECIALS, {**usual, "do_lower_case": True, "added_tokens_decoder": decoder(mixed)}, {}
    yield ("added_mixed_whole_ideographs", SPECIALS,
           {**usual, "do_lower_case": True, "strip_accents": False, "tokenize_chinese_chars": False, "added_tokens_decoder": decoder(mixed)}, {})
    yield ("added_old_file", SPECIALS, {**usual, "do_lower_case": True, "additional_special_tokens": ["<e1>"]},
           {"added_tokens.json": {"<e1>": size, "COVID-19": size + 1}})
    yield "additional", SPECIALS, {**usual, "do_lower_case": True, "additional_special_tokens": ["[X]", "covid"]}, {}


def write_folder(path, specials, config, files):
    os.makedirs(path)
    tokens = vocabulary(specials)
    with open(f"{path}/vocab.txt", "w", encoding="utf-8", newline="\n") as file:
        file.write("".join(token + "\n" for token in tokens))
    for name, value in {"tokenizer_config.json": config, "config.json": {"model_type": "bert", "vocab_size": len(tokens) + 50}, **files}.items():
        with open(f"{path}/{name}", "w", encoding="utf-8") as file:
            json.dump(value, file)


def texts(count, seed):
    """Random strings of the alphabet, with the names of special and added tokens among them."""
    draw = random.Random(seed)
    parts = SPECIALS + OTHER_SPECIALS + ADDED_WORDS + ["möchte", "MÖCHTE", "mo\u0308chte", "covidx", "NEW YORK", "new  york", "unb\u00e9kannt", "\u4e2d \u56fd", "[mask]"]
    result = ["", " ", "möchte MÖCHTE mochte", "北京 中国 中 国", "[CLS] a [MASK].", "x<e1>y</e1> z <E2>", "covid covidx xcovid covid. _covid", "e\u0301\u0327 \u0327\u0301e"]
    while len(result) < count:
        pieces = [draw.choice(parts) if draw.random() < 0.25 else "".join(draw.choices(ALPHABET, k=draw.randint(1, 6))) for _ in range(draw.randint(1, 10))]
        result.append(draw.choice(["", " "]).join(pieces))
    return result
