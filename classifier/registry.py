"""Versions of models in a folder: each immutable, with its card; one of them active.

    models/active                  the name of the active version; replaced in one step
    models/before                  the name of the one that was active before it
    models/<version>/model.json    labels, calibration, vocabulary, and the hash of arrays.npz
    models/<version>/arrays.npz    numbers only, read with pickling forbidden
    models/<version>/card.json     what it was made of and what it is worth, with the hash of model.json
    models/<version>/calibration.svg

Nothing that could run code is ever loaded. A load refuses a wrong hash, another scikit-learn minor version, and a
type it does not know, and says what to do instead. Trains nothing.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import sklearn
from numpy.typing import NDArray

from classifier import features, speech
from classifier.linear import Head
from classifier.places import Places
from classifier.predict import Judge, Model
from classifier.trust import Curve, Level

TYPE: Final = "classifier.predict.Model/2"
WITHOUT_ACTS: Final = "classifier.predict.Model/1"
"""What releases stored that judged types by words alone; such models are read as they were."""
ACTIVE: Final = "active"
BEFORE: Final = "before"
HELD: Final = "held"
_NUMBERS: Final = {"float32", "int8"}
_ACTS: Final = ("usual", "spread", "weights")
_JUDGES: Final = ("category", "kind", "urgency")


class RegistryError(Exception):
    """A model cannot be stored, loaded or activated; the message says why and what to do."""


def active_version(folder: Path) -> str | None:
    """Return the name of the active version, or None if none was ever activated."""
    try:
        return (folder / ACTIVE).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None


def versions(folder: Path) -> list[str]:
    """Return the names of all stored versions, the oldest name first."""
    return sorted(path.parent.name for path in folder.glob("*/card.json")) if folder.is_dir() else []


def activate(folder: Path, version: str) -> None:
    """Make `version` the active one, in one step that a reader sees whole; what cannot be loaded is refused.

    It is held no longer, if it was.
    """
    load(folder, version)
    before = active_version(folder)
    if before not in (None, version):
        _point(folder, BEFORE, str(before))
    _point(folder, ACTIVE, version)
    (folder / HELD).unlink(missing_ok=True)


def left(folder: Path) -> str:
    """Return the version that was left by rolling back, empty if none was: until then no challenger is activated."""
    try:
        return (folder / HELD).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""


def roll_back(folder: Path) -> str:
    """Make the version active again that was so before, and return it; once more leads forward again.

    It is held: whoever rolls back has a reason that a challenger of the next night, trained much the same, knows
    nothing of. To activate a version by name lets challengers in again.
    """
    try:
        before = (folder / BEFORE).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        known = ", ".join(versions(folder)) or "none"
        raise RegistryError(f"no version was active before in {folder}; activate one of: {known}") from None
    away_from = active_version(folder)
    activate(folder, before)
    _point(folder, HELD, away_from or "")
    return before


def _point(folder: Path, name: str, version: str) -> None:
    draft = folder / f".{name}.{os.getpid()}"
    draft.write_text(version + "\n", encoding="utf-8")
    draft.replace(folder / name)


def card(folder: Path, version: str | None = None) -> dict[str, Any]:
    """Return the card of a version, or of the active one."""
    path = folder / _chosen(folder, version) / "card.json"
    if not path.is_file():
        raise RegistryError(f"{path} is missing; there are: {', '.join(versions(folder)) or 'none'}")
    return dict(_json(path.read_bytes(), path))


def save(folder: Path, model: Model, pictures: Mapping[str, str]) -> Path:
    """Store a model with its card and pictures (file name → SVG) and return its folder; a version never changes.

    Storing the same version again with the same content changes nothing; with another content it is refused.
    """
    arrays = _arrays_bytes(model)
    described = _json_bytes(_described(model, hashlib.sha256(arrays).hexdigest()))
    carded = _json_bytes(
        {**model.card, "version": model.version, "model_sha256": hashlib.sha256(described).hexdigest()}
    )
    files = {"arrays.npz": arrays, "model.json": described, "card.json": carded}
    files |= {name: content.encode() for name, content in pictures.items()}
    home = folder / model.version
    if home.exists():
        if (home / "model.json").read_bytes() != described:
            raise RegistryError(f"{home} exists with another content; versions are immutable: train under another name")
        return home
    draft = folder / f".{model.version}.{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, content in files.items():
        (draft / name).write_bytes(content)
    draft.rename(home)
    return home


def load(folder: Path, version: str | None = None) -> Model:
    """Return the model of a version, or of the active one; raises RegistryError with what to do."""
    chosen = _chosen(folder, version)
    home = folder / chosen
    described_card = card(folder, chosen)
    described = _json(_checked(home / "model.json", str(described_card.get("model_sha256"))), home / "model.json")
    if described.get("type") not in (TYPE, WITHOUT_ACTS):
        raise RegistryError(
            f"{home} is of type {described.get('type')!r}, not {TYPE!r}: train it anew with this release"
        )
    _refuse_other_library(home, described_card)
    arrays = _read_arrays(_checked(home / "arrays.npz", str(described.get("arrays_sha256"))), home)
    return _model(chosen, described, arrays, described_card)


def _chosen(folder: Path, version: str | None) -> str:
    chosen = version or active_version(folder)
    if chosen is None:
        raise RegistryError(
            f"no active model in {folder}: run `python -m classifier train --models {folder} --activate`"
        )
    if Path(chosen).name != chosen or chosen.startswith("."):
        raise RegistryError(f"{chosen!r} is not the name of a version")
    return chosen


def _checked(path: Path, expected: str) -> bytes:
    """The content of a file whose hash is as its card says."""
    if not path.is_file():
        raise RegistryError(f"{path} is missing: restore the folder from a backup or activate another version")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise RegistryError(
            f"{path} is not what was stored (its hash differs): do not use it; restore it from a backup, "
            "activate another version, or train anew"
        )
    return content


def _refuse_other_library(home: Path, described: Mapping[str, Any]) -> None:
    made = str(described.get("libraries", {}).get("scikit-learn", ""))
    if made.split(".")[:2] != sklearn.__version__.split(".")[:2]:
        raise RegistryError(
            f"{home} was made with scikit-learn {made or 'unknown'}, here is {sklearn.__version__}: "
            "train it anew, or install the version it was made with"
        )


def _described(model: Model, arrays_sha256: str) -> dict[str, Any]:
    judges = {
        name: {
            "labels": judge.head.labels,
            "warmth": judge.warmth,
            "widths": judge.widths,
            "levels": [asdict(level) for level in judge.levels],
            "acts": judge.acts.acts.lines if judge.acts else (),
        }
        for name, judge in model.judges.items()
    }
    return {
        "type": TYPE,
        "arrays_sha256": arrays_sha256,
        "recipe": asdict(model.features.recipe),
        "vocabulary": model.features.vocabulary,
        "judges": judges,
        "places": dict(model.places.names),
        "places_trust": model.places.trust,
        "doubted_areas": sorted(model.doubted_areas),
    }


def _arrays_bytes(model: Model) -> bytes:
    """All arrays as .npz; weights as whole numbers of 8 bits with one scale a label, a quarter of the size."""
    arrays: dict[str, NDArray[Any]] = {"idf": model.features.weights}
    for name, judge in model.judges.items():
        if judge.head.second is not None:
            raise RegistryError(f"{model.version} has scores of second degree, which are not stored yet: train without")
        whole, scale = quantised(judge.head.weights)
        arrays |= {f"{name}.weights": whole, f"{name}.scale": scale, f"{name}.bias": judge.head.bias}
        arrays |= {f"{name}.acts.{part}": getattr(judge.acts, part) for part in _ACTS if judge.acts}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # allow_pickle is no array of ours
    return buffer.getvalue()


def quantised(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return (whole, scale): whole numbers of 8 bits, shape (features, labels), and one scale a label."""
    scale = np.maximum(np.abs(weights).max(axis=0), np.float32(1e-12)) / np.float32(127)
    return np.rint(weights / scale).astype(np.int8), scale.astype(np.float32)


