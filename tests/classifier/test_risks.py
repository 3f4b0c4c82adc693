import json
import re

import numpy as np
import pytest

from classifier import corpus, risks, text
from classifier.evaluate import dangers


@pytest.mark.parametrize(
    ("risk", "said"),
    [
        ("life", "快来人,老房子的墙裂开一道缝,楼板在响,楼里还有老人没下来"),
        ("self_harm", "他说活着没意思,把东西都送人了,一个人坐在大桥的栏杆上"),
        ("violence", "男的喝了酒又动手打她,拿板凳砸,孩子吓得直哭,她不敢回家"),
    ],
)
def test_a_danger_that_no_phrase_names_alarms_by_its_signs(risk: str, said: str) -> None:
    alarm = next(alarm for alarm in risks.alarms([text.clean(said)])[0] if alarm.risk == risk)

    assert risk not in risks.phrases(text.clean(said))
    assert alarm.evidence


@pytest.mark.parametrize(
    "said",
    [
        "请问公积金贷款需要哪些材料,几天能办好?",
        "路灯坏了三盏,晚上看不清,麻烦派人来修一下。",
        "快递放在驿站不送上楼,每次都要自己去取。",
        "建议在公交站加一个遮雨棚,方便老人孩子。",
        "",
    ],
)
def test_everyday_matters_do_not_alarm(said: str) -> None:
    assert risks.found(text.clean(said)) == ()


@pytest.mark.parametrize(
    ("risk", "said"),
    [
        (
            "life",
            "小孩掉井里了|两个孩子掉水库了|电梯里困了三个人|厨房有煤气味,头晕|煤气管被挖断了,呲呲响|有人掉河里了|溺水了快来人",
        ),
        ("life", "老人摔倒了起不来|孩子被锁在车里|燃气泄漏|工人触电了|有人从架子上摔下来|我妈快不行了|救命"),
        (
            "self_harm",
            "我想不开了|我爸喝了百草枯|她割了手腕|不解决我就死在你们门口|要自焚|工人爬上塔吊讨薪|天桥上有人要跳",
        ),
        ("self_harm", "有人要跳楼|他在家上吊了|我想死你们管不管|活着太累了,今晚就走|我死了算了"),
        ("violence", "把人打晕了|老公又打我了|我被打断了肋骨|有人抢劫|一个男的持刀在小区门口|他开车撞人"),
        (
            "group",
            "明天我们三百多人去市政府讨说法|我们约好周一堵售楼部|出租车要罢运|全村人去县政府静坐|八十多户业主要上访",
        ),
        (
            "secret",
            "举报人信息泄露了,村主任上门威胁我|举报信转给了被举报的人|我举报的事怎么被他们知道了|有人泄露国家机密",
        ),
    ],
)
def test_what_callers_say_of_a_danger_alarms(risk: str, said: str) -> None:
    assert [one for one in said.split("|") if risk not in risks.phrases(text.clean(one))] == []


@pytest.mark.parametrize(
    "said",
    [
        "我的手机电池快死了|小区的花要死了,没人浇水|空调快不行了|电动车快不行了",
        "今天热死了,公交没有空调|累死了,跑了三趟|气死我了,物业不接电话|电脑死机了|想死你了",
        "咨询跳楼机的票价|商场跳楼价是骗人的|跳河边广场舞的太吵|楼上吊顶掉灰|门口路灯没活路灯不亮|想不开户怎么办|自杀率统计",
        "公交卡被打回来了|表格被打印错了|资料被打开过|午休被打扰|电话被打爆了|睡觉被打断|被打击报复|杀毒软件打不开",
        "医院救命之恩送锦旗|养老金是救命钱|燃气泄漏报警器多少钱|蔬菜有农药残留|刀削面店无证|城管打我电话",
        "大家都堵在路上|三百多元的水费|周一去北京的高铁|空调罢工了|投诉信息查询",
    ],
)
def test_harmless_talk_has_no_phrase_of_danger(said: str) -> None:
    assert {one: told for one in said.split("|") if (told := risks.phrases(text.clean(one)))} == {}


