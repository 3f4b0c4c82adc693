"""Rules are drafted by one person and published by another, after everybody could see what they would change."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from dispatch.model import Actor, Role
from dispatch.routing import Matter, Owners, owners
from hotline import drafts, tickets
from hotline.db import Pool, connection
from hotline.desk import Desk
from hotline.errors import BadInput, Forbidden, NotFound
from tests.city import AGENT, NOW, Clock, House, handler, intake, open_house, small_city, small_desk

ONE = Actor("one", Role.ADMINISTRATOR, "hotline")
OTHER = Actor("other", Role.SUPERVISOR, "hotline")
CATALOGUE: list[dict[str, Any]] = small_city().parts["catalogue"]
LAMPS_TO_ROADS = [row | {"lead": "jtj"} if row["category"] == "050902" else row for row in CATALOGUE]
DECISION = "市政府第八次常务会议"


@pytest.fixture
async def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(pool: Pool, clock: Clock) -> AsyncIterator[Desk]:
    async with small_desk(pool, clock=clock) as desk:
        yield desk


async def drafted(desk: Desk, body: Any = LAMPS_TO_ROADS, part: str = "catalogue", **more: Any) -> int:
    return await drafts.draft(desk, part, body, ONE, source=DECISION, **more)


async def test_what_one_drafts_another_publishes_and_then_it_rules(desk: Desk) -> None:
    id_ = await drafted(desk)
    assert [row["id"] for row in await drafts.waiting(desk, OTHER)] == [id_]

    assert await drafts.publish(desk, id_, OTHER) == 2

    opened = await tickets.open_ticket(desk, intake(category="050902"), AGENT)
    file = await desk.store.file(opened.ticket_id)
    assert file.ticket.assignments[0].department == "jtj"
    assert file.matter.suggestion is not None
    assert file.matter.suggestion["trace"]["row"] == "050902/*/*"
    assert "catalogue-2" in file.matter.suggestion["trace"]["rulebook"]
    assert await drafts.waiting(desk, ONE) == []


async def units(desk: Desk, **changed: dict[str, Any]) -> list[dict[str, Any]]:
    """The departments as they rule, some of them changed."""
    return [{**row, **changed.get(row["code"], {})} for row in await drafts.base(desk, "departments")]


async def test_a_catalogue_cannot_name_a_unit_that_will_be_closed(desk: Desk) -> None:
    """The rules are held against each other at every day that is known to come."""
    day = (NOW + timedelta(days=30)).date().isoformat()
    rows = [row for row in CATALOGUE if row["lead"] != "q0101"]
    await drafts.publish(desk, await drafted(desk, rows), OTHER)
    await drafts.publish(desk, await drafted(desk, await units(desk, q0101={"closed_from": day}), "departments"), OTHER)
    assert "q0101" in (await desk.rulebook()).departments

    id_ = await drafted(desk, CATALOGUE)

    said = "department q0101: closed without a successor, but named by 1 rows of the catalogue"
    assert said in (await drafts.look(desk, id_, OTHER)).problems
    with pytest.raises(BadInput, match="closed without a successor"):
        await drafts.publish(desk, id_, OTHER)


async def test_a_later_version_of_a_register_cannot_undo_an_earlier_one(desk: Desk) -> None:
    later = NOW + timedelta(days=30)
    renamed = await units(desk, jtj={"name": "市交通局"})
    await drafts.publish(desk, await drafted(desk, renamed, "departments", effective_at=later), OTHER)
    new = {"code": "ylj", "name": "市园林局", "level": "city", "parent": "", "area": "00"}

    early = await drafted(desk, [*await units(desk), new], "departments")

    assert (
        "departments: version 2 comes into force later and would undo this"
        in (await drafts.look(desk, early, OTHER)).problems
    )
    with pytest.raises(BadInput, match="would undo this"):
        await drafts.publish(desk, early, OTHER)
    rows = await drafts.base(desk, "departments", later)
    number = await drafted(desk, [*rows, new], "departments", effective_at=later)
    assert len((await drafts.look(desk, number, OTHER)).rows) == 1
    assert await drafts.publish(desk, number, OTHER) == 3


async def test_a_dated_name_rules_from_its_date_on(desk: Desk, clock: Clock) -> None:
    later = NOW + timedelta(days=30)
    renamed = await units(desk, jtj={"name": "市交通局"})
    await drafts.publish(desk, await drafted(desk, renamed, "departments", effective_at=later), OTHER)
    before = (await desk.rulebook()).departments["jtj"].name

    clock.forward(hours=24 * 30)
    desk.forget_rules()

    assert (before, (await desk.rulebook()).departments["jtj"].name) == ("市交通运输局", "市交通局")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("none", "cannot be read"),
        ([{"code": "a", "name": "a", "level": "city", "parent": "", "area": "00", "colour": "red"}], "other columns"),
        ([{"code": "a", "name": "a", "level": "moon", "parent": "", "area": "00"}], "cannot be read"),
        ([{"code": "a", "name": 7, "level": "city", "parent": "", "area": "00"}], "of another kind"),
        ([{"code": "@county", "name": "a", "level": "city", "parent": "", "area": "00"}], "is no code"),
        ([{"code": "a", "name": "a", "level": "city", "area": "00", "closed_from": "soon"}], "cannot be read"),
        ([{"code": "a", "name": "a", "level": "city", "area": "00"}] * 2, "has a row already"),
    ],
)
async def test_what_are_no_units_is_no_draft(desk: Desk, rows: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        await drafted(desk, rows, "departments")


async def test_a_trial_tells_what_this_draft_changes_and_not_what_was_agreed_before(desk: Desk) -> None:
    """Lamps go to another bureau next month whatever becomes of this draft for the same day."""
    later = NOW + timedelta(days=30)
    await tickets.open_ticket(desk, intake(category="050902"), AGENT)
    await drafts.publish(desk, await drafted(desk, effective_at=later), OTHER)
    rows = [row | {"co": []} if row["category"] == "0510" else row for row in LAMPS_TO_ROADS]

    found = await drafts.look(desk, await drafted(desk, rows, effective_at=later), OTHER)

    assert found.trial is not None
    assert (found.trial.tried, found.trial.moved, found.overtaken) == (1, 0, ())


async def test_a_trial_tells_of_other_co_handlers_too(desk: Desk) -> None:
    await tickets.open_ticket(desk, intake(category="050902"), AGENT)
    rows = [row | {"co": []} if row["category"] == "050902" else row for row in CATALOGUE]

    found = await drafts.look(desk, await drafted(desk, rows), OTHER)

    assert found.trial is not None
    assert (found.trial.moved, found.trial.helped) == (0, 1)


async def test_a_draft_says_which_version_will_take_its_place(desk: Desk) -> None:
    later = NOW + timedelta(days=30)
    await drafts.publish(desk, await drafted(desk, effective_at=later), OTHER)

    urgent = [*CATALOGUE, {**CATALOGUE[0], "category": "010203"}]

    assert (await drafts.look(desk, await drafted(desk, urgent), OTHER)).overtaken == ((2, later),)


async def test_who_drafted_may_not_publish_whatever_their_role(desk: Desk) -> None:
    id_ = await drafted(desk)

    with pytest.raises(Forbidden):
        await drafts.publish(desk, id_, ONE)

    assert (await desk.rulebook()).version.count("catalogue-1") == 1


@pytest.mark.parametrize("drafted_by", ["one", None])
async def test_the_database_itself_wants_two_people(desk: Desk, pool: Pool, drafted_by: str | None) -> None:
    assert desk.now() == NOW
    async with connection(pool) as lent:
        with pytest.raises(asyncpg.CheckViolationError, match="drafter"):
            await lent.execute(
                "INSERT INTO rulebook_parts (part, version, body, source, published_by, published_at, drafted_by)"
                " VALUES ('policy', 2, '{}', 'x', 'one', now(), $1)",
                drafted_by,
            )


async def test_the_database_refuses_a_draft_that_its_own_author_ended_as_a_version(desk: Desk, pool: Pool) -> None:
    id_ = await drafted(desk)

    async with connection(pool) as lent:
        with pytest.raises(asyncpg.CheckViolationError, match="drafts_are_published_by_another_person"):
            await lent.execute(
                "UPDATE rulebook_drafts SET version = 1, ended_by = drafted_by, ended_at = now() WHERE id = $1", id_
            )


async def test_a_draft_rules_only_from_its_date_on_and_older_versions_stay_readable(desk: Desk, clock: Clock) -> None:
    id_ = await drafted(desk, effective_at=NOW + timedelta(days=7))
    await drafts.publish(desk, id_, OTHER)

    assert "catalogue-1" in (await desk.rulebook()).version
    clock.forward(days=7)
    desk.forget_rules()
    assert "catalogue-2" in (await desk.rulebook()).version
    assert (await drafts.version(desk, "catalogue", 1, OTHER))["body"] == CATALOGUE
    newest = (await drafts.versions(desk, OTHER))[0:10]
    assert [row["drafted_by"] for row in newest if row["part"] == "catalogue"] == ["one", None]


async def test_problems_are_shown_and_keep_a_draft_from_being_published(desk: Desk) -> None:
    broken = [row for row in CATALOGUE if row["category"] != "0509"] + [dict(CATALOGUE[0])]
    id_ = await drafted(desk, broken)

    found = await drafts.look(desk, id_, OTHER)

    assert "catalogue: nobody is responsible for category 050901" in found.problems
    assert any("two rows" in problem for problem in found.problems)
    with pytest.raises(BadInput, match="has problems"):
        await drafts.publish(desk, id_, OTHER)
    assert [row["id"] for row in await drafts.waiting(desk, OTHER)] == [id_]


async def test_a_catalogue_is_tried_on_the_tickets_of_the_last_weeks(desk: Desk, clock: Clock) -> None:
    await tickets.open_ticket(desk, intake(category="050902"), AGENT)
    clock.forward(days=40)
    lamps = [(await tickets.open_ticket(desk, intake(category="050902"), AGENT)).ticket_id for _ in range(3)]
    await tickets.open_ticket(desk, intake(category="050901"), AGENT)

    found = await drafts.look(desk, await drafted(desk), OTHER, days=31)

    assert found.trial is not None
    assert (found.trial.tried, found.trial.moved) == (4, 3)  # the one of forty days ago is history
    assert found.trial.by_category == (("050902", 3),)
    assert found.trial.flows == (("cgj", "jtj", 3),)
    (group,) = found.trial.groups
    assert (group.before, group.after, set(group.some)) == ("cgj", "jtj", {str(id_) for id_ in lamps})
    assert len(found.added) == len(found.removed) == 1


async def test_every_part_goes_the_same_way(desk: Desk) -> None:
    policy = small_city().parts["policy"] | {"auto_dispatch_probability": 0.95}
    id_ = await drafted(desk, policy, "policy")

    found = await drafts.look(desk, id_, OTHER)
    await drafts.publish(desk, id_, OTHER)

    assert found.trial is None
    assert found.added == ('{"auto_dispatch_probability":0.95}',)
    assert (await desk.rulebook()).policy.auto_dispatch_probability == 0.95


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("catalogue", [{"category": "05"}]),
        ("catalogue", "no list"),
        ("policy", {"colour": 1}),
        ("allowances", [{"kind": "sign", "allowance": "soon", "basis": ""}]),
        ("risk_words", [{"word": "x", "risk": "weather", "level": "urgent"}]),
    ],
)
async def test_what_is_no_such_part_is_refused_with_what_is_wrong(desk: Desk, part: str, body: Any) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        await drafted(desk, body, part)


async def test_a_draft_needs_a_known_part_a_source_and_a_date_to_come(desk: Desk) -> None:
    with pytest.raises(BadInput, match="part"):
        await drafted(desk, [], "weather")
    with pytest.raises(BadInput, match="source"):
        await drafts.draft(desk, "catalogue", CATALOGUE, ONE, source="x")
    with pytest.raises(BadInput, match="past"):
        await drafted(desk, effective_at=NOW - timedelta(days=1))


async def test_a_draft_is_taken_back_by_its_author_and_then_nobody_publishes_it(desk: Desk) -> None:
    id_ = await drafted(desk)
    with pytest.raises(Forbidden):
        await drafts.take_back(desk, id_, Actor("third", Role.ANALYST, "hotline"))

    await drafts.take_back(desk, id_, ONE)

    with pytest.raises(NotFound):
        await drafts.publish(desk, id_, OTHER)


@pytest.mark.parametrize("actor", [AGENT, handler("jtj")])
async def test_rules_are_not_for_everybody(desk: Desk, actor: Actor) -> None:
    with pytest.raises(Forbidden):
        await drafts.draft(desk, "catalogue", CATALOGUE, actor, source=DECISION)
    with pytest.raises(Forbidden):
        await drafts.waiting(desk, actor)


async def test_an_analyst_drafts_but_does_not_publish(desk: Desk) -> None:
    analyst = Actor("analyst", Role.ANALYST, "hotline")
    id_ = await drafts.draft(desk, "catalogue", LAMPS_TO_ROADS, analyst, source=DECISION)
    other = await drafted(desk)

    with pytest.raises(Forbidden):
        await drafts.publish(desk, other, analyst)
    assert await drafts.publish(desk, id_, OTHER) == 2


def test_the_catalogue_comes_as_a_table_too() -> None:
    text = "category,area,owner,lead,co,basis\n0509,,,jtj,cgj @county,公路法\n"

    assert drafts.read("catalogue", text) == [
        {"category": "0509", "area": "", "owner": "", "lead": "jtj", "co": ["cgj", "@county"], "basis": "公路法"}
    ]
    with pytest.raises(BadInput, match="lacks lead"):
        drafts.read("catalogue", "category,area,owner,co,basis\n")
    with pytest.raises(BadInput, match="no JSON"):
        drafts.read("policy", "{")


async def test_where_a_town_would_get_a_departments_duty_the_catalogue_names_nobody(desk: Desk) -> None:
    pushed = [*CATALOGUE, CATALOGUE[0] | {"area": "0101", "lead": "q0101"}]

    rulebook = await desk.store.rulebook(NOW, {"catalogue": pushed})

    assert owners(Matter("010203", "0101", ""), rulebook) == Owners("", (), "0102/0101/*")
    assert owners(Matter("010203", "0102", ""), rulebook).lead == "jyj"


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def house(desk: Desk) -> AsyncIterator[House]:
    async with open_house(desk) as house:
        yield house


async def test_the_whole_way_over_the_interface(house: House) -> None:
    await house.open(category="050902", area="0102")
    body = {"part": "catalogue", "body": LAMPS_TO_ROADS, "source": DECISION}
    id_ = (await house.ask("administrator", "POST", "/drafts", body, 201))["id"]

    seen = await house.ask("supervisor", "GET", f"/drafts/{id_}?days=7")
    refused = await house.ask("administrator", "POST", f"/drafts/{id_}/publish", {}, 403)
    published = await house.ask("supervisor", "POST", f"/drafts/{id_}/publish", {})

    assert (seen["problems"], seen["trial"]["moved"], seen["draft"]["drafted_by"]) == ([], 1, "administrator")
    assert refused["error"]["facts"]["why"] == "a second person must agree"
    assert published == {"version": 2}
    assert json.dumps(await house.ask("analyst", "GET", "/rules/catalogue/2"), ensure_ascii=False).count("jtj") == 2
    await house.ask("agent", "GET", "/rules", status=403)
    await house.ask("administrator", "POST", f"/drafts/{id_}/publish", {}, 404)
    await house.ask("administrator", "GET", "/drafts/x", status=422)


async def test_a_unit_is_closed_over_the_interface_as_on_pages(house: House) -> None:
    rows = (await house.ask("analyst", "GET", "/rules/departments/1"))["body"]
    before = await house.open(category="050902", area="0102")
    bare = [{**row, "closed_from": str(NOW.date())} if row["code"] == "cgj" else row for row in rows]
    body = {"part": "departments", "body": bare, "source": DECISION}
    refused = (await house.ask("administrator", "POST", "/drafts", body, 201))["id"]
    heir = [{**row, "successor": "jtj"} if row["code"] == "cgj" else row for row in bare]
    written = drafts.written("departments", heir)
    table = {"part": "departments", "body": written, "source": DECISION}
    number = (await house.ask("administrator", "POST", "/drafts", table, 201))["id"]

    told = await house.ask("supervisor", "GET", f"/drafts/{refused}")
    await house.ask("supervisor", "POST", f"/drafts/{refused}/publish", {}, 422)
    await house.ask("supervisor", "POST", f"/drafts/{number}/publish", {})

    assert "department cgj: a successor is needed, tickets=1" in " ".join(told["problems"])
    after = await house.see("agent", await house.open(category="050902", area="0102"))
    assert after["assignments"][0]["department"] == "jtj"
    assert (await house.see("agent", before))["assignments"][0]["department"] == "cgj"
    intake_ = {"text": "路灯不亮", "type": "complaint", "reported": "cgj"}
    await house.ask("agent", "POST", "/tickets", intake_, 422)


async def test_labels_are_asked_and_given_over_the_interface(house: House) -> None:
    id_ = await house.open(text="不知是灯是坑")
    asked = [{"key": id_, "reason": "uncertain", "worth": 0.5, "guesses": [["050902", 0.4]]}]
    await house.desk.store.execute("ask_labels", asked=asked, at=NOW)

    waiting = await house.ask("analyst", "GET", "/labels")
    await house.ask("agent", "GET", "/labels", status=403)
    refused = await house.ask("analyst", "POST", f"/labels/{id_}", {"category": "0509"}, 422)

    assert [(one["ticket_id"], one["reason"]) for one in waiting] == [(id_, "uncertain")]
    assert refused["error"]["facts"]["field"] == "category"
    assert await house.ask("analyst", "GET", "/lessons") == []


async def test_a_draft_made_before_another_version_came_undoes_nothing_unseen(desk: Desk) -> None:
    first, second = await drafted(desk), await drafted(desk, CATALOGUE)
    assert await drafts.publish(desk, first, OTHER) == 2

    with pytest.raises(BadInput, match="rules no more"):
        await drafts.publish(desk, second, OTHER)

    assert "catalogue-2" in (await desk.rulebook()).version
    assert [row["id"] for row in await drafts.waiting(desk, OTHER)] == [second]
