"""The templates' engine prints to the letter what Jinja would, and keeps nothing that anybody typed."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest
from markupsafe import Markup, escape

from hotline.web import frame
from hotline.web.forms import Input, Option
from hotline.web.printing import Templates, printed

AN_INPUT = Input(
    name="ground",
    id="refuse-0-ground",
    kind="choice",
    label="依据",
    hint="",
    needed=True,
    options=(Option("a", "甲 <乙>"), Option("b", "丙")),
)


@pytest.mark.parametrize("value", ["", "井盖", "<b> & 'c' \"d\"", Markup("<b>"), 7, None, 2.5, ["<"], frozenset({"&"})])
def test_a_value_is_printed_as_jinja_prints_it(value: object) -> None:
    assert str(printed(value)) == str(escape(value))


def _templates() -> Templates:
    words = {"w": SimpleNamespace(name="姓名 & <号>", many=("一", "二"))}
    return Templates("hotline.web", words, {"asset": lambda name: f"/static/{name}"})


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>{{ w.name }}</p>", "<p>姓名 &amp; &lt;号&gt;</p>"),
        ('<p title="{{ w.name if yes else given }}">', '<p title="姓名 &amp; &lt;号&gt;">'),
        ("{% for one in w.many %}{{ one }}{% endfor %}", "一二"),  # no text: looked up when it is printed
        ('{{ asset("a&b.css") }}', "/static/a&amp;b.css"),
        ("{{ given }}{{ given|safe }}", "&lt;i&gt;<i>"),
    ],
)
def test_fixed_words_stand_in_a_template_escaped(source: str, text: str) -> None:
    assert _templates().from_string(source).render(given="<i>", yes=True) == text


def test_a_word_that_there_is_not_stops_the_process_that_would_print_it() -> None:
    with pytest.raises(AttributeError):
        _templates().from_string("{{ w.nothing }}")


def test_no_template_gives_the_name_of_fixed_words_to_something_of_its_own() -> None:
    with pytest.raises(jinja2.TemplateAssertionError):
        _templates().from_string("{% for w in [1, 2] %}{{ w }}{% endfor %}")


def test_an_input_is_kept_as_it_was_drawn_only_while_nothing_was_typed() -> None:
    draw: Any = frame.TEMPLATES.globals["drawn_input"]
    empty = draw(AN_INPUT)
    kept = frame._untouched.cache_info().currsize
    chosen = draw(replace(AN_INPUT, values=("b",)))
    wrong = draw(replace(AN_INPUT, error="还没有填。"))

    assert draw(AN_INPUT) is empty
    assert "甲 &lt;乙&gt;" in empty
    assert "selected" not in empty
    assert '<option value="b" selected>' in chosen
    assert "还没有填" in wrong
    assert frame._untouched.cache_info().currsize == kept
