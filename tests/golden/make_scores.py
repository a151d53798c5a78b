"""Writes scores.json: what scikit-learn and SciPy give for the inputs of classification_scores_test.cpp,
multi_label_scores_test.cpp and correlation_test.cpp in tests/tasks/. The inputs are computed, the same here and there, from the few numbers in
each case.

Usage: python make_scores.py > scores.json
"""
import json
import math
import warnings
from decimal import Decimal, getcontext
from fractions import Fraction

import scipy
import sklearn
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import (accuracy_score, average_precision_score, confusion_matrix, f1_score, matthews_corrcoef,
                             precision_recall_fscore_support)


def noise(i, seed):
    """Element i of a sequence of numbers below 2^32 that look random."""
    h = (i * 2654435761 + seed * 40503) % 2**32
    h ^= h >> 15
    h = h * 2246822519 % 2**32
    return h ^ h >> 13


def class_ids(case):
    gold, predicted = [], []
    for i in range(case["count"]):
        g = noise(i, 1) % case["gold_classes"]
        agrees = noise(i, 2) % 100 < case["agree"]
        p = g if agrees else noise(i, 3) % case["predicted_classes"]
        gold.append(g)
        predicted.append((g + 1) % case["classes"] if case["opposite"] else p)
    return gold, predicted


def classification(name, classes, count, agree=60, gold_classes=None, predicted_classes=None, opposite=False):
    case = {"name": name, "classes": classes, "count": count, "agree": agree,
            "gold_classes": gold_classes or classes, "predicted_classes": predicted_classes or classes,
            "opposite": opposite}
    gold, predicted = class_ids(case)
    ids = list(range(classes))
    precision, recall, f1, support = precision_recall_fscore_support(
        gold, predicted, labels=ids, zero_division=0)
    case["matrix"] = confusion_matrix(gold, predicted, labels=ids).reshape(-1).tolist() if classes < 8 else []
    case["accuracy"] = accuracy_score(gold, predicted)
    case["precision"], case["recall"] = precision.tolist(), recall.tolist()
    case["f1"], case["support"] = f1.tolist(), support.tolist()
    case["macro_f1"] = f1_score(gold, predicted, average="macro", zero_division=0)
    case["matthews"] = matthews_corrcoef(gold, predicted)
    # The ids other than 0 as one class.
    positive = [[int(x > 0) for x in y] for y in (gold, predicted)]
    case["positive_f1"] = f1_score(*positive, average="binary", zero_division=0)
    case["positive_matthews"] = matthews_corrcoef(*positive)
    return case


def any_labels(name, labels, count, levels=1 << 20, held=30, agree=70, empty_labels=0, thresholds=None):
    """Rows of `labels`: whether each holds, and a probability of `levels` possible ones. The last `empty_labels` never
    hold."""
    case = {"name": name, "labels": labels, "count": count, "levels": levels, "held": held, "agree": agree,
            "empty_labels": empty_labels, "thresholds": thresholds or [0.5] * labels}
    holds, scores = [], []
    for i in range(count):
        ids = [i * labels + k for k in range(labels)]
        row = [int(noise(j, 6) % 100 < held and k < labels - empty_labels) for k, j in enumerate(ids)]
        level = [noise(j, 7) % levels for j in ids]
        agrees = [noise(j, 8) % 100 < agree for j in ids]
        # The upper half where the label holds, the lower where not, or anything.
        scores.append([(l + levels * h if a else 2 * l) / (2 * levels) for l, h, a in zip(level, row, agrees)])
        holds.append(row)
    predicted = [[int(x >= t) for x, t in zip(row, case["thresholds"])] for row in scores]
    columns = list(zip(*holds)), list(zip(*predicted))
    case["f1"] = [f1_score(g, p, zero_division=0) for g, p in zip(*columns)]
    for average in ("micro", "macro"):
        # As a matrix even where there is one label.
        gold, found = (holds, predicted) if labels > 1 else ([r[0] for r in holds], [r[0] for r in predicted])
        if labels > 1:
            case[average + "_f1"] = f1_score(gold, found, average=average, zero_division=0)
            case[average + "_average_precision"] = average_precision_score(holds, scores, average=average)
        else:
            case[average + "_f1"] = f1_score(gold, found, zero_division=0)
            case[average + "_average_precision"] = average_precision_score(gold, [r[0] for r in scores])
    case["subset_accuracy"] = accuracy_score(holds, predicted)
    return case


def values(case):
    x, y = [], []
    for i in range(case["count"]):
        a, b = noise(i, 4) % case["x_levels"], noise(i, 5) % case["y_levels"]
        x.append(case["x_offset"] + case["x_scale"] * a)
        y.append(case["y_offset"] + case["y_scale"] * (case["slope"] * a + b))
    return x, y


