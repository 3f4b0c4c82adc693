"""The model behind one `await`: what a text is about, judged in a thread so that no other request waits for it.

Knows no tickets. Without a model it says so by giving None for each text: then a person decides. The model in use
can be exchanged while the service runs; a judgement always comes from one model as a whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the model makes of one text: categories with calibrated probabilities, the best first."""

    categories: tuple[tuple[str, float], ...]
    type: str | None
    urgency: str | None
    risks: tuple[str, ...]
    evidence: tuple[str, ...]
    model_version: str


class Predictor:
    """The loaded model, or none."""

    def __init__(self, model: Any = None) -> None:  # noqa: ANN401 - classifier.predict.Model, imported only when loaded
        self._model = model

    @property
    def version(self) -> str:
        """The version of the model in use; empty when there is none."""
        return str(self._model.version) if self._model else ""

    def load(self, folder: Path, version: str | None = None) -> None:
        """Put the active model of `folder` in the place of the one in use; raises what the registry raises."""
        from classifier.registry import load  # scikit-learn takes a second to import; only who judges pays for it

        self._model = load(folder, version)

    async def judge(self, texts: Sequence[str]) -> list[Judgement | None]:
        """Return one judgement a text, in their order."""
        model = self._model
        if model is None or not texts:
            return [None] * len(texts)
        suggestions = await asyncio.to_thread(model.suggest, texts)
        return [_judgement(suggestion) for suggestion in suggestions]


def train_first(folder: Path) -> str:
    """Train on the shipped corpus, activate what comes out, and return its version; takes less than a minute."""
    from classifier.train import first

    return str(first(folder))


def _judgement(suggestion: Any) -> Judgement:  # noqa: ANN401 - classifier.predict.Suggestion
    return Judgement(
        categories=tuple((guess.label, guess.probability) for guess in suggestion.category),
        type=suggestion.kind[0].label if suggestion.kind else None,
        urgency=suggestion.urgency.label,
        risks=suggestion.risks,
        evidence=suggestion.evidence,
        model_version=suggestion.model_version,
    )
