"""The command line: python -m classifier train | evaluate | show | activate.

Parses, calls, prints; progress goes to standard error, figures to standard output, as JSON with `--json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from classifier import card, corpus, cues, registry, trust
from classifier.corpus import CorpusError
from classifier.evaluate import base, coldstart, dangers, departments, kinds, labelled
from classifier.registry import RegistryError

Run = Callable[[argparse.Namespace], dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns 0, or 1 with a sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        answer = options.run(options)
    except FileNotFoundError as error:
        sys.stderr.write(f"classifier: there is no file {error.filename}\n")
        return 1
    except (RegistryError, ValueError, OSError) as error:
        sys.stderr.write(f"classifier: {error}\n")
        return 1
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=None if options.json else 2) + "\n")
    return 0


def _train(options: argparse.Namespace) -> dict[str, Any]:
    from classifier import train  # scikit-learn takes a second to import

    started = time.perf_counter()
    if not 0 < options.promise < 1:
        raise ValueError(f"a promise lies between 0 and 1, as 0.98; {options.promise} does not")
    examples = corpus.read(options.corpus)
    faults = corpus.problems(examples)
    if faults and not options.anyway:
        raise CorpusError("; ".join(faults[:20]) + " (--anyway trains all the same)")
    hints = cues.shipped().hints() if options.cues else cues.Hints()
    hints += cues.described(options.taxonomy) if options.taxonomy else cues.Hints()
    setting = train.Setting(promise=trust.Promise(precision=options.promise), hints=hints)
    model = train.train(examples, setting, _progress, anyway=options.anyway)
    home = registry.save(options.models, model, card.pictures(model.card))
    if options.activate:
        registry.activate(options.models, model.version)
    size = sum(path.stat().st_size for path in home.iterdir())
    return {
        "version": model.version,
        "folder": str(home),
        "megabytes": round(size / 1e6, 2),
        "seconds": round(time.perf_counter() - started, 1),
        "active": registry.active_version(options.models),
        "leaks": model.card["leaks"],
        "questions": _brief(model.card["questions"]),
        "time": _later(model.card["time"]),
    }


def _later(told: Mapping[str, Any]) -> dict[str, Any]:
    """The figures on the newest part without their long lists, or why there are none."""
    return {**told, "questions": _brief(told["questions"])} if "questions" in told else dict(told)


def _show(options: argparse.Namespace) -> dict[str, Any]:
    told = registry.card(options.models, options.version)
    return {
        "active": registry.active_version(options.models),
        "versions": registry.versions(options.models),
        "card": told,
    }


def _activate(options: argparse.Namespace) -> dict[str, Any]:
    before = registry.active_version(options.models)
    if bool(options.version) == options.back:
        raise RegistryError("name a version, or --back for the one that was active before")
    if options.back:
        registry.roll_back(options.models)
    else:
        registry.activate(options.models, options.version)
    return {"active": registry.active_version(options.models), "before": before}


def _brief(questions: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a card without its long lists."""
    long = {"reliability", "confusions", "classes"}
    return {
        name: {
            width: {key: value for key, value in told.items() if key not in long}
            for width, told in question["levels"].items()
        }
        for name, question in questions.items()
    }


def _progress(step: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {step}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m classifier", description="Train, evaluate, show and activate models."
    )
    commands = parser.add_subparsers(required=True, metavar="train | evaluate | show | activate")
    learn = _command(commands, "train", _train, "learn a model from a corpus and store it as a new version")
    learn.add_argument(
        "--corpus",
        type=Path,
        default=corpus.shipped(),
        help="a .jsonl file, a .csv table, or a folder of them (the shipped one)",
    )
    learn.add_argument("--models", type=Path, default=Path("models"), help="the folder of versions (models)")
    learn.add_argument("--promise", type=float, default=0.98, help="the precision that a sure category keeps (0.98)")
    learn.add_argument(
        "--cues",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="learn from our cue words too, where the corpus has their codes",
    )
    learn.add_argument("--taxonomy", type=Path, help="learn from the names in a CSV file too: code, name[, remark]")
    learn.add_argument("--activate", action="store_true", help="put the new version into use")
    learn.add_argument("--anyway", action="store_true", help="train although the corpus has problems")
    show = _command(commands, "show", _show, "print the card of a version")
    show.add_argument("version", nargs="?", help="the active one if left out")
    show.add_argument("--models", type=Path, default=Path("models"))
    activate = _command(commands, "activate", _activate, "put a version into use, also in running processes")
    activate.add_argument("version", nargs="?")
    activate.add_argument("--back", action="store_true", help="roll back to the version that was active before")
    activate.add_argument("--models", type=Path, default=Path("models"))
    figures = commands.add_parser("evaluate", help="print the figures of the issue on messages with known labels")
    questions = figures.add_subparsers(
        required=True, metavar="labelled | coldstart | curve | types | departments | risks"
    )
    for module in (labelled, coldstart, kinds, departments, dangers):
        module.add_command(questions, _progress)
    return parser


def _command(commands: base.Commands, name: str, run: Run, said: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=said, description=said)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
