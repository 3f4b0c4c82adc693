"""The harbour's own errors: facts in fields, and one English sentence that says what was asked, why not, what now.

What the lifecycle refuses is in `dispatch.errors`. What a user reads is worded in Chinese by `web.words`, from the
code and the fields; nothing here knows HTTP. They are `dataclass(eq=False)` and not frozen, because an exception that
leaves a context manager gets its traceback assigned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(eq=False)
class HotlineError(Exception):
    """The base of what the harbour raises on purpose; `code` names the kind for machines and never changes."""

    code: ClassVar[str] = "error"

    def __str__(self) -> str:
        return self.sentence()

    def sentence(self) -> str:
        return self.code


@dataclass(eq=False)
class ConfigError(HotlineError):
    """The environment has faults; all of them, each with an example of how it should be."""

    code: ClassVar[str] = "bad_configuration"
    faults: tuple[str, ...]

    def sentence(self) -> str:
        return "; ".join(self.faults)


@dataclass(eq=False)
class NotFound(HotlineError):
    code: ClassVar[str] = "not_found"
    kind: str
    key: object

    def sentence(self) -> str:
        return f"there is no {self.kind} {self.key}"


@dataclass(eq=False)
class StaleTicket(HotlineError):
    """The ticket moved since it was shown; `changes` says what happened meanwhile, the oldest first."""

    code: ClassVar[str] = "stale_ticket"
    ticket_id: int
    expected: int
    actual: int
    changes: Sequence[Mapping[str, object]] = ()

    def sentence(self) -> str:
        return (
            f"ticket {self.ticket_id} has moved: the page showed version {self.expected}, it is at {self.actual} now; "
            "load it again and decide on what it says"
        )


@dataclass(eq=False)
class NotInBulk(HotlineError):
    """A ticket that a person must look at by itself cannot be dispatched together with others; `reason` says why."""

    code: ClassVar[str] = "not_in_bulk"
    ticket_id: int
    reason: str

    def sentence(self) -> str:
        return f"ticket {self.ticket_id} is left out of what is done for many at once: {self.reason}; open it by itself"


@dataclass(eq=False)
class DoubtfulReply(HotlineError):
    """A reply raises doubts that whoever sends it has not confirmed; `remarks` says which, and why."""

    code: ClassVar[str] = "doubtful_reply"
    ticket_id: int
    remarks: Sequence[Mapping[str, object]] = ()

    def sentence(self) -> str:
        doubts = ", ".join(str(one["caution"]) for one in self.remarks)
        return f"the reply to ticket {self.ticket_id} raises doubts: {doubts}; change it, or confirm them"


@dataclass(eq=False)
class Forbidden(HotlineError):
    """`actor` may not do `what`; `why` is a clause that fits after 'because'."""

    code: ClassVar[str] = "forbidden"
    actor: str
    what: str
    why: str

    def sentence(self) -> str:
        return f"{self.actor} may not {self.what}: {self.why}"


@dataclass(eq=False)
class BadInput(HotlineError):
    """A value cannot be taken; `allowed` says what could be. The value is shown shortened: it may be a whole file."""

    code: ClassVar[str] = "bad_input"
    field: str
    value: object
    problem: str
    allowed: str = ""

    def sentence(self) -> str:
        shown = repr(self.value)
        shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"
        return f"{self.field} {shown} {self.problem}" + (f"; allowed: {self.allowed}" if self.allowed else "")


LONGEST_SHOWN = 80


@dataclass(eq=False)
class Unavailable(HotlineError):
    """Something we depend on is away for now; the same call may be tried again after `retry_after` seconds."""

    code: ClassVar[str] = "unavailable"
    what: str
    retry_after: int = 2

    def sentence(self) -> str:
        return f"{self.what} cannot be reached at the moment; try again in {self.retry_after} s"


@dataclass(eq=False)
class TooManyRequests(HotlineError):
    """Somebody asked too often; `retry_after` are seconds."""

    code: ClassVar[str] = "too_many_requests"
    retry_after: int = 600

    def sentence(self) -> str:
        return f"asked too often; try again in {self.retry_after} s"


@dataclass(eq=False)
class BadCode(HotlineError):
    """No such number, or not its query code; which, is not said."""

    code: ClassVar[str] = "bad_code"

    def sentence(self) -> str:
        return "the number or the query code is wrong"


@dataclass(eq=False)
class BadSignature(HotlineError):
    """A message that must be signed is not, or not by whoever knows the secret, or too long ago."""

    code: ClassVar[str] = "bad_signature"
    problem: str

    def sentence(self) -> str:
        return f"the signature cannot be accepted: {self.problem}"


@dataclass(eq=False)
class CallTaken(HotlineError):
    """Another agent has this call, or what was typed for it, in hand; `holder` is their name, '' if unknown."""

    code: ClassVar[str] = "call_taken"
    call: str
    holder: str

    def sentence(self) -> str:
        return f"call {self.call} is in the hand of {self.holder or 'another agent'}"


@dataclass(eq=False)
class MigrationRefused(HotlineError):
    """The database and this release do not fit; nothing was changed."""

    code: ClassVar[str] = "migration_refused"
    problems: tuple[str, ...]

    def sentence(self) -> str:
        return "the database was not migrated: " + "; ".join(self.problems)


@dataclass(eq=False)
class ServerFailed(HotlineError):
    """An embedded server did not start or stop; `log` is the end of what it wrote."""

    code: ClassVar[str] = "server_failed"
    server: str
    problem: str
    log: str = field(default="", repr=False)

    def sentence(self) -> str:
        return f"{self.server}: {self.problem}" + (f"\n{self.log}" if self.log else "")
