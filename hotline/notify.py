"""Notices on their way to people outside the pages: one port, an adapter a channel, a state for each recipient.

A delivery is claimed by putting it off, sent, and marked. Only the recipient who was not reached is tried again, later
and later; a sender that dies loses nothing, and what it had sent already carries the delivery's number, by which the
peer knows it again. Words about one ticket reach one recipient in their order. No message says more than the ticket's
number, what is the matter, until when, and a link: no names, no text, nothing of a caller. A caller who rang is sent
their own ticket number and query code where the city wants it; the code is made when it is sent and stored nowhere.
Errors are kept without addresses and without what a peer answered.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import aiohttp
import aiosmtplib
import orjson

from dispatch.worktime import ZONE
from hotline import alarms, citizens
from hotline.config import Config, Gateways
from hotline.contacts import SEALED_ABOUT
from hotline.desk import Desk
from hotline.errors import Unavailable
from hotline.store import Row
from hotline.web import words

TIMEOUT_SECONDS = 10
LEASE = timedelta(seconds=60)
"""How long a claimed delivery is put off; well over the time that one try may take."""
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_ASKED = timedelta(hours=24)
"""A peer may ask us to wait, but not for ever."""
AT_ONCE = 32
LETTERS_AT_ONCE = 8
NEAR = 500
"""How many due deliveries a claim looks at to find one for each contact."""
LONGEST_ANSWER = 65536
REST = timedelta(seconds=60)
"""How long, at most, a contact that is away is left alone by all that waits for it; then one of them tries it."""
_MOBILE = re.compile(r"1\d{10}", re.ASCII)
_TROUBLE = 500
_REFUSALS = frozenset({400, 404, 405, 410, 413, 414, 415, 422})
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """All that anybody is told. `delivery` is the number by which a peer knows a repetition."""

    delivery: int
    ticket: int | None
    kind: str
    sentence: str
    due_at: datetime | None
    link: str
    at: datetime

    @property
    def text(self) -> str:
        """Return the message in one paragraph."""
        number = words.notice_number(self.ticket) if self.ticket else ""
        due = words.notice_due(self.due_at) if self.due_at else ""
        return " ".join(part for part in (f"{number}{self.sentence}{due}。", self.link) if part)


class Refused(Exception):
    """The peer will not take this message, now or later."""


@dataclass(eq=False)
class NotNow(Exception):
    """The message did not arrive, but may at another time; `wait` is what the peer asked for.

    `only_this` says that the peer is there and only had trouble with this message: others may go to it meanwhile.
    """

    problem: str
    wait: timedelta | None = None
    only_this: bool = False


class Adapter(Protocol):
    """One way out. `send` returns when the peer has the message; it raises Refused, or NotNow as all else counts."""

    async def send(self, address: str, message: Message) -> None: ...


# --- HTTP -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Webhook:
    """JSON over HTTP, signed: X-Hotline-Signature is the HMAC-SHA256 of the time, a full stop and the body."""

    http: aiohttp.ClientSession
    secret: bytes | None

    async def send(self, address: str, message: Message) -> None:
        if self.secret is None:
            raise NotNow("HOTLINE_WEBHOOK_SECRET is not set")
        body = orjson.dumps(
            {
                "delivery": str(message.delivery),
                "ticket": str(message.ticket) if message.ticket else None,
                "kind": message.kind,
                "text": message.sentence,
                "due_at": message.due_at,
                "link": message.link,
                "at": message.at,
            }
        )
        await _post(self.http, address, body, message, signature(self.secret, message.at, body))


def signature(secret: bytes, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver knows that a body is ours, and when it was said."""
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Hotline-Timestamp": stamp, "X-Hotline-Signature": f"sha256={digest}"}


@dataclass(frozen=True, slots=True)
class Wecom:
    """A robot of a WeChat Work group: the answer is 200 in any case, and `errcode` says whether it was taken."""

    http: aiohttp.ClientSession

    async def send(self, address: str, message: Message) -> None:
        body = orjson.dumps({"msgtype": "text", "text": {"content": message.text}})
        answer = await _post(self.http, address, body, message, {})
        try:
            code = orjson.loads(answer).get("errcode")
        except (ValueError, AttributeError):
            code = None
        if code != 0:
            raise NotNow(f"errcode {code!r:.20}")


