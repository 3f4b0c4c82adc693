"""Figures on messages with known labels, each printed by one command of `python -m classifier evaluate`.

A module a command: `labelled` (the board), `coldstart`, `kinds` (ticket types), `departments`; `base` is shared.
"""
