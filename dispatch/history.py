"""What an event changed, and the ticket that its events replay to.

Every event keeps the fields that it left different, parts by their number. So an event says what changed, a stale
page can be told what it missed, and the ticket can be rebuilt from its events alone, years later, whatever the
rules have become meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from dispatch.lifecycle import Decided
from dispatch.model import Term, Ticket

T = TypeVar("T")
PARTS = ("callers", "assignments", "requests", "orders", "clocks")
"""The fields of a ticket that hold numbered parts."""


def changes(decided: Decided) -> dict[str, object]:
    """Return the fields that differ after the move; a removed part is None. Values are dataclasses and plain types."""
    before, after = decided.before, decided.after
    changed: dict[str, object] = {}
    for name, default in _fields_of_ticket():
        new = getattr(after, name)
        old = default if before is None else getattr(before, name)
        if new is old or new == old:
            continue
        changed[name] = _part_changes(() if old is MISSING else old, new) if name in PARTS else new
    return changed


@cache
def _fields_of_ticket() -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in fields(Ticket))


def _part_changes(old: tuple[Any, ...], new: tuple[Any, ...]) -> dict[str, object]:
    before = {part.number: part for part in old}
    after = {part.number: part for part in new}
    changed: dict[str, object] = {str(number): part for number, part in after.items() if before.get(number) != part}
    return changed | {str(number): None for number in before if number not in after}


def replay(events: Iterable[Mapping[str, Any]]) -> Ticket:
    """Return the ticket that the `changes` of its events, read back from JSON and in order, leave behind.

    Raises ValueError when there are none.
    """
    state: dict[str, Any] = {}
    parts: dict[str, dict[int, Any]] = {name: {} for name in PARTS}
    for event in events:
        for name, value in event.items():
            if name in PARTS:
                parts[name] |= {int(number): part for number, part in value.items()}
            else:
                state[name] = value
    if not state:
        message = "no events: there is nothing to replay"
        raise ValueError(message)
    for name, found in parts.items():
        state[name] = [found[number] for number in sorted(found) if found[number] is not None]
    return build(Ticket, state)


def build(type_: type[T], values: Mapping[str, Any]) -> T:
    """Return a dataclass of `type_` from JSON-like `values`: codes, ISO moments and nested parts are converted.

    Names in `values` that the class does not have are passed over.
    """
    readers = _READERS.get(type_)
    if readers is None:
        hints = get_type_hints(type_)
        readers = _READERS[type_] = {field.name: _reader(hints[field.name]) for field in fields(type_)}  # type: ignore[arg-type]  # always a dataclass
    return type_(**{name: reader(values[name]) for name, reader in readers.items() if name in values})


_Reader = Callable[[Any], Any]
_READERS: dict[type[Any], dict[str, _Reader]] = {}


def _reader(hint: Any) -> _Reader:  # noqa: ANN401 - a type form
    if get_origin(hint) in (Union, UnionType):
        inner = _reader(next(one for one in get_args(hint) if one is not NoneType))
        return lambda value: None if value is None else inner(value)
    if get_origin(hint) is tuple:
        inner = _reader(get_args(hint)[0])
        return lambda value: tuple(map(inner, value))
    if is_dataclass(hint):
        return lambda value: value if isinstance(value, hint) else build(hint, value)  # type: ignore[arg-type]
    if hint is datetime:
        return _moment
    if issubclass(hint, Term):
        return {term.value: term for term in hint}.__getitem__
    return lambda value: value


def _moment(value: Any) -> datetime:  # noqa: ANN401 - whatever JSON holds
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
