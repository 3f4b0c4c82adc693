"""Ticket types on some hundred real messages of four types, by repeated cross-validation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from classifier import corpus
from classifier.evaluate import base


def types(options: argparse.Namespace, say: base.Say) -> dict[str, Any]:
    """Ticket types by repeated cross-validation on some hundred messages, beside the shipped corpus."""
    known = base.messages(options.labelled, "type", ("title+text",))
    names = {"consult": "咨询", "help": "求助", "complaint": "投诉", "suggest": "建议"}
    taught = (
        [example for example in corpus.read(options.corpus) if example.kind in names] if options.with_corpus else []
    )
    shipped = base.Messages(tuple(example.text for example in taught), tuple(names[example.kind] for example in taught))
    return base.repeated(
        known + shipped, options, say, judged_only=np.arange(len(known.texts + shipped.texts)) < len(known.texts)
    )


def add_command(commands: base.Commands, say: base.Say) -> None:
    """Add the command types."""
    kinds = base.command(commands, "types", types, say)
    kinds.add_argument("--corpus", type=Path, default=corpus.shipped())
    kinds.add_argument("--with-corpus", action="store_true", help="learn from the shipped corpus too")
    kinds.add_argument("--labelled", type=Path, default=base.DATA / "types.csv")
