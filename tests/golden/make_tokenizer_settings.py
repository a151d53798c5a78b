"""Writes tokenizer_settings.json: texts, and the ids that transformers' tokenizers of many settings make of them.

Usage: make_tokenizer_settings.py, in an environment with transformers."""
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../frameworks")

import tokenizers  # noqa: E402
import transformers  # noqa: E402

import tokenizer_folders  # noqa: E402


def main():
    texts = tokenizer_folders.texts(48, seed="golden")
    result = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__,
              "vocabularies": {"usual": tokenizer_folders.vocabulary(), "other": tokenizer_folders.vocabulary(tokenizer_folders.OTHER_SPECIALS)},
              "texts": texts, "folders": []}
    with tempfile.TemporaryDirectory() as root:
        for name, specials, config, files in tokenizer_folders.folders():
            tokenizer_folders.write_folder(f"{root}/{name}", specials, config, files)
            tokenizer = transformers.AutoTokenizer.from_pretrained(f"{root}/{name}")
            result["folders"].append({"name": name, "specials": "usual" if specials == tokenizer_folders.SPECIALS else "other",
                                      "files": {"tokenizer_config.json": config, **files},
                                      "ids": tokenizer(texts, add_special_tokens=False)["input_ids"]})
    with open(f"{HERE}/tokenizer_settings.json", "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(f"{json.dumps(k)}: " + (json.dumps(v) if k != "folders" else "[\n" + ",\n".join(map(json.dumps, v)) + "\n]") for k, v in result.items()) + "\n}\n")


if __name__ == "__main__":
    main()