@dataclass(frozen=True, slots=True)
class Sms:
    """A text message through the city's gateway, in the JSON that it takes."""

    http: aiohttp.ClientSession
    gateways: Gateways

    async def send(self, address: str, message: Message) -> None:
        if self.gateways.sms_url is None:
            raise NotNow("HOTLINE_SMS_URL is not set")
        values = {"{phone}": address, "{text}": message.text, "{id}": str(message.delivery)}
        token = self.gateways.sms_token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        await _post(
            self.http, self.gateways.sms_url, orjson.dumps(_filled(self.gateways.sms_body, values)), message, headers
        )


def _filled(template: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """Put values into the texts of a template; what they hold is text and never structure."""
    if isinstance(template, dict):
        return {name: _filled(part, values) for name, part in template.items()}
    if isinstance(template, list):
        return [_filled(part, values) for part in template]
    if isinstance(template, str):
        for name, value in values.items():
            template = template.replace(name, value)
    return template


async def _post(
    http: aiohttp.ClientSession, address: str, body: bytes, message: Message, headers: Mapping[str, str]
) -> bytes:
    """Send and return the answer's beginning. What a peer says is not kept: it may repeat what it was sent."""
    sent = {**headers, "Content-Type": "application/json; charset=utf-8", "Idempotency-Key": str(message.delivery)}
    try:
        async with http.post(address, data=body, headers=sent, allow_redirects=False) as response:
            answer = await response.content.read(LONGEST_ANSWER)
            status, retry_after = response.status, response.headers.get("Retry-After", "")
    except TimeoutError:
        raise NotNow(f"no answer within {TIMEOUT_SECONDS} s") from None
    except aiohttp.InvalidURL:
        raise Refused("the address cannot be used") from None
    except (aiohttp.ClientError, OSError) as error:
        raise NotNow(type(error).__name__) from None
    if status in _REFUSALS:
        raise Refused(f"status {status}")
    if not 200 <= status < 300:  # noqa: PLR2004 - what HTTP calls success
        raise NotNow(f"status {status}", _asked(retry_after, message.at), only_this=status == _TROUBLE)
    return answer


def _asked(retry_after: str, now: datetime) -> timedelta | None:
    """Return how long a peer asked us to wait, in seconds or until a date."""
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 9:  # noqa: PLR2004 - a second in three years
        return timedelta(seconds=int(retry_after))
    try:
        return max(timedelta(), parsedate_to_datetime(retry_after) - now)
    except (ValueError, TypeError):
        return None


# --- mail -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail through the city's server; its Message-ID is the same whenever it is tried again."""

    gateways: Gateways

    async def send(self, address: str, message: Message) -> None:
        if self.gateways.smtp_url is None or self.gateways.mail_from is None:
            raise NotNow("HOTLINE_SMTP_URL is not set")
        url = urlsplit(self.gateways.smtp_url)
        try:
            await aiosmtplib.send(
                _mail(self.gateways.mail_from, address, message),
                hostname=url.hostname,
                port=url.port,
                username=unquote(url.username) if url.username else None,
                password=unquote(url.password) if url.password else None,
                use_tls=url.scheme == "smtps",
                start_tls=url.scheme == "smtp",
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPAuthenticationError as error:
            raise NotNow(f"log-in refused with {error.code}") from None
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as error:
            _refused(error)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise NotNow(type(error).__name__) from None


def _refused(error: aiosmtplib.SMTPResponseException | aiosmtplib.SMTPRecipientsRefused) -> None:
    codes = (
        [one.code for one in error.recipients] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else [error.code]
    )
    problem = f"answer {codes[0]}"
    if all(500 <= code < 600 for code in codes):  # noqa: PLR2004 - what SMTP calls permanent
        raise Refused(problem)
    raise NotNow(problem)


def _mail(sender: str, address: str, message: Message) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = sender, address
    mail["Subject"] = words.notice_subject(message.sentence)
    mail["Message-ID"] = f"<delivery-{message.delivery}@{sender.partition('@')[2]}>"
    mail["Date"] = message.at
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{message.text}\n")
    return mail


# --- the sender -------------------------------------------------------------------------------------------------------


def message_of(row: Row, public_url: str | None, now: datetime) -> Message:
    """Return what is said about a notice: of its facts only the due time is let through."""
    due = row["facts"].get("due_at")
    ticket = row["ticket_id"]
    return Message(
        delivery=row["id"],
        ticket=ticket,
        kind=row["kind"],
        sentence=words.NOTICES.get(row["kind"], words.W.notices),
        due_at=datetime.fromisoformat(due).astimezone(ZONE) if isinstance(due, str) else None,
        link=(f"{public_url}/tickets/{ticket}" if ticket else f"{public_url}/notices") if public_url else "",
        at=now,
    )


def letter_of(desk: Desk, row: Row, public_url: str | None) -> Message:
    """Return what a caller is told: ticket number, query code and where; the code is made when it is sent."""
    code = citizens.code_of(desk, row["ticket_id"], row["caller"], row["issue"])
    return Message(
        delivery=row["id"],
        ticket=None,
        kind="code",
        sentence=words.letter(row["ticket_id"], code),
        due_at=None,
        link=f"{public_url}/matter" if public_url else "",
        at=desk.now(),
    )


def pause_after(attempts: int, number: int) -> timedelta:
    """Return how long to wait after so many tries in vain; a little different for each delivery."""
    doubled = FIRST_PAUSE * (1 << min(attempts - 1, 20))
    return min(LONGEST_PAUSE, doubled) * (1 + (number * 7919 % 41 - 20) / 100)


class Sender:
    """Sends what is due, many contacts at once, each contact one after another."""

    def __init__(self, desk: Desk, config: Config) -> None:
        self._desk = desk
        self._gateways = config.gateways
        self._public_url = config.public_url
        self._flying: dict[int, asyncio.Task[None]] = {}
        self._http: aiohttp.ClientSession | None = None
        self._adapters: dict[str, Adapter] = {}

    async def turn(self) -> int:
        """Claim what may go now and send it beside what is on its way; return 0 when there is nothing to do."""
        self._flying = {contact: task for contact, task in self._flying.items() if not task.done()}
        free = AT_ONCE - len(self._flying)
        letters = await self._claim_letters(min(free, LETTERS_AT_ONCE)) if free else []
        for row in letters:
            # No contact has a number below nought.
            self._flying[-row["id"]] = asyncio.create_task(self._post_letter(row), name=f"letter-{row['id']}")
        free -= len(letters)
        rows = await self._claim(free) if free > 0 else []
        for row in rows:
            self._flying[row["contact_id"]] = asyncio.create_task(self._deliver(row), name=f"delivery-{row['id']}")
        if rows or letters or not self._flying:
            return len(rows) + len(letters)
        done, _ = await asyncio.wait(self._flying.values(), timeout=1, return_when=asyncio.FIRST_COMPLETED)
        return len(done)

    async def close(self) -> None:
        """Let what is on its way arrive; what does not is tried again by another worker."""
        if self._flying:
            _, late = await asyncio.wait(self._flying.values(), timeout=TIMEOUT_SECONDS + 2)
            for task in late:
                task.cancel()
        if self._http:
            await self._http.close()

    async def _claim(self, most: int) -> list[Row]:
        now = self._desk.now()
        return await self._desk.store.fetch(
            "claim_deliveries", now=now, again=now + LEASE, busy=list(self._flying), near=NEAR, most=most
        )

    async def _claim_letters(self, most: int) -> list[Row]:
        """Claim letters to callers; none where the city does not send them."""
        if not self._gateways.sms_codes:
            return []
        now = self._desk.now()
        return await self._desk.store.fetch("claim_letters", now=now, again=now + LEASE, most=most)

    async def _post_letter(self, row: Row) -> None:
        """Try to tell one caller their code; when that cannot be written down, the claim ends by itself."""
        try:
            state, error = await self._try_letter(row)
            if state:
                await self._desk.store.execute(
                    "end_letter", id=row["id"], state=state, now=self._desk.now(), error=error
                )
        except Unavailable as error:
            _log.warning("letter %s: %s", row["id"], error)
        except Exception:  # noqa: BLE001 - one letter may fail in any way and must not stop the others
            _log.exception("letter %s could not be marked", row["id"])

    async def _try_letter(self, row: Row) -> tuple[str, str | None]:
        """Send a letter and return how it ended, '' when it is tried again; the caller's number stands in no error."""
        desk = self._desk
        phone = desk.vault.open(row["phone_sealed"], about="phone") if row["phone_sealed"] else ""
        if row["issue"] != row["newest"]:
            return "void", None
        if not _MOBILE.fullmatch(phone):
            return "void", "no mobile number"
        try:
            await self._adapter("sms").send(phone, letter_of(desk, row, self._public_url))
        except Refused as refusal:
            return "failed", str(refusal)
        except Exception as error:  # noqa: BLE001 - whatever an adapter does; its text may hold the number
            delay = error if isinstance(error, NotNow) else NotNow(type(error).__name__)
            if row["attempts"] >= self._gateways.tries:
                return "failed", delay.problem
            pause = max(pause_after(row["attempts"], row["id"]), min(delay.wait or timedelta(), LONGEST_ASKED))
            await desk.store.execute("put_off_letter", id=row["id"], try_at=desk.now() + pause, error=delay.problem)
            return "", None
        return "sent", None

    async def _deliver(self, row: Row) -> None:
        """Try one delivery and write down what came of it; when that cannot be written, the claim ends by itself."""
        try:
            await self._try(row)
        except Unavailable as error:
            _log.warning("delivery %s: %s", row["id"], error)
        except Exception:  # noqa: BLE001 - one delivery may fail in any way and must not stop the others
            _log.exception("delivery %s could not be marked", row["id"])

    async def _try(self, row: Row) -> None:
        desk, number = self._desk, row["id"]
        try:
            address = desk.vault.open(row["address_sealed"], about=SEALED_ABOUT)
            message = message_of(row, self._public_url, desk.now())
            await self._adapter(row["channel"]).send(address, message)
        except Refused as refusal:
            await self._give_up(row, str(refusal))
        except NotNow as delay:
            await self._put_off(row, delay)
        except Exception as error:  # noqa: BLE001 - whatever an adapter does; its text may hold the address
            await self._put_off(row, NotNow(type(error).__name__))
        else:
            await desk.store.execute("delivery_sent", id=number, now=desk.now())

    async def _put_off(self, row: Row, delay: NotNow) -> None:
        if row["attempts"] >= self._gateways.tries:
            await self._give_up(row, delay.problem)
            return
        asked = min(delay.wait or timedelta(), LONGEST_ASKED)
        pause = max(pause_after(row["attempts"], row["id"]), asked)
        rest = timedelta() if delay.only_this else max(min(pause, REST), asked)
        now = self._desk.now()
        await self._desk.store.execute(
            "delivery_put_off", id=row["id"], try_at=now + pause, error=delay.problem, others_at=now + rest
        )

    async def _give_up(self, row: Row, problem: str) -> None:
        """Mark a delivery as failed and tell the administrators, once until the contact is reached again."""
        await self._desk.store.execute("delivery_failed", id=row["id"], now=self._desk.now(), error=problem)
        facts = {"contact": row["contact_id"], "channel": row["channel"], "problem": problem}
        await alarms.raise_alarm(self._desk, "delivery", str(row["contact_id"]), facts)
        _log.warning("delivery %s to contact %s is given up: %s", row["id"], row["contact_id"], problem)

    def _adapter(self, channel: str) -> Adapter:
        if self._http is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            self._http = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
            made: dict[str, Callable[[], Adapter]] = {
                "webhook": lambda: Webhook(self._client(), self._gateways.webhook_secret),
                "wecom": lambda: Wecom(self._client()),
                "sms": lambda: Sms(self._client(), self._gateways),
                "mail": lambda: Mail(self._gateways),
            }
            self._adapters = {name: make() for name, make in made.items()}
        return self._adapters[channel]

    def _client(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("the sender was closed")
        return self._http
