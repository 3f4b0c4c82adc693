"""The reply gate and pictures on the ticket's page: doubts are shown, confirmed, and stay with the reply."""

import re

import pytest
from aiohttp import FormData

from hotline.desk import Desk
from hotline.shelf import Folder
from tests.hotline.test_pictures import WHERE, jpeg
from tests.web.conftest import Bring, Browser, Open

REPLY = {
    "received": "您咨询的井盖缺失已收悉",
    "findings": "现场查看井盖被盗",
    "handling": "将于2027年1月5日前更换井盖",
    "follows": "请联系城管局",
    "genuine": "true",
    "solved": "false",
}


async def working(browser: Browser, ticket: int) -> None:
    await browser.act(ticket, "accept")
    await browser.act(ticket, "contact", how="10:20 本人接听")


async def test_a_doubtful_reply_is_held_until_each_doubt_is_confirmed_and_that_stays(
    open_browser: Open, bring: Bring
) -> None:
    ticket = await bring(category="010102", type="complaint")
    city, supervisor = await open_browser("city"), await open_browser("supervisor")
    await working(city, ticket)

    await city.act(ticket, "reply", **REPLY)

    assert city.status == 409
    assert "承诺了日期（2027-01-05）" in city.html
    assert "改变了定性" in city.html
    assert "将于2027年1月5日前更换井盖" in city.html  # what was typed is there
    assert "fill=ask_promise&amp;assignment=1&amp;until=2027-01-05#ask_promise-1" in city.html
    await city.act(ticket, "reply", **REPLY, confirmed="promise")
    assert city.status == 409
    assert re.search(r'name="confirmed" value="promise" checked', city.html)
    assert re.search(r'name="confirmed" value="downgraded">', city.html)
    form = {**city.form("reply"), **REPLY}
    await city.post(f"/tickets/{ticket}/act", [*form.items(), ("confirmed", "promise"), ("confirmed", "downgraded")])
    assert city.path.endswith("?done=reply"), city.html
    await supervisor.get(f"/tickets/{ticket}")
    assert "承诺日期、定性改变" in supervisor.html


async def test_the_way_to_a_tracked_promise_is_filled_in(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    city = await open_browser("city")
    await working(city, ticket)

    await city.get(f"/tickets/{ticket}?fill=ask_promise&assignment=1&until=2027-01-05")

    assert re.search(r'<details id="ask_promise-1" open>', city.html)
    assert 'value="2027-01-05"' in city.html


async def test_a_promise_that_is_tracked_is_doubted_no_more(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    city, dispatcher = await open_browser("city"), await open_browser("dispatcher")
    await working(city, ticket)
    await city.act(ticket, "ask_promise", until="2027-01-05", measures="购买井盖")
    await dispatcher.act(ticket, "decide", approve="true", answer="同意")

    await city.act(ticket, "reply", **{**REPLY, "received": "井盖缺失已收悉"})

    assert city.path.endswith("?done=reply"), city.html


def multipart(values: dict[str, str], *files: tuple[str, bytes]) -> FormData:
    form = FormData()
    for name, value in values.items():
        form.add_field(name, value)
    for name, content in files:
        form.add_field("pictures", content, filename=name, content_type="application/octet-stream")
    return form


@pytest.fixture
def shelf(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    desk.shelf = Folder(tmp_path_factory.mktemp("pictures"))


@pytest.mark.usefixtures("shelf")
async def test_a_photo_goes_with_the_reply_and_survives_a_refusal(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102", type="complaint")
    city, supervisor, water = [await open_browser(who) for who in ("city", "supervisor", "water")]
    await working(city, ticket)
    await city.get(f"/tickets/{ticket}")

    await city.post(f"/tickets/{ticket}/act", multipart({**city.form("reply"), **REPLY}, ("a.jpg", jpeg())))
    assert city.status == 409
    assert "已上传、随本次提交的照片 1" in city.html
    await supervisor.get(f"/tickets/{ticket}")
    assert "/pictures/" not in supervisor.html
    good = {**city.form("reply"), **REPLY, "received": "井盖缺失", "handling": "已更换井盖"}
    await city.post(f"/tickets/{ticket}/act", multipart(good))
    await supervisor.get(f"/tickets/{ticket}")

    picture = re.search(rf'src="(/tickets/{ticket}/pictures/\d+)"', supervisor.html)
    assert picture
    async with supervisor.client.get(picture[1]) as answer:
        assert answer.content_type == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert WHERE not in await answer.read()
    await water.get(picture[1])
    assert water.status == 404


@pytest.mark.usefixtures("shelf")
async def test_a_file_that_is_no_picture_is_refused_beside_its_field(open_browser: Open, bring: Bring) -> None:
    ticket = await bring(category="010102")
    city = await open_browser("city")
    await working(city, ticket)
    await city.get(f"/tickets/{ticket}")

    await city.post(f"/tickets/{ticket}/act", multipart({**city.form("reply"), **REPLY}, ("a.jpg", b"<script>")))

    assert city.status == 422
    assert "不是能识别的照片" in city.html
    assert "现场查看井盖被盗" in city.html
