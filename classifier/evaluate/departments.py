"""The department that answered, learned from weak marks and judged on signatures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from classifier import corpus, text
from classifier.evaluate import base


def departments(options: argparse.Namespace, say: base.Say) -> dict[str, Any]:
    """The responding department, learned from all weak marks and judged on signatures by cross-validation."""
    rows = [row for row in corpus.read_table(options.replies) if row["department"]]
    texts = tuple(text.clean(f"{row['topic']} {row['text']}") for row in rows)
    signed = np.array([row["department_source"].startswith("signature") for row in rows])
    counts = corpus.shares(row["department"] for row, is_signed in zip(rows, signed, strict=True) if is_signed)
    groups = [name for name in counts if name != "其他"][: options.groups]
    labels = tuple(row["department"] if row["department"] in groups else "其他" for row in rows)
    return base.repeated(
        base.Messages(texts, labels), options, say, judged_only=signed & np.array([label != "其他" for label in labels])
    )


def add_command(commands: base.Commands, say: base.Say) -> None:
    """Add the command departments."""
    units = base.command(commands, "departments", departments, say)
    units.add_argument("--replies", type=Path, default=base.DATA / "teddy2020" / "replies.csv")
    units.add_argument("--groups", type=int, default=9)
