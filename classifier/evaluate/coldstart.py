"""A city without history: the shipped corpus under the published mapping, judged on real messages.

Also with some real labels added.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from classifier import corpus, text
from classifier.evaluate import base
from classifier.linear import Manner


def coldstart(options: argparse.Namespace, say: base.Say) -> dict[str, Any]:
    """The shipped corpus under the published mapping, judged on real messages, also with some real labels added."""
    mapping = dict(line.split("\t") for line in text.lines("seven.tsv"))
    mapped = [(example.text, _seven(mapping, example.category)) for example in corpus.read(options.corpus)]
    shipped = base.Messages(
        tuple(said for said, seven in mapped if seven), tuple(seven for _, seven in mapped if seven)
    )
    real = base.messages(options.test, "label", base.columns(options.text))
    manner = Manner(ridge=options.ridge, folds=3, contrast=options.contrast, balanced=True)
    if not options.add_labels:
        return {
            "learned_from": len(shipped.texts),
            **base.judged(base.learn(shipped, base.FEW, manner, options.kept, say), real),
        }
    draws = []
    for seed in range(options.draws):
        order = np.random.default_rng(seed).permutation(len(real.texts))
        added, rest = real.at(order[: options.add_labels]), real.at(order[options.add_labels :])
        both = shipped + base.Messages(added.texts * options.weight, added.labels * options.weight)
        draws.append(base.judged(base.learn(both, base.FEW, manner, options.kept, say), rest))
    mean = {key: float(np.mean([draw[key] for draw in draws])) for key in ("accuracy", "macro_f1", "calibration_error")}
    return {"learned_from": len(shipped.texts), "added": options.add_labels, "draws": options.draws, **mean}


def _seven(mapping: Mapping[str, str], code: str) -> str:
    """The class of the longest prefix of a code that the mapping names; empty if there is none."""
    found = next((mapping[code[:width]] for width in (6, 4, 2) if code[:width] in mapping), "-")
    return "" if found == "-" else found


def add_command(commands: base.Commands, say: base.Say) -> None:
    """Add the command coldstart."""
    cold = base.command(commands, "coldstart", coldstart, say)
    cold.add_argument("--corpus", type=Path, default=corpus.shipped())
    cold.add_argument("--test", type=Path, default=base.DATA / "teddy2020" / "labelled.csv")
    cold.add_argument("--add-labels", type=int, default=0, help="real labels to learn from too; the others are judged")
    cold.add_argument("--weight", type=int, default=2, help="how often an added label counts")
    base.text_option(cold)