def test_an_alarm_shows_the_words_that_raised_it_and_they_stand_in_the_text() -> None:
    said = text.clean("厂里好几百号人三个月没发工资,大家商量明天集体去堵门讨说法")
    alarms = risks.alarms([said])[0]

    assert alarms
    assert all(word in said for alarm in alarms for word in alarm.evidence)
    assert all(0 <= alarm.probability <= 1 for alarm in alarms)


@pytest.mark.parametrize(
    "said",
    [
        "他拿着欧阳伟的刀在门口",
        "孩子欧阳伟掉进河里了",
        "孩子欧阳小明掉进河里了",
        "举报人欧阳伟的电话被泄露",
        "厨房13812345678煤气味",
        "小区欧阳伟家里冒烟着火了",
    ],
)
def test_no_name_that_stands_inside_a_phrase_is_shown_with_the_alarm(said: str) -> None:
    words = [word for alarm in risks.alarms([text.clean(said)])[0] for word in alarm.evidence]

    assert words
    assert not [word for word in words if set(word) & set("欧阳伟明〔")]


def test_few_harmless_tickets_of_the_corpus_alarm_and_most_of_the_marked_ones_do() -> None:
    examples = corpus.read(corpus.shipped())
    found = [set(risks.found(example.text)) for example in examples]
    marked = [
        bool(alarms & set(example.risks)) for example, alarms in zip(examples, found, strict=True) if example.risks
    ]
    harmless = [bool(alarms) for example, alarms in zip(examples, found, strict=True) if not example.risks]

    assert np.mean(marked) > 0.6
    assert np.mean(harmless) < 0.04


def test_phrases_spelled_out_find_what_they_find_as_they_are_written() -> None:
    texts = [example.text for example in corpus.read(corpus.shipped())]
    written: dict[str, list[str]] = {}
    for line in text.lines("risks.tsv"):
        risk, _, pattern = line.partition("\t")
        written.setdefault(risk, []).append(pattern)

    found = 0
    for patterns in written.values():
        plain = re.compile("|".join(patterns))
        spelled = re.compile("|".join(each for pattern in patterns for each in risks.spelled_out(pattern)))
        for said in texts:
            spans = [match.span() for match in plain.finditer(said)]
            assert [match.span() for match in spelled.finditer(said)] == spans
            found += len(spans)
    assert found


@pytest.mark.parametrize(
    ("pattern", "spelled"),
    [
        ("(?:a|b)c|d", ["ac", "bc", "d"]),  # the bar outside the group parts more than the one inside
        ("(?:a|b)?c", ["ac", "bc", "c"]),  # with the group first, as the question mark wants it
        ("(?:(?:a|b)c|d)e", ["ace", "bce", "de"]),
        ("(?:a|b)+c", ["(?:a|b)+c"]),  # repeated: left as it is
        ("[ab]c", ["[ab]c"]),
    ],
)
def test_a_pattern_is_spelled_out_in_the_order_in_which_it_tries(pattern: str, spelled: list[str]) -> None:
    assert list(risks.spelled_out(pattern)) == spelled


def test_the_shipped_head_is_what_the_shipped_corpus_teaches() -> None:
    assert not dangers.stale(corpus.read(corpus.shipped())), "run python -m classifier evaluate risks --write"


def test_a_head_survives_its_file() -> None:
    head = risks.head()
    again = risks.from_json(json.loads(json.dumps(risks.to_json(head))))

    assert np.array_equal(head.weights, again.weights)
    assert np.array_equal(head.threshold, again.threshold)
    assert head.scores(risks.rows([])).shape == (0, len(corpus.RISKS))


def test_a_danger_that_a_phrase_names_is_at_least_even_and_a_faint_sign_says_how_faint_it_is() -> None:
    (said,) = risks.alarms(["煤气泄漏"])[0]
    (faint,) = risks.alarms(["打我电话"])[0]

    assert said.probability == 0.5
    assert faint.probability < 0.5
