"""The command line: parse, call, print. Every command says what it does and how far it is.

Exit status: 0 done, 1 refused or failed with a sentence, 2 wrong usage, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hotline import config as settings
from hotline.errors import HotlineError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if "run" not in options:
        parser.print_help()
        return 2
    try:
        config = settings.read(os.environ)
        logging.basicConfig(level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s")
        status: int = options.run(options, config)
    except HotlineError as error:
        print(f"hotline: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hotline", description="12345 government hotline")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_service(commands)
    _add_data(commands)
    _add_rules(commands)
    _add_trials(commands)
    return parser


def _add_service(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser("demo", help="start everything with a demonstration city; Ctrl-C stops it")
    demo.add_argument("--day", type=int, default=200, metavar="N", help="tickets of the imported day (200)")
    demo.set_defaults(run=_demo)
    serve = commands.add_parser("serve", help="start the web server")
    serve.set_defaults(run=_serve)
    worker = commands.add_parser("worker", help="start a worker: judging, deadlines, notices")
    worker.add_argument("--name", default=f"worker-{os.getpid()}", help="how it is called in the heartbeat")
    worker.set_defaults(run=_worker)
    migrate = commands.add_parser("migrate", help="bring the database to this release")
    migrate.set_defaults(run=_migrate)
    check = commands.add_parser("check", help="say whether database, Redis and workers are well")
    check.set_defaults(run=_check)
    person = commands.add_parser("add-person", help="create a log-in; the password is asked for")
    for name in ("id", "name", "role", "department"):
        person.add_argument(name)
    person.set_defaults(run=_add_person)
    contact = commands.add_parser("add-contact", help="enter where a person or a unit is reached outside the pages")
    contact.add_argument("whom", help="a person's log-in name, or the code of a unit")
    contact.add_argument("channel", choices=("webhook", "wecom", "sms", "mail"))
    contact.add_argument("--role", help="for a unit: only what is for this role or for all")
    contact.add_argument("--kinds", default="", help="kinds of notices, with commas between them (all)")
    contact.set_defaults(run=_add_contact)
    listed = commands.add_parser("contacts", help="list who is reached where, addresses masked")
    listed.set_defaults(run=_contacts)
    ended = commands.add_parser("end-contact", help="reach nobody there any more")
    ended.add_argument("number", type=int)
    ended.set_defaults(run=_end_contact)
    found = commands.add_parser("found", help="enter the demonstration city's areas, units, categories and rules")
    found.set_defaults(run=_found)

    call = commands.add_parser("call", help="let a telephone ring at the running server, as the telephone system would")
    call.add_argument("phone", help="the caller's number, or '' for a withheld one")
    call.add_argument("--extension", default="", help="where it rings (nobody's)")
    call.add_argument("--event", choices=("ringing", "answered", "ended"), default="ringing", help="(ringing)")
    call.add_argument("--id", help="of an earlier call, for its later events")
    call.set_defaults(run=_call)


def _add_data(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    importer = commands.add_parser("import", help="read tickets from a .csv, .xlsx or .jsonl file")
    importer.add_argument("file", type=Path)
    importer.add_argument(
        "--source", required=True, help="where the file is from; with its numbers it prevents duplicates"
    )
    importer.add_argument(
        "--map", action="append", default=[], metavar="FIELD=COLUMN", help="which column is which field"
    )
    importer.add_argument("--encoding", help="of a text file, where it is not UTF-8 (for example gb18030)")
    importer.add_argument("--rejects", type=Path, help="where bad rows go (FILE.rejects.csv)")
    importer.set_defaults(run=_import)
    exporter = commands.add_parser("export", help="write tickets to a .csv, .xlsx or .jsonl file, callers masked")
    exporter.add_argument("file", type=Path)
    exporter.set_defaults(run=_export)

    explain = commands.add_parser(
        "explain", help="say why each deadline of a ticket is what it is, now or at a past moment"
    )
    explain.add_argument("ticket", type=int)
    explain.add_argument("--clock", type=int, metavar="N", help="only this one (all)")
    explain.add_argument("--at", default="", metavar="MOMENT", help="for example 2026-11-23T17:00:00 (now)")
    explain.add_argument("--json", action="store_true", help="print the cards as JSON")
    explain.set_defaults(run=_explain)

    calendar = commands.add_parser("calendar", help="show the working calendar, or read a year of it from a .csv file")
    calendar.add_argument("file", type=Path, nargs="?", help="date,kind,hours; holiday, workday, closed or open a line")
    calendar.add_argument("--year", type=int, help="the year to show (this one)")
    calendar.add_argument("--source", default="", help="the notice that it is from, with its number")
    calendar.add_argument("--draft", metavar="PERSON", help="keep it as this person's draft, for another to publish")
    calendar.set_defaults(run=_calendar)

    answers = commands.add_parser(
        "knowledge", help="say what a .csv file of answers would change in the knowledge base"
    )
    answers.add_argument("file", type=Path, help="编号,问题,答复,分类,单位,依据,生效日期,失效日期 in UTF-8 or GB18030")
    answers.add_argument("--reason", default="批量导入", help="why the answers are new or changed (批量导入)")
    answers.add_argument("--draft", metavar="PERSON", help="keep them as this person's drafts, for another to publish")
    answers.set_defaults(run=_knowledge)


def _add_rules(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    learner = commands.add_parser("learn", help="train a challenger from what departments kept; use it if it is better")
    learner.add_argument("--json", action="store_true", help="print the figures as JSON")
    learner.set_defaults(run=_learn)
    trying = commands.add_parser("try-rules", help="say what new rules would change, and try a catalogue on history")
    trying.add_argument("part", help="which part of the rulebook, for example catalogue")
    trying.add_argument("file", type=Path, help="the part as JSON; the catalogue also as CSV")
    trying.add_argument("--days", type=int, default=31, help="of history, up to now (31)")
    trying.add_argument("--json", action="store_true", help="print everything as JSON")
    trying.set_defaults(run=_try_rules)


def _add_trials(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    simulate = commands.add_parser("simulate", help="play a city against the real service and check every invariant")
    simulate.add_argument("--days", type=int, default=7)
    simulate.add_argument("--tickets-per-day", type=int, default=100)
    simulate.add_argument("--seed", type=int, default=1)
    simulate.add_argument("--json", action="store_true", help="print the report as JSON")
    simulate.set_defaults(run=_simulate)
    bench = commands.add_parser("bench", help="measure, always beside a bare baseline in the same run")
    bench.add_argument("what", choices=("intake", "board", "pages", "watch", "suggest"))
    bench.add_argument("--json", action="store_true", help="print the figures as JSON")
    bench.add_argument("--seconds", type=float, default=5.0, help="of each measurement (5)")
    bench.add_argument("--tickets", type=int, default=100_000, help="open tickets that are filled in (100000)")
    bench.add_argument("--asked", type=int, default=1_000, help="suggestions that `suggest` asks for (1000)")
    bench.add_argument("--clocks", type=int, default=10_000, help="running clocks that `watch` fills in (10000)")
    bench.add_argument("--chaos", action="store_true", help="`watch`: kill workers and servers while clocks come due")
    bench.add_argument("--seed", type=int, default=1, help="the dice of --chaos (1)")
    bench.add_argument("--model", choices=("first", "none"), default="first", help="that `pages` suggests with (first)")
    bench.add_argument(
        "--processes", type=int, default=1, help="web processes that `pages` shares its clients among (1)"
    )
    bench.set_defaults(run=_bench)


def _demo(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import demo

    return asyncio.run(demo.run(config, _say, tickets_of_the_day=options.day))


def _serve(_options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.serve(config, _say)


def _worker(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.work(config, options.name, _say)


def _migrate(_options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.migrate(config, _say)


def _check(_options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.check(config, _say)


def _add_person(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.add_person(config, options.id, options.name, options.role, options.department, _say)


def _add_contact(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    kinds = tuple(kind for kind in options.kinds.split(",") if kind)
    return serving.add_contact(config, options.whom, options.channel, role=options.role, kinds=kinds, say=_say)


def _contacts(_options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.list_contacts(config, _say)


def _end_contact(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.end_contact(config, options.number, _say)


def _found(_options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.found(config, _say)


def _call(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import telephone

    return telephone.ring(config, options.phone, options.extension, options.event, options.id, _say)


def _import(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.import_file(
        config,
        options.file,
        source=options.source,
        mapping=dict(pair.partition("=")[::2] for pair in options.map),
        encoding=options.encoding,
        rejects=options.rejects,
        say=_say,
    )


def _export(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.export_file(config, options.file, say=_say)


def _explain(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.explain(config, options.ticket, clock=options.clock, at=options.at, as_json=options.json, say=_say)


def _learn(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.learn(config, as_json=options.json, say=_say)


def _try_rules(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.try_rules(config, options.part, options.file, days=options.days, as_json=options.json, say=_say)


def _calendar(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    if options.file is None:
        return serving.show_calendar(config, options.year, _say)
    return serving.read_calendar(config, options.file, source=options.source, by=options.draft, say=_say)


def _knowledge(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import serving

    return serving.read_knowledge(config, options.file, reason=options.reason, by=options.draft, say=_say)


def _simulate(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import simulation

    return simulation.run(
        config,
        days=options.days,
        tickets_per_day=options.tickets_per_day,
        seed=options.seed,
        as_json=options.json,
        say=_say,
    )


def _bench(options: argparse.Namespace, config: settings.Config) -> int:
    if options.what == "watch":
        return _bench_watch(options, config)
    if options.what == "suggest":
        return _bench_suggest(options, config)
    if options.what == "pages":
        return _bench_pages(options, config)
    from hotline import bench

    return bench.run(
        config, options.what, seconds=options.seconds, number=options.tickets, as_json=options.json, say=_say
    )


def _bench_suggest(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import bench_suggest

    number, asked = options.tickets, options.asked
    return bench_suggest.run(config, number=number, asked=asked, as_json=options.json, say=_say)


def _bench_pages(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import bench_pages

    return bench_pages.run(
        config,
        number=options.tickets,
        seconds=options.seconds,
        processes=options.processes,
        with_model=options.model == "first",
        as_json=options.json,
        say=_say,
    )


def _bench_watch(options: argparse.Namespace, config: settings.Config) -> int:
    from hotline import bench_watch

    if options.chaos:
        trial = bench_watch.Trial(clocks=60_000, per_second=200, seconds=100, workers=3)
        return bench_watch.chaos(config, trial, seed=options.seed, as_json=options.json, say=_say)
    trial = bench_watch.Trial(clocks=options.clocks, per_second=200, seconds=15)
    return bench_watch.scale(config, trial, as_json=options.json, say=_say)


def _say(text: str) -> None:
    print(text, flush=True)