def restored(whole: NDArray[np.int8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the weights that `quantised` stored, shape (features, labels)."""
    return whole.astype(np.float32) * scale


def _read_arrays(content: bytes, home: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except ValueError as error:
        raise RegistryError(
            f"{home}/arrays.npz holds what is not an array of numbers ({error}): train it anew"
        ) from error
    strange = {name: str(array.dtype) for name, array in arrays.items() if str(array.dtype) not in _NUMBERS}
    if strange:
        raise RegistryError(f"{home}/arrays.npz holds types that are not trusted: {strange}; train it anew")
    return arrays


def _model(
    version: str, described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], carded: Mapping[str, Any]
) -> Model:
    recipe = described["recipe"]
    learned = features.build(
        features.Recipe(tuple(recipe["characters"]), int(recipe["least"]), int(recipe["most"])),
        described["vocabulary"],
        arrays["idf"],
    )
    judges = {name: _judge(name, described["judges"][name], arrays) for name in _JUDGES}
    doubted = frozenset(described.get("doubted_areas", ()))
    return Model(version, learned, judges, _places(described), dict(carded), doubted)


def _judge(name: str, told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Judge:
    weights = restored(arrays[f"{name}.weights"], arrays[f"{name}.scale"])
    head = Head(tuple(told["labels"]), weights, arrays[f"{name}.bias"])
    levels = tuple(Level(_curve(level["curve"]), level["threshold"], level["floor"]) for level in told["levels"])
    return Judge(head, float(told["warmth"]), tuple(told["widths"]), levels, _acts(name, told, arrays))


def _acts(name: str, told: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> speech.Head | None:
    """The acts of a question with the expressions that they were learned with, whatever this release ships."""
    if not told.get("acts"):
        return None
    acts = speech.Acts(tuple((act, tuple(expressions)) for act, expressions in told["acts"]))
    head = speech.Head(acts, **{part: arrays[f"{name}.acts.{part}"] for part in _ACTS})
    if head.weights.shape != (acts.width, len(told["labels"])):
        raise RegistryError(
            f"{name}: acts of shape {head.weights.shape}, not {acts.width} measures as here: train it anew"
        )
    return head


def _places(described: Mapping[str, Any]) -> Places:
    """Places of a release that did not measure how far to trust them get what it asked of each name."""
    names, trust = dict(described["places"]), described.get("places_trust")
    return Places(names, (trust[0], trust[1])) if trust else Places(names)


def _curve(told: Mapping[str, Any]) -> Curve:
    return Curve(**{**told, "by_label": tuple(told.get("by_label", ()))})


def _json(content: bytes, path: Path) -> dict[str, Any]:
    try:
        read = json.loads(content)
    except ValueError as error:
        raise RegistryError(f"{path} is not JSON: restore it from a backup or train anew") from error
    if not isinstance(read, dict):
        raise RegistryError(f"{path} does not hold an object: train anew")
    return read


def _json_bytes(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=None, sort_keys=True).encode()
