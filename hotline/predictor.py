"""The model behind one `await`: what a text is about, judged in a thread so that no other request waits for long.

Knows no tickets. Without a model it says so by giving None for each text: then a person decides. It follows the
active model of its folder: a new one is loaded and tried in that thread and takes the old one's place in one step, a
judgement always comes from one model as a whole, and a model that is refused leaves the old one where it is.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from time import monotonic
from typing import Any

_log = logging.getLogger(__name__)
AT_ONCE = 50
"""Texts of a batch that are judged before a waiting suggestion gets its turn."""
TOGETHER = 8
"""Texts of people who type at once that are judged in one go: together they take a third of what they take singly."""
AT_HAND_CHARACTERS = 600
"""What one person has typed, up to this length, is judged in the loop's own thread, for two or three milliseconds.

To hand it to a thread that sleeps, and back, takes half as long again, and the loop waits for the interpreter's lock.
"""
TRY_AGAIN_SECONDS = 60.0
"""How long a refused version is left alone while nobody activates another one."""
_FIRST_TEXT = "路灯不亮"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the model makes of one text: everything with calibrated probabilities, the best first.

    `levels`: the likeliest category of two, of four and of six digits; each is worth having where the next is unsure.
    `risk_words`: what was said that speaks of `risks`; `type_evidence`: what was said that decided on the type, and so
    with urgency and area. `risk_probabilities` are in the order of `risks`.
    `doubted_areas`: areas where this model's promise was measured not to be kept.
    """

    categories: tuple[tuple[str, float], ...]
    type: str | None
    urgency: str | None
    risks: tuple[str, ...]
    evidence: tuple[str, ...]
    model_version: str
    levels: tuple[tuple[str, float], ...] = ()
    types: tuple[tuple[str, float], ...] = ()
    area: str | None = None
    risk_words: tuple[str, ...] = ()
    type_evidence: tuple[str, ...] = ()
    urgency_probability: float | None = None
    urgency_evidence: tuple[str, ...] = ()
    risk_probabilities: tuple[float, ...] = ()
    area_probability: float | None = None
    area_evidence: tuple[str, ...] = ()
    doubted_areas: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Promised:
    """What a model promises of categories of so many digits, and what it kept on texts that it had not seen.

    `low` and `high` hold the true precision with 95 %; `precision` is None where nothing was sure enough. `on` are the
    texts.
    """

    digits: str
    asked: float
    coverage: float
    precision: float | None
    low: float
    high: float
    on: str

    def __str__(self) -> str:
        asked = f"categories of {self.digits} digits, {self.asked:.0%} asked"
        if self.precision is None:
            return f"{asked}: sure of none of {self.on}"
        held = f"{self.precision:.1%} [{self.low:.1%}, {self.high:.1%}]"
        return f"{asked}: {held} right of the {self.coverage:.0%} that it was sure of, {self.on}"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a model's deepest categories came to on texts that it had not seen, from a stated probability on.

    `low` and `high` hold the true precision with 95 %; `precision` is None where no text came up to it.
    """

    probability: float
    coverage: float
    precision: float | None
    low: float
    high: float
    on: str

    def __str__(self) -> str:
        if self.precision is None:
            return f"from a probability of {self.probability:.0%} on: none of {self.on}"
        held = f"{self.precision:.1%} [{self.low:.1%}, {self.high:.1%}]"
        return f"from a probability of {self.probability:.0%} on: {held} right of {self.coverage:.0%} of {self.on}"


class Predictor:
    """The loaded model, or none. `fault` says why the active version is not the one in use; empty when it is."""

    def __init__(self, folder: Path | None = None) -> None:
        self.fault = ""
        self._folder = folder
        self._model: Any = None
        self._refused = ""
        self._refused_at = 0.0
        # One thread: the work holds the interpreter's lock anyway, and two of them would only take turns more often.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="model")
        self._typed: deque[tuple[str, asyncio.Future[Judgement | None]]] = deque()
        self._typing: asyncio.Task[None] | None = None

    @property
    def version(self) -> str:
        """The version of the model in use; empty when there is none."""
        return str(self._model.version) if self._model else ""

    def promised(self) -> list[Promised]:
        """Return what the model in use promises and keeps, level by level, by the newest weeks too where it knows."""
        return [one for told, on in self._tried_on() for one in _promised(told, on)]

    def delivered(self, probability: float) -> list[Delivered]:
        """Return what sending from a probability on comes to, out of fold and by the newest weeks where they are known.

        Told of the highest stated probability that is not above it; a model of an earlier release tells nothing.
        """
        found = (_delivered(told, on, probability) for told, on in self._tried_on())
        return [one for one in found if one]

    def _tried_on(self) -> Iterator[tuple[Mapping[str, Any], str]]:
        """The parts of the card that tell figures, and of which texts each does."""
        card: Mapping[str, Any] = self._model.card if self._model else {}
        later = card.get("time", {})
        yield card, "the texts out of fold"
        if "newest" in later:
            yield later, f"the {later['newest']} newest texts"

    async def refresh(self) -> bool:
        """Take the active version into use if it is another one; return whether anything changed.

        What cannot be loaded is logged once and told in `fault`; the model in use stays in use.
        """
        wanted = self._wanted()
        if wanted == self.version:
            changed, self.fault, self._refused = bool(self.fault), "", ""
            return changed
        if (
            self._folder is None
            or not wanted
            or (wanted == self._refused and monotonic() - self._refused_at < TRY_AGAIN_SECONDS)
        ):
            return False
        from classifier.registry import RegistryError

        try:
            model = await asyncio.get_running_loop().run_in_executor(self._thread, _tried, self._folder, wanted)
        except (RegistryError, OSError, ValueError, KeyError) as error:
            if wanted != self._refused:
                _log.error("model %s is refused, %s stays in use: %s", wanted, self.version or "none", error)
            self.fault, self._refused, self._refused_at = f"{wanted}: {error}", wanted, monotonic()
            return True
        before, self._model = self.version, model
        self.fault, self._refused = "", ""
        _log.info("model %s is in use, before it %s", wanted, before or "none")
        return True

    def _wanted(self) -> str:
        """The name in the folder's pointer, some thirty bytes that are read in microseconds; empty if there is none."""
        if self._folder is None:
            return ""
        try:
            return (self._folder / "active").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""

    async def judge(self, texts: Sequence[str]) -> list[Judgement | None]:
        """Return one judgement a text, in their order, all of one model."""
        model = self._model
        if model is None or not texts:
            return [None] * len(texts)
        loop, found = asyncio.get_running_loop(), []
        for start in range(0, len(texts), AT_ONCE):
            part = texts[start : start + AT_ONCE]
            found += await loop.run_in_executor(self._thread, model.suggest, part)
        return [_judgement(suggestion) for suggestion in found]

    async def _judge_soon(self, texts: Sequence[str]) -> Sequence[Judgement | None]:
        at_hand = self._model is not None and sum(map(len, texts)) <= AT_HAND_CHARACTERS
        return self.judge_here(texts) if at_hand else await self.judge(texts)

    def judge_here(self, texts: Sequence[str]) -> list[Judgement]:
        """Judge in the caller's own thread, nobody else served meanwhile: what a measurement compares with."""
        return [_judgement(suggestion) for suggestion in self._model.suggest(texts)]

    async def suggest(self, text: str) -> Judgement | None:
        """Return what a text still being typed is about; None without a model or without a text.

        Texts that come while another is being judged wait for it and are then judged together.
        """
        if not text.strip():
            return None
        told: asyncio.Future[Judgement | None] = asyncio.get_running_loop().create_future()
        self._typed.append((text, told))
        if self._typing is None:
            self._typing = asyncio.create_task(self._judge_typed())
        return await told

    async def _judge_typed(self) -> None:
        """Judge what waits until nothing does; who has stopped waiting is passed over."""
        try:
            while self._typed:
                taken = [self._typed.popleft() for _ in range(min(TOGETHER, len(self._typed)))]
                await self._tell([(text, told) for text, told in taken if not told.done()])
        finally:
            self._typing = None

    async def _tell(self, asked: Sequence[tuple[str, asyncio.Future[Judgement | None]]]) -> None:
        """Give each what the model makes of the text, or the error that it came to; never raises one itself."""
        try:
            judged = await self._judge_soon([text for text, _ in asked])
        except Exception as error:  # noqa: BLE001 - whoever waits gets it, and whoever comes next is still judged
            for _, told in asked:
                if not told.done():
                    told.set_exception(error)
            return
        for (_, told), judgement in zip(asked, judged, strict=True):
            if not told.done():
                told.set_result(judgement)