def exact_pearson(x, y):
    """Without rounding before the root: SciPy is off by 2e-9 where values are small beside their offset."""
    x, y = [Fraction(a) for a in x], [Fraction(a) for a in y]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y))
    variances = sum((a - mean_x) ** 2 for a in x) * sum((b - mean_y) ** 2 for b in y)
    if variances == 0:
        return math.nan
    square = covariance**2 / variances
    root = (Decimal(square.numerator) / Decimal(square.denominator)).sqrt()
    return float(root if covariance > 0 else -root)


def number(x):
    """None for NaN, which JSON doesn't have."""
    return None if math.isnan(x) else float(x)


def correlation(name, count, x_levels=1 << 20, y_levels=1 << 20, x_offset=0.0, x_scale=1.0, y_offset=0.0,
                y_scale=1.0, slope=0.0):
    case = {"name": name, "count": count, "x_levels": x_levels, "y_levels": y_levels, "x_offset": x_offset,
            "x_scale": x_scale, "y_offset": y_offset, "y_scale": y_scale, "slope": slope}
    x, y = values(case)
    case["pearson"] = number(pearsonr(x, y).statistic)
    case["exact_pearson"] = number(exact_pearson(x, y))
    case["spearman"] = number(spearmanr(x, y).statistic)
    return case


def main():
    warnings.simplefilter("ignore")
    getcontext().prec = 60
    classes = [
        classification("two classes", 2, 500),
        classification("two classes, few of one", 2, 300, agree=90, gold_classes=2, predicted_classes=1),
        classification("fifteen classes", 15, 3000),
        classification("forty classes, few examples", 40, 60),
        classification("many examples", 5, 20000, agree=85),
        classification("perfect", 4, 100, agree=100),
        classification("always the other", 2, 100, opposite=True),
        classification("always the next", 3, 100, opposite=True),
        classification("one gold class", 3, 50, agree=0, gold_classes=1),
        classification("one predicted class", 3, 50, agree=0, predicted_classes=1),
        classification("one class in both", 3, 50, agree=0, gold_classes=1, predicted_classes=1),
        classification("empty classes", 6, 200, gold_classes=3, predicted_classes=4),
        classification("one example, wrong", 2, 1, opposite=True),
        classification("two examples", 3, 2, agree=0),
        classification("chance", 3, 1000, agree=0),
    ]
    several = [
        any_labels("six labels", 6, 500),
        any_labels("thresholds of their own", 3, 300, thresholds=[0.25, 0.75, 0.9]),
        any_labels("many ties", 4, 400, levels=5),
        any_labels("all scores alike", 3, 50, levels=1, agree=0),
        any_labels("perfect", 5, 100, agree=100),
        any_labels("chance", 4, 1000, agree=0),
        any_labels("rare labels", 28, 600, held=2),
        any_labels("a label that never holds", 4, 200, empty_labels=1),
        any_labels("one label", 1, 250),
        any_labels("nothing is predicted", 3, 80, thresholds=[2, 2, 2]),
        any_labels("one text", 3, 1, held=100),
    ]
    correlations = [
        correlation("independent", 500),
        correlation("related", 500, slope=2.0),
        correlation("opposed", 500, slope=-3.0),
        correlation("perfect", 100, y_levels=1, slope=1.0, y_offset=7.0),
        correlation("perfectly opposed", 100, y_levels=1, slope=-0.5),
        correlation("many ties", 800, x_levels=6, y_levels=4, slope=1.0),
        correlation("ties of two", 300, x_levels=2, y_levels=2, slope=0.5),
        correlation("constant x", 50, x_levels=1, x_offset=0.1),
        correlation("constant y", 50, y_levels=1, y_offset=-2.7),
        correlation("both constant", 50, x_levels=1, y_levels=1, x_offset=3.0, y_offset=1e15),
        correlation("two elements", 2),
        correlation("three elements", 3, slope=1.0),
        correlation("offset of 1e15", 400, x_levels=1000, y_levels=1000, x_offset=1e15, y_offset=-1e15,
                    slope=1.0),
        correlation("small beside a large offset", 400, x_levels=64, y_levels=64, x_offset=4.0e6,
                    x_scale=2.0**-20, y_offset=1.0, y_scale=2.0**-40, slope=-1.0),
        correlation("large unit", 200, x_scale=1e250, y_scale=1e280, slope=1.0),
        correlation("small unit", 200, x_scale=1e-250, y_scale=1e-290, slope=1.0),
        correlation("scores from 0 to 5", 1500, x_levels=26, x_scale=0.2, y_levels=1 << 16, y_scale=1e-4,
                    slope=2000.0),
    ]
    print(json.dumps({"scikit-learn": sklearn.__version__, "scipy": scipy.__version__}, indent=1)[:-2] + ",")
    for key, cases in (("classification", classes), ("any labels", several), ("correlation", correlations)):
        rows = ",\n".join("  " + json.dumps(case) for case in cases)
        print(f' "{key}": [\n{rows}\n ]' + ("," if key != "correlation" else "\n}"))


main()
