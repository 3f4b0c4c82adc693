"""Figures on messages with known labels, each printed by one command of `python -m classifier evaluate`.

Reads files of the columns that are named in `docs/classifier.md`; learns only in order to measure, and stores nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable


def add_commands(parser: argparse.ArgumentParser, say: Callable[[str], None]) -> None:
    """Add the commands labelled, coldstart, types and departments to `parser`."""
    say.__call__
    parser.add_argument("--json", action="store_true")
