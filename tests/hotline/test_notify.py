"""Notices leave the house over HTTP and SMTP: each recipient once, again only where it failed, nothing of callers."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email import message_from_bytes
from email.utils import format_datetime
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiosmtpd.smtp import SMTP

from dispatch import actions as do
from dispatch.model import Actor, Role
from hotline import citizens, contacts, db, inbox, notify, tickets, worker
from hotline.config import Config, Gateways, read
from hotline.contacts import Contact
from hotline.desk import Desk
from hotline.errors import BadInput, ConfigError, NotFound
from hotline.notify import Sender
from tests.city import AGENT, NOW, SUPERVISOR, Clock, add_people, handler, intake, small_desk, until

SECRET = b"a secret of sixteen"


@dataclass
class Peer:
    """An HTTP server of somebody else: keeps what it was sent, and answers as it is told, then with 200."""

    requests: list[web.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    answers: list[web.Response | float] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        self.bodies.append(await request.read())
        answer = self.answers.pop(0) if self.answers else web.json_response({"errcode": 0, "errmsg": "ok"})
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            return web.Response()
        return answer

    async def has_something(self) -> bool:
        return bool(self.bodies)

    @property
    def keys(self) -> list[str]:
        return [request.headers["Idempotency-Key"] for request in self.requests]

    @property
    def tickets(self) -> list[str]:
        return [orjson.loads(body)["ticket"] for body in self.bodies]


@asynccontextmanager
async def a_peer() -> AsyncIterator[Peer]:
    peer = Peer()
    application = web.Application()
    application.router.add_post("/{any:.*}", peer.take)
    async with TestServer(application) as server:
        peer.url = str(server.make_url("/hook?token=verysecrettoken"))
        yield peer


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with a_peer() as peer:
        yield peer


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: db.Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        await add_people(desk)
        yield desk


CONFIG = replace(read({"HOTLINE_PUBLIC_URL": "https://12345.city.example"}), gateways=Gateways(webhook_secret=SECRET))


@asynccontextmanager
async def sending(desk: Desk, config: Config = CONFIG) -> AsyncIterator[Sender]:
    sender = Sender(desk, config)
    yield sender
    await sender.close()


async def send_all(desk: Desk, config: Config = CONFIG) -> None:
    """Hand out and send until nothing is due."""
    while await worker.deliver(desk):
        pass
    async with sending(desk, config) as sender:
        while await sender.turn():
            pass


async def states(desk: Desk) -> dict[int, list[str]]:
    async with desk.store.pool.acquire() as connection:
        rows = await connection.fetch("SELECT contact_id, state FROM deliveries ORDER BY id")
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row["contact_id"], []).append(row["state"])
    return found


async def errors(desk: Desk) -> list[str | None]:
    async with desk.store.pool.acquire() as connection:
        return [row["last_error"] for row in await connection.fetch("SELECT last_error FROM deliveries ORDER BY id")]


async def open_one(desk: Desk, **values: Any) -> int:
    return (await tickets.open_ticket(desk, intake(category="050901", **values), AGENT)).ticket_id


async def hook(desk: Desk, url: str, department: str = "jtj", **values: Any) -> int:
    return await contacts.enter(desk, Contact(channel="webhook", address=url, department=department, **values), by="t")


# --- what is said -----------------------------------------------------------------------------------------------------


async def test_a_webhook_is_signed_and_says_ticket_matter_due_time_and_link(
    desk: Desk, clock: Clock, peer: Peer
) -> None:
    await hook(desk, peer.url, kinds=("due_soon", "overdue"))
    ticket = await open_one(desk)
    clock.forward(days=60)
    while await tickets.look(desk):
        pass
    await send_all(desk)

    request, body = peer.requests[0], peer.bodies[0]
    stamp = request.headers["X-Hotline-Timestamp"]
    expected = hmac.new(SECRET, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert request.headers["X-Hotline-Signature"] == f"sha256={expected}"
    said = orjson.loads(body)
    assert said.keys() == {"delivery", "ticket", "kind", "text", "due_at", "link", "at"}
    assert (said["ticket"], said["kind"]) == (str(ticket), "overdue")
    assert said["due_at"].endswith("+08:00")
    assert said["link"] == f"https://12345.city.example/tickets/{ticket}"


async def test_a_robot_of_wechat_work_gets_its_own_form_and_its_code_is_read(
    desk: Desk, clock: Clock, peer: Peer
) -> None:
    peer.answers = [web.json_response({"errcode": 45009, "errmsg": "api freq out of limit"})]
    await contacts.enter(desk, Contact(channel="wecom", address=peer.url, department="jtj"), by="t")
    ticket = await open_one(desk)

    await send_all(desk)
    assert await errors(desk) == ["errcode 45009"]
    clock.forward(minutes=5)
    await send_all(desk)

    assert len(peer.bodies) == 2
    said = orjson.loads(peer.bodies[1])
    assert said["msgtype"] == "text"
    assert f"工单 {ticket}：新派来一张工单" in said["text"]["content"]


async def test_no_message_that_leaves_the_house_names_the_matter(desk: Desk, peer: Peer) -> None:
    await hook(desk, peer.url)
    await contacts.enter(desk, Contact(channel="wecom", address=peer.url, department="jtj"), by="t")
    await open_one(desk, title="王大明家门口的大坑")

    await send_all(desk)

    told = await inbox.page(desk, handler("jtj"), most=1)
    assert told[0]["title"] == "王大明家门口的大坑"  # the page names it
    assert len(peer.bodies) == 2
    assert all("大坑".encode() not in body and b"\\u" not in body for body in peer.bodies)


async def test_the_sms_gateway_gets_the_form_that_it_wants(desk: Desk, peer: Peer) -> None:
    gateways = Gateways(
        sms_url=peer.url,
        sms_token="t0ken",
        sms_body={"mobile": "{phone}", "params": ["【12345】{text}", 1], "biz": {"id": "{id}"}},
    )
    await contacts.enter(desk, Contact(channel="sms", address="139 1234 5678", person="roads"), by="t")
    await open_one(desk)

    await send_all(desk, replace(CONFIG, gateways=gateways))

    assert peer.requests[0].headers["Authorization"] == "Bearer t0ken"
    said = orjson.loads(peer.bodies[0])
    assert said["mobile"] == "13912345678"
    assert said["params"][0].startswith("【12345】工单 2")
    assert said["params"][1] == 1
    assert said["biz"]["id"] == peer.keys[0]


# --- callers' own codes -----------------------------------------------------------------------------------------------


def with_codes(peer: Peer, **values: Any) -> Config:
    return replace(CONFIG, gateways=Gateways(sms_url=peer.url, sms_codes=True, tries=2, **values))


async def letters(desk: Desk) -> list[tuple[str, str | None]]:
    async with desk.store.pool.acquire() as connection:
        rows = await connection.fetch("SELECT state, last_error FROM caller_letters ORDER BY id")
    return [(row["state"], row["last_error"]) for row in rows]


async def write(desk: Desk, **values: Any) -> int:
    ticket = await open_one(desk, **{"phone": "13912345678", **values})
    await citizens.write_to_caller(desk, ticket, 1)
    return ticket


async def test_a_caller_is_sent_number_and_code_once_and_nothing_else(desk: Desk, peer: Peer) -> None:
    ticket = await write(desk, **CANARIES)
    await citizens.write_to_caller(desk, ticket, 1)

    await send_all(desk, with_codes(peer))
    await send_all(desk, with_codes(peer))

    (said,) = [orjson.loads(body) for body in peer.bodies]
    assert said["phone"] == CANARIES["phone"]
    code = citizens.code_of(desk, ticket)
    assert said["text"] == (
        f"您反映的事项已登记，单号{ticket}，查询码{code}，凭此可查询进度、补充和评价。 https://12345.city.example/matter"
    )
    assert await letters(desk) == [("sent", None)]
    assert (await citizens.let_in(desk, str(ticket), code, address="a")).ticket == ticket


@pytest.mark.parametrize("values", [{"confidential": "true"}, {"type": "report"}, {"phone": ""}])
async def test_protected_callers_and_those_without_a_telephone_are_sent_nothing(
    desk: Desk, peer: Peer, values: dict[str, str]
) -> None:
    await write(desk, **values)

    await send_all(desk, with_codes(peer))

    assert (peer.bodies, await letters(desk)) == ([], [])


async def test_a_landline_and_a_code_that_was_given_anew_get_no_letter(desk: Desk, peer: Peer) -> None:
    await write(desk, phone="0591-87654321")
    ticket = await write(desk)
    await citizens.issue_code(desk, ticket, 1, AGENT, reason="诉求人忘了查询码", checked="number")

    await send_all(desk, with_codes(peer))

    assert peer.bodies == []
    assert await letters(desk) == [("void", "no mobile number"), ("void", None)]


async def test_where_the_city_does_not_want_it_nobody_is_sent_anything(desk: Desk, peer: Peer) -> None:
    await write(desk)

    await send_all(desk, replace(CONFIG, gateways=Gateways(sms_url=peer.url)))

    assert (peer.bodies, await letters(desk)) == ([], [("waiting", None)])


async def test_a_letter_is_tried_again_and_given_up_and_its_error_names_nobody(
    desk: Desk, clock: Clock, peer: Peer
) -> None:
    peer.answers = [web.Response(status=500, text="13912345678"), web.Response(status=503)]
    await write(desk)

    await send_all(desk, with_codes(peer))
    assert await letters(desk) == [("waiting", "status 500")]
    clock.forward(minutes=5)
    await send_all(desk, with_codes(peer))
    clock.forward(minutes=5)
    await send_all(desk, with_codes(peer))

    assert len(peer.bodies) == 2
    assert peer.keys[0] == peer.keys[1]
    assert await letters(desk) == [("failed", "status 503")]


def test_codes_by_text_message_need_a_gateway() -> None:
    with pytest.raises(ConfigError, match="HOTLINE_SMS_URL"):
        read({"HOTLINE_SMS_CODES": "yes"})


CANARIES = {
    "name": "欧阳金丝雀",
    "phone": "13912345678",
    "address": "幸福路九十九号院",
    "text": "我家水管爆裂无人管",
    "place": "金丝雀小区东门",
    "title": "水管金丝雀",
}


async def test_nothing_of_a_caller_leaves_by_any_door(desk: Desk, clock: Clock, peer: Peer) -> None:
    async with a_mail_server() as mail:
        gateways = replace(mail.gateways, webhook_secret=SECRET, sms_url=peer.url)
        for channel, address in (
            ("webhook", peer.url),
            ("wecom", peer.url),
            ("mail", "a@b.example"),
            ("sms", "13700000000"),
        ):
            await contacts.enter(desk, Contact(channel=channel, address=address, department="jtj"), by="t")
            await contacts.enter(desk, Contact(channel=channel, address=address, department="hotline"), by="t")
        ticket = await open_one(desk, **CANARIES)
        await tickets.open_ticket(desk, intake(**CANARIES | {"text": f"{CANARIES['text']}，要跳楼"}), AGENT)
        await tickets.act(desk, ticket, do.Urge(assignment=1, note=CANARIES["text"]), SUPERVISOR)
        await tickets.act(desk, ticket, do.Accept(assignment=1), handler("jtj"))
        clock.forward(days=90)
        while await tickets.look(desk):
            pass
        await send_all(desk, replace(CONFIG, gateways=gateways))

    assert Counter(await flat_states(desk)) == {"sent": len(peer.bodies) + len(mail.letters)}
    assert len(mail.letters) > 2
    headers = [str(dict(request.headers)).encode() for request in peer.requests]
    opened = [bytes(message_from_bytes(letter).get_payload(decode=True)) for letter in mail.letters]
    assert any(str(ticket).encode() in letter for letter in opened)
    sent = [*peer.bodies, *headers, *mail.letters, *opened]
    for name, canary in CANARIES.items():
        for piece in (canary, canary[:6]):
            for form in _forms(piece):
                assert not any(form in said for said in sent), (name, form)
    assert all(error is None for error in await errors(desk))


def _forms(text: str) -> list[bytes]:
    """A text as it is, as JSON escapes it, in an address, and within base64 at each of its three offsets."""
    plain = text.encode()
    inner = [base64.b64encode(b"x" * offset + plain)[4 if offset else 0 : -4] for offset in range(3)]
    return [plain, text.encode("unicode_escape"), quote(text).encode(), *inner]


async def flat_states(desk: Desk) -> list[str]:
    return [state for some in (await states(desk)).values() for state in some]


async def test_an_error_keeps_neither_address_nor_answer(desk: Desk, peer: Peer) -> None:
    peer.answers = [web.Response(status=500, text="13912345678 欧阳金丝雀")]
    await hook(desk, peer.url)
    await hook(desk, "http://127.0.0.1:9/verysecrettoken")
    await open_one(desk)

    await send_all(desk)

    assert sorted(map(str, await errors(desk))) == ["ClientConnectorError", "status 500"]


# --- whom -------------------------------------------------------------------------------------------------------------


async def test_people_and_units_are_reached_by_department_role_and_kind(desk: Desk, peer: Peer) -> None:
    asked = {
        "roads": Contact(channel="webhook", address=f"{peer.url}&roads", person="roads"),
        "elsewhere": Contact(channel="webhook", address=f"{peer.url}&city", person="city"),
        "unit": Contact(channel="webhook", address=f"{peer.url}&unit", department="jtj"),
        "picky": Contact(channel="webhook", address=f"{peer.url}&picky", department="jtj", kinds=("overdue",)),
        "supervisor": Contact(channel="webhook", address=f"{peer.url}&sup", department="hotline", role="supervisor"),
        "dispatcher": Contact(channel="webhook", address=f"{peer.url}&dis", department="hotline", role="dispatcher"),
    }
    numbers = {name: await contacts.enter(desk, contact, by="t") for name, contact in asked.items()}
    await open_one(desk, text="有人要跳楼")  # assigned: jtj; risk: supervisors

    await send_all(desk)

    assert await states(desk) == {numbers[name]: ["sent"] for name in ("roads", "unit", "supervisor")}


async def test_whoever_left_or_is_ended_is_reached_no_more(desk: Desk, peer: Peer) -> None:
    ended = await hook(desk, peer.url)
    await contacts.enter(desk, Contact(channel="webhook", address=peer.url, person="roads"), by="t")
    await open_one(desk)
    await worker.deliver(desk)
    await contacts.end(desk, ended, by="t")
    async with desk.store.pool.acquire() as connection:
        await connection.execute("UPDATE people SET active = false WHERE id = 'roads'")
    await open_one(desk)
    await send_all(desk)

    assert await states(desk) == {ended: ["failed"], ended + 1: ["sent"]}
    with pytest.raises(NotFound):
        await contacts.end(desk, 10**9, by="t")


@pytest.mark.parametrize(
    "contact",
    [
        Contact(channel="pigeon", address="x", person="roads"),
        Contact(channel="mail", address="a@b.example"),  # nobody's
        Contact(channel="mail", address="a@b.example", person="roads", department="jtj"),
        Contact(channel="mail", address="a@b.example\nBcc: x@y.example", person="roads"),
        Contact(channel="sms", address="12", person="roads"),
        Contact(channel="webhook", address="file:///etc/passwd", person="roads"),
        Contact(channel="webhook", address="https://x.example", person="roads", role="handler"),
    ],
    ids=lambda contact: f"{contact.channel} {contact.address[:12]}",
)
async def test_a_contact_that_cannot_be_is_refused(desk: Desk, contact: Contact) -> None:
    with pytest.raises(BadInput):
        await contacts.enter(desk, contact, by="t")


async def test_addresses_are_stored_sealed_shown_masked_and_entered_once(desk: Desk) -> None:
    for _ in range(2):
        await contacts.enter(desk, Contact(channel="sms", address="13912345678", person="roads"), by="t")
    await contacts.enter(desk, Contact(channel="mail", address="zhang.wei@city.example", person="roads"), by="t")
    await hook(desk, "https://qyapi.example/robot?key=topsecret")

    lines = await contacts.everybody(desk)
    assert len(lines) == 3
    assert not any(word in line for line in lines for word in ("13912345678", "hang.wei", "topsecret"))
    async with desk.store.pool.acquire() as connection:
        sealed = await connection.fetch("SELECT address_sealed FROM contacts")
        traces = await connection.fetchval("SELECT count(*) FROM audit WHERE what = 'enter_contact'")
    assert not any(b"13912345678" in row["address_sealed"] for row in sealed)
    assert traces == 4


# --- again, and again -------------------------------------------------------------------------------------------------


async def test_only_the_recipient_who_failed_is_tried_again_later_and_later(
    desk: Desk, clock: Clock, peer: Peer
) -> None:
    async with a_peer() as broken:
        broken.answers = [web.Response(status=500) for _ in range(3)]
        well, ill = await hook(desk, peer.url), await hook(desk, broken.url)
        await open_one(desk)
        tried = []
        for minute in range(20):
            before = len(broken.bodies)
            await send_all(desk)
            if len(broken.bodies) > before:
                tried.append(minute)
            clock.forward(minutes=1)

    assert await states(desk) == {well: ["sent"], ill: ["sent"]}
    assert len(peer.bodies) == 1
    assert len(broken.bodies) == len(tried) == 4
    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert pauses == sorted(pauses)
    assert pauses[-1] > pauses[0]
    assert len(set(broken.keys)) == 1  # the peer can tell that it is the same


@pytest.mark.parametrize("as_date", [False, True])
async def test_a_peer_that_asks_us_to_wait_is_left_alone_so_long(
    desk: Desk, clock: Clock, peer: Peer, as_date: bool
) -> None:
    until = format_datetime(NOW + timedelta(minutes=10), usegmt=True) if as_date else "600"
    peer.answers = [web.Response(status=429, headers={"Retry-After": until})]
    await hook(desk, peer.url)
    await open_one(desk)
    await send_all(desk)

    clock.forward(minutes=9)
    await send_all(desk)
    assert len(peer.bodies) == 1
    clock.forward(minutes=1)
    await send_all(desk)
    assert len(peer.bodies) == 2


async def test_after_the_last_try_it_failed_and_the_administrators_are_told_once(
    desk: Desk, clock: Clock, peer: Peer
) -> None:
    peer.answers = [web.Response(status=503) for _ in range(6)]
    config = replace(CONFIG, gateways=replace(CONFIG.gateways, tries=3))
    number = await hook(desk, peer.url)
    for _ in range(2):
        await open_one(desk)
    for _ in range(8):
        await send_all(desk, config)
        clock.forward(minutes=30)

    assert await states(desk) == {number: ["failed", "failed"]}
    assert [row["kind"] for row in await told_administrators(desk)] == ["alarm_delivery"]
    # It is over when the contact is reached again; the next time is a new episode.
    await open_one(desk)
    await send_all(desk, config)
    assert await desk.store.fetch("open_alarms") == []
    peer.answers = [web.Response(status=410)]
    await open_one(desk)
    await send_all(desk, config)
    assert len(await told_administrators(desk)) == 2


async def told_administrators(desk: Desk) -> Sequence[Any]:
    return await inbox.page(desk, Actor("x", Role.ADMINISTRATOR, "hotline"), most=50)


async def test_a_contact_that_is_away_is_tried_by_one_of_all_that_wait_for_it(
    desk: Desk, clock: Clock, peer: Peer
) -> None:
    peer.answers = [web.Response(status=503) for _ in range(2)]
    number = await hook(desk, peer.url)
    for _ in range(20):
        await open_one(desk)
    await send_all(desk)
    assert len(peer.bodies) == 1
    clock.forward(seconds=notify.REST.seconds)
    await send_all(desk)
    assert len(peer.bodies) == 2
    for _ in range(4):
        clock.forward(seconds=notify.REST.seconds)
        await send_all(desk)

    assert await states(desk) == {number: ["sent"] * 20}
    assert len(peer.bodies) == 22


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_what_a_peer_will_never_take_is_not_tried_again(desk: Desk, peer: Peer, status: int) -> None:
    peer.answers = [web.Response(status=status)]
    number = await hook(desk, peer.url)
    await open_one(desk)

    await send_all(desk)

    assert await states(desk) == {number: ["failed"]}
    assert await errors(desk) == [f"status {status}"]


async def test_a_redirect_is_no_arrival_and_is_not_followed(desk: Desk, peer: Peer) -> None:
    async with a_peer() as elsewhere:
        peer.answers = [web.Response(status=302, headers={"Location": elsewhere.url})]
        await hook(desk, peer.url)
        await open_one(desk)

        await send_all(desk)

        assert await errors(desk) == ["status 302"]
        assert elsewhere.bodies == []


async def test_a_slow_peer_delays_nobody_else(desk: Desk, peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify, "TIMEOUT_SECONDS", 0.5)
    async with a_peer() as slow:
        slow.answers = [5.0 for _ in range(40)]
        lame, quick = await hook(desk, slow.url), await hook(desk, peer.url)
        for _ in range(40):
            await open_one(desk)
        while await worker.deliver(desk):
            pass
        began = asyncio.get_running_loop().time()
        async with sending(desk) as sender:
            while len(peer.bodies) < 40:
                await sender.turn()
            took = asyncio.get_running_loop().time() - began

    assert took < 5
    assert (await states(desk))[quick] == ["sent"] * 40
    assert set((await states(desk))[lame]) == {"waiting"}
    assert "no answer within 0.5 s" in await errors(desk)


# --- order, and dying -------------------------------------------------------------------------------------------------


async def test_words_about_one_ticket_come_in_their_order_and_hold_up_no_other_ticket(
    desk: Desk, clock: Clock, peer: Peer
) -> None:
    await hook(desk, peer.url)
    first = await open_one(desk)
    await tickets.act(desk, first, do.Urge(assignment=1), SUPERVISOR)
    second = await open_one(desk)
    peer.answers = [web.Response(status=500)]

    await send_all(desk)
    assert peer.tickets == [str(first), str(second)]
    clock.forward(minutes=2)
    await send_all(desk)

    assert peer.tickets == [str(first), str(second), str(first), str(first)]
    assert [orjson.loads(body)["kind"] for body in peer.bodies if str(first) in str(body)][1:] == ["assigned", "urge"]


async def test_several_senders_at_once_send_each_delivery_once(desk: Desk, peer: Peer) -> None:
    for number in range(6):
        await hook(desk, f"{peer.url}&n={number}")
    for _ in range(10):
        await open_one(desk)
    while await worker.deliver(desk):
        pass

    async def work() -> None:
        async with sending(desk) as sender:
            while await sender.turn():
                pass

    await asyncio.gather(*(work() for _ in range(3)))
    await send_all(desk)

    assert len(peer.keys) == len(set(peer.keys)) == 60
    assert set(await flat_states(desk)) == {"sent"}


async def test_a_sender_that_dies_loses_nothing_and_the_peer_can_tell(desk: Desk, clock: Clock, peer: Peer) -> None:
    peer.answers = [60.0]
    await hook(desk, peer.url)
    await open_one(desk)
    await worker.deliver(desk)
    dying = Sender(desk, CONFIG)
    await dying.turn()
    await until(peer.has_something)
    for task in dying._flying.values():
        task.cancel()
    await dying.close()

    await send_all(desk)
    assert len(peer.bodies) == 1  # the claim still holds
    clock.forward(seconds=61)
    await send_all(desk)

    assert len(peer.bodies) == 2
    assert len(set(peer.keys)) == 1
    assert await flat_states(desk) == ["sent"]


# --- mail -------------------------------------------------------------------------------------------------------------


@dataclass
class MailServer:
    """A mail server: keeps the letters, refuses whom it is told to."""

    letters: list[bytes] = field(default_factory=list)
    refuse: str = ""
    gateways: Gateways = field(default_factory=Gateways)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - the same
        self.letters.append(envelope.content)
        return "250 OK"


@asynccontextmanager
async def a_mail_server() -> AsyncIterator[MailServer]:
    mail = MailServer()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mail, hostname="test"), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mail.gateways = Gateways(smtp_url=f"smtp+plain://127.0.0.1:{port}", mail_from="12345@city.example")
    yield mail
    server.close()
    await server.wait_closed()


async def test_a_mail_arrives_with_a_number_that_stays_the_same(desk: Desk) -> None:
    async with a_mail_server() as mail:
        await contacts.enter(desk, Contact(channel="mail", address="zhang@city.example", person="roads"), by="t")
        ticket = await open_one(desk)
        await send_all(desk, replace(CONFIG, gateways=mail.gateways))

    (letter,) = mail.letters
    assert b"To: zhang@city.example" in letter
    assert b"Message-ID: <delivery-" in letter
    assert b"Auto-Submitted: auto-generated" in letter
    body = base64.b64decode(letter.split(b"\r\n\r\n", 1)[1]).decode()
    assert f"工单 {ticket}：新派来一张工单。" in body


@pytest.mark.parametrize(
    ("answer", "state"), [("450 mailbox busy 13912345678", "waiting"), ("550 no such user 13912345678", "failed")]
)
async def test_a_mailbox_that_is_busy_is_tried_again_and_one_that_is_not_there_is_not(
    desk: Desk, answer: str, state: str
) -> None:
    async with a_mail_server() as mail:
        mail.refuse = answer
        await contacts.enter(desk, Contact(channel="mail", address="zhang@city.example", person="roads"), by="t")
        await open_one(desk)
        await send_all(desk, replace(CONFIG, gateways=mail.gateways))

    assert await flat_states(desk) == [state]
    assert await errors(desk) == [f"answer {answer[:3]}"]


async def test_a_password_never_goes_to_a_mail_server_without_tls(desk: Desk) -> None:
    async with a_mail_server() as mail:
        url = str(mail.gateways.smtp_url).replace("smtp+plain://", "smtp://user:secret@")
        await contacts.enter(desk, Contact(channel="mail", address="zhang@city.example", person="roads"), by="t")
        await open_one(desk)
        await send_all(desk, replace(CONFIG, gateways=replace(mail.gateways, smtp_url=url)))

    assert mail.letters == []
    assert await flat_states(desk) == ["waiting"]


@pytest.mark.parametrize("channel", ["webhook", "sms", "mail"])
async def test_a_channel_without_its_gateway_says_which_setting_is_missing(desk: Desk, channel: str) -> None:
    address = {"webhook": "http://127.0.0.1:9/", "sms": "13912345678", "mail": "a@b.example"}[channel]
    await contacts.enter(desk, Contact(channel=channel, address=address, person="roads"), by="t")
    await open_one(desk)

    await send_all(desk, replace(CONFIG, gateways=Gateways()))

    (error,) = await errors(desk)
    assert error is not None
    assert error.startswith("HOTLINE_")
    assert error.endswith("is not set")


def test_pauses_double_differ_and_end() -> None:
    pauses = [notify.pause_after(attempts, 1) for attempts in range(1, 40)]

    assert pauses[0] < pauses[1] < pauses[2]
    assert max(pauses) <= notify.LONGEST_PAUSE * 1.2
    assert len({notify.pause_after(1, number) for number in range(41)}) == 41