def spoken(title: str, text: str) -> str:
    """Return what the model is asked of a ticket; a title that only repeats how the text begins is not said twice."""
    title = title.strip()
    return text if text.lstrip().startswith(title) else f"{title}\n{text}"


def _promised(told: Mapping[str, Any], on: str) -> list[Promised]:
    question = told.get("questions", {}).get("category", {"levels": {}})
    found = []
    for digits, level in question["levels"].items():
        low, high = level["precision_interval"]
        found.append(Promised(digits, question["promise"], level["coverage"], level["precision"], low, high, on))
    return found


def _delivered(told: Mapping[str, Any], on: str, probability: float) -> Delivered | None:
    levels = told.get("questions", {}).get("category", {}).get("levels", {})
    stated = levels[max(levels)].get("from", ()) if levels else ()
    below = [one for one in stated if one["probability"] <= probability]
    if not below:
        return None
    low, high = below[-1]["precision_interval"]
    return Delivered(below[-1]["probability"], below[-1]["coverage"], below[-1]["precision"], low, high, on)


def challenged(
    folder: Path, own: Sequence[Mapping[str, Any]], pool: Sequence[Mapping[str, Any]], at: datetime
) -> dict[str, Any]:
    """Train a challenger, try it and activate it if it wins; plain values, for it runs in a process of its own."""
    from classifier import challenge, train
    from classifier.corpus import CorpusError
    from classifier.registry import RegistryError

    try:
        return challenge.plain(*challenge.challenge(folder, own, pool, at, lambda _: None, train.usual(_taxonomy())))
    except (CorpusError, RegistryError, ValueError) as error:
        return failed(error)


