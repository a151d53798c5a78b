"""Writes the expected values of the tests of SQuAD's and CMRC's scorers: squad_scores.json.

Usage: make_squad_scores.py EVALUATE_V1 EVALUATE_V2 CMRC_EVALUATE: evaluate-v1.1.py and evaluate-v2.0.py of SQuAD and
cmrc2018_evaluate.py (version 6) of ymcui/cmrc2018, in an environment with nltk and numpy. Texts between Chinese characters are taken
for one sentence, so that no sentence model is needed.
"""
import contextlib
import importlib.util
import io
import json
import os
import random
import sys

import nltk

HERE = os.path.dirname(os.path.abspath(__file__))

TEXTS = [
    "", " ", "\t\n", "a", "The", "an the A", "the cat", "Theatre an-other a_b", "a.b", "The end.", "  two   words ", ".", "?!...", "a!",
    "U.S.A. & co", "it's John's", "the\u00a0end", "x\u2003y\u3000z", "\u200bthe\u200b", "x\x1cy\x85z", "x\u2028y", "\u2014the\u2014", "\u201cThe\u201d",
    "caf\u00e9 Caf\u00e9", "a\u0301 e\u0301 an\u0308", "\u0130stanbul \u0131 I", "\u039f\u0394\u039f\u03a3 \u03a3 \u03a3\u03a3 A\u03a3.", "\u0391\u03a3' \u0391.\u03a3 \u03a3\u0391",
    "STRASSE \u1e9e \u00df", "\ufb01 \u212a \u2126", "\uff21 \uff41 \uff34\uff48\uff45", "the\uff0c a\u3002", "a\u00b2 a\u00bd a\u2160 a\u0660", "a\u203fb", "\u4e2da\u56fd the \u4e2d",
    "a \u4e2d an \u56fd", "13 the 13th", "$5.00 50%", "\U0001f600 a \U0001f600the", "\u02b0 the\u02b0", "\u00aaa", "\u10d0\u1c90", "\u01c5",
    "\u4e2d\u56fd", "\u4e2d\u56fd\u3002", "\u300a\u4e66\u300b\uff0c\u201c\u4eba\u201d\uff1a\u2026\u2026", "2008\u5e748\u67088\u65e5", "\uff12\uff10\u5e74", "3.5\u4ebf", "1,000\u4eba,\u591a", "NT$25,000\u5143",
    "42%\u3002", "(Lionel Richie)\u5531", "\"Hotshot\"", "\u300c\"x\"\u300d\u3001''y''", "R&B\u97f3\u4e50", "GTK#", "\u9fa5\u9fa6\u3400\U00020000", "\u3042\u30a2\ud55c", "\u827e\u7ebd (\u0626\u06d5) [jnu]",
    "s.k.", "S.K.\u2026", "x. y.) z.\"", "wow... ok..", "a,b, c,5 ,, d,", "hey! say! jump?", "don't can't it's John'll I'm he'd", "'s ' 'x 'll' rock 'n' roll'",
    "Cannot gimme gonna wanna, wanna d'ye more'n lemme gotta", "40\u00b015\u203237\u2033\u201440", "1\u20132\u20123", "\u00abx\u00bb \u201ey\u2018", "<a href=\"x\">", "{t|gtk#}", "a\\b/c^d~e+f=g`h*i-j_k:l",
    " (\"x", "[\"\"] \"", "''", "\"", "x''\"y", ";", "\u4e2d;\u56fd", "\u4e2d \u56fd", "e-mail@x.y", "\u0130\u4e2d\u03a3", "'''", "\uff08\u4e2d\uff09\uff5e\uff0d\u00b7",
]


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def v2_scores(v2, data, predictions, odds, threshold):
    na_probs = odds or {name: 0.0 for name in predictions}
    has_answer = v2.make_qid_to_has_ans(data)
    raw = v2.get_raw_scores(data, predictions)
    exact, f1 = (v2.apply_no_ans_threshold(scores, na_probs, has_answer, threshold) for scores in raw)
    result = v2.make_eval_dict(exact, f1)
    for name, wanted in (("HasAns", True), ("NoAns", False)):
        ids = [i for i, has in has_answer.items() if has == wanted]
        if ids:
            v2.merge_eval(result, v2.make_eval_dict(exact, f1, qid_list=ids), name)
    if odds:
        v2.find_all_best_thresh(result, predictions, *raw, na_probs, has_answer)
    return result


def make_case(rng, v1, v2, cmrc, with_empty):
    questions, predictions = [], {}
    for i in range(rng.randint(3, 8)):
        golds = rng.choices(TEXTS, k=rng.choice([0, 1, 3] if with_empty else [1, 2, 4]))
        near = rng.choice(golds or [""])
        words = near.split()
        rng.shuffle(words)
        predictions[f"q{i}"] = rng.choice([near, "The " + near + ".", near[1:], " ".join(words), near + " " + near, rng.choice(TEXTS), ""])
        questions.append({"id": f"q{i}", "question": "?", "answers": [{"text": text, "answer_start": 0} for text in golds]})
    data = [{"paragraphs": [{"context": "x", "qas": questions}]}]
    case = {"golds": [[a["text"] for a in q["answers"]] for q in questions], "predictions": predictions}
    if with_empty:
        ids = list(predictions)
        rng.shuffle(ids)
        case["odds"] = {i: rng.choice([-2.5, -1.0, 0.0, 0.25, 3.0]) for i in ids}
        case["threshold"] = rng.choice([1.0, 0.0, -2.0])
        case["v2"] = v2_scores(v2, data, predictions, case["odds"], case["threshold"])
        case["v2_without_odds"] = v2_scores(v2, data, predictions, None, 1.0)
        return case
    if rng.random() < 0.5:
        del predictions[f"q{rng.randrange(len(questions))}"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        case["v1"] = v1.evaluate(data, predictions)
        f1, exact, _, skipped = cmrc.evaluate({"data": data}, predictions)
    case["cmrc"] = {"exact_match": exact, "f1": f1, "unanswered": skipped}
    return case


def main():
    v1, v2, cmrc = (load(path, name) for path, name in zip(sys.argv[1:4], ("v1", "v2", "cmrc")))
    word_tokenize = nltk.word_tokenize
    nltk.word_tokenize = lambda text: word_tokenize(text, preserve_line=True)
    rng = random.Random(1)
    result = {
        "texts": [[text, v2.normalize_answer(text), cmrc.mixed_segmentation(text, rm_punc=True)] for text in TEXTS],
        "cases": [make_case(rng, v1, v2, cmrc, i % 2 == 1) for i in range(40)],
    }
    with open(f"{HERE}/squad_scores.json", "w") as file:
        file.write("{\n")
        for name, rows in result.items():
            lines = ",\n".join("  " + json.dumps(row, separators=(",", ":")) for row in rows)
            file.write(f' "{name}": [\n{lines}\n ]' + ("\n}\n" if name == "cases" else ",\n"))


main()
