# Who answered, read off replies that were made up for these tests.
import pytest

from classifier import text
from classifier.evaluate import answering


@pytest.mark.parametrize(
    ("reply", "group"),
    [
        ("您好!已安排专人清扫。感谢您对我镇工作的支持!", answering.HALL),
        ("街道高度重视,已与教育局、城管局联系。", answering.HALL),  # whom the hall asked does not matter
        ("經查,該路段由我鄉管護。", answering.HALL),  # in traditional characters
        ("我局已派人到现场,公交公司将增加班次,详情请咨询市交通运输局。", "交通"),
        ("我大队将加强巡逻,请拨打派出所电话。", "公安/交警"),
        ("我局已转规划局和教育局办理。", ""),  # two groups are named: which of them speaks?
        ("规划局已批准。衷心感谢您对我县教育事业的关心!", "教育"),  # who thanks is who answers
        ("谢谢你对北山镇工作的支持。", answering.HALL),
        ("感谢您对城市管理和环境保护工作的支持。", ""),  # for two of them
        ("感谢您对我们工作的关心与支持!", ""),
        ("我局将继续努力。", ""),  # a department, but which?
        ("已转县教育局核实、办复。", ""),  # nobody speaks of himself
        ("我街区的路灯已修好。", ""),  # 街区 is no street office
        ("", ""),
    ],
)
def test_a_reply_tells_who_answered_only_where_it_speaks_of_itself(reply: str, group: str) -> None:
    assert answering.group(reply) == group


def test_the_groups_of_offices_are_named_once_and_no_hall_is_among_them() -> None:
    names = [line.partition("\t")[0] for line in text.lines("offices.tsv")]

    assert len(names) == len(set(names))
    assert answering.HALL not in names