def failed(error: Exception) -> dict[str, Any]:
    """Return what a night comes to that an error ended, as `challenged` tells of one: nothing, and why."""
    why = {"why": f"{type(error).__name__}: {error}"[:500]}
    return {"champion": "", "challenger": "", "verdict": "failed", "activated": False, "facts": why, "teaching": []}


def stand_back() -> None:
    """Give this process the lowest priority and one core: who serves people comes first. It ends with its parent."""
    os.nice(19)
    threading.Thread(target=_end_with_parent, daemon=True, name="orphan").start()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _end_with_parent() -> None:
    """A worker that was killed in the middle of the night leaves nobody behind who would wait for work for ever."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def train_first(folder: Path) -> str:
    """Train on the shipped corpus, activate what comes out, and return its version; takes less than a minute."""
    from classifier.train import first

    return str(first(folder, taxonomy=_taxonomy()))


def _taxonomy() -> Path:
    return Path(str(resources.files("hotline") / "data" / "categories.csv"))


def _tried(folder: Path, version: str) -> Any:  # noqa: ANN401 - classifier.predict.Model
    """Return a model that has judged a text already: what is made ready at the first one is ready."""
    from threadpoolctl import threadpool_limits

    from classifier.registry import load  # scikit-learn takes a second to import; only who judges pays for it

    # The products of one text are tiny: a second thread of BLAS spins for longer than it computes, on a core that the
    # loop or the database wants. It trebles what a batch takes of the processor. Training has a process of its own.
    threadpool_limits(1, user_api="blas")
    model = load(folder, version)
    model.suggest([_FIRST_TEXT])
    # What lives as long as the process need not be gone through by every full collection, which holds up all threads.
    gc.freeze()
    return model


def _judgement(suggestion: Any) -> Judgement:  # noqa: ANN401 - classifier.predict.Suggestion
    categories = tuple((guess.label, guess.probability) for guess in suggestion.category)
    wider = tuple((guess.label, guess.probability) for guess in (suggestion.level_1, suggestion.level_2))
    return Judgement(
        categories=categories,
        type=suggestion.kind[0].label if suggestion.kind else None,
        urgency=suggestion.urgency.label,
        risks=tuple(alarm.risk for alarm in suggestion.risks),
        evidence=suggestion.evidence,
        model_version=suggestion.model_version,
        levels=(*wider, *categories[:1]),
        types=tuple((guess.label, guess.probability) for guess in suggestion.kind),
        area=suggestion.area.code if suggestion.area else None,
        area_probability=suggestion.area.probability if suggestion.area else None,
        area_evidence=suggestion.area.names if suggestion.area else (),
        risk_words=tuple(dict.fromkeys(word for alarm in suggestion.risks for word in alarm.evidence)),
        type_evidence=suggestion.kind_evidence,
        urgency_probability=suggestion.urgency.probability,
        urgency_evidence=suggestion.urgency_evidence,
        risk_probabilities=tuple(alarm.probability for alarm in suggestion.risks),
        doubted_areas=suggestion.doubted_areas,
    )
