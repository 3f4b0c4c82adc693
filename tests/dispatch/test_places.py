"""Which area of the city a text speaks of: by whole names, and by short ones that are no words."""

import pytest

from dispatch import places
from dispatch.rulebook import Area, Rulebook
from hotline.calendar_seed import default_calendar


@pytest.mark.parametrize(
    ("said", "area"),
    [
        ("建设街道的路灯不亮", "建设街道"),
        ("建设单位拖欠工程款，城乡建设局不管", None),
        ("大桥上的护栏断了，新桥还没有修好", None),
        ("学府路的路灯不亮", "学府街道"),  # a road that has the street's name
        ("东门菜市场门口", "东门街道"),
        ("东门和学府之间", None),
    ],
)
def test_a_short_name_that_is_a_word_as_well_counts_with_its_ending_only(said: str, area: str | None) -> None:
    names = ("东门街道", "学府街道", "建设街道", "大桥街道", "新桥街道")
    areas = {"00": Area("00", "榕溪市", None)}
    areas |= {f"01{at:02}": Area(f"01{at:02}", name, "00") for at, name in enumerate(names)}
    rulebook = Rulebook(version="", calendar=default_calendar(), areas=areas, departments={}, categories={})
    found, _ = places.area_in(said, rulebook)

    assert (areas[found].name if found else None) == area
