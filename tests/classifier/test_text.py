import json

import pytest

from classifier import corpus, text
from tests.classifier.dresses import NUMBERS, dresses, survives


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("我的电话是１３８　１２３４　５６７８，请回", "我的电话是〔电话〕,请回"),  # full width, with gaps
        ("打给 +86 139-8765-4321", "打给 〔电话〕"),
        ("座机0596-2671234没人接", "座机〔电话〕没人接"),
        ("手机一三八零零一三八零零零", "手机〔电话〕"),  # as a recogniser of speech writes it
        ("身份证号码110101199003078515", "身份证号码〔证件〕"),
        ("证件 11010119900307851x 遗失", "证件 〔证件〕 遗失"),
        ("旧证110101900307851", "旧证〔证件〕"),  # fifteen digits
        ("卡号6222 0212 3456 7890 123", "卡号〔卡号〕"),
        ("转到6217-0000-1234-5678", "转到〔卡号〕"),
        ("粤B·12345乱停", "〔车牌〕乱停"),
        ("沪AD12345占道", "〔车牌〕占道"),  # new energy
        ("我叫王小明,住三楼", "我叫〔姓名〕,住三楼"),
        ("联系人:欧阳海。", "联系人:〔姓名〕。"),
        ("张先生来电", "〔姓名〕先生来电"),
        ("邮箱abc.def@example.com", "邮箱〔邮箱〕"),
        ("加微信号:tom_1988", "加〔号码〕"),
        ("订单20240318771203", "订单〔号码〕"),
        ("电话l38l2345678", "电话〔号码〕"),  # letters that look like digits
        ("手机13O-1234-5678或13OO12345OO", "手机〔号码〕或〔号码〕"),
        ("粤A一二三四五和粤AD一二三四五停着", "〔车牌〕和〔车牌〕停着"),
        ("粤Z1234港", "〔车牌〕"),
        ("〔车牌〕一汽,粤B12345一汽", "〔车牌〕一汽,〔车牌〕一汽"),
        ("护照E12345678,回乡证H12345678", "〔号码〕,〔号码〕"),
        ("抖音号abc12345,支付宝账号wang_88", "〔号码〕,〔号码〕"),
        ("邮箱zhangsan(at)qq.com或zhangsan#qq.com", "邮箱〔邮箱〕或〔邮箱〕"),
        ("我叫张伟住在建设路", "我叫〔姓名〕住在建设路"),
        ("我的名字是张伟", "我的名字是〔姓名〕"),
        ("业主王建国反映", "业主〔姓名〕反映"),
        ("村民杨义云(身份证", "村民〔姓名〕(身份证"),
        ("父亲叫刘众大,今年75岁", "父亲叫〔姓名〕,今年75岁"),
    ],
)
def test_what_identifies_a_person_is_masked(said: str, kept: str) -> None:
    assert text.clean(said) == kept


@pytest.mark.parametrize("number", NUMBERS.values(), ids=NUMBERS)
def test_no_number_survives_in_any_dress(number: str) -> None:
    said = [around.format(dress) for dress in dresses(number) for around in ("电话{}请回", "号{}", "{},谢谢")]

    assert [one for one in said if survives(number, text.clean(one))] == []
    assert all(survives(number, one) for one in said)  # else there would be nothing to hide


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("法人代表王小明,住三楼", "法人代表〔姓名〕,住三楼"),
        ("法人王小明", "法人〔姓名〕"),
        ("该公司法人代表,不肯退钱", "该公司法人代表,不肯退钱"),  # 代 is a surname, 代表 is none
        ("我是应届生,本人申请,核减", "我是应届生,本人申请,核减"),
        ("本人党费,房东阿姨,司机师傅", "本人党费,房东阿姨,司机师傅"),
        ("大方某些人,黄某到场", "大方某些人,〔姓名〕到场"),
        ("李师傅和房东", "〔姓名〕师傅和房东"),
        ("居民向政府反映,业主向物业反映,群众曾多次举报", "居民向政府反映,业主向物业反映,群众曾多次举报"),
        ("直接装在业主房门口,", "直接装在业主房门口,"),
    ],
)
def test_a_name_is_told_from_a_word_that_begins_like_one(said: str, kept: str) -> None:
    assert text.clean(said) == kept


@pytest.mark.parametrize(
    "said",
    [
        "2024年3月5日停水",
        "G4高速K123处",
        "电费1234.56元",
        "12345没人接",
        "3号楼1502室",
        "京沪高铁",
        "一共1,234,567元",
        "一、二、三栋和5、6、7栋",
        "2019/2/28停电",
        "微信小程序和支付宝都打不开",
        "IO口和Ol坏了,#1楼",
    ],
)
def test_what_identifies_nobody_stays(said: str) -> None:
    assert text.clean(said) == said


def test_normalising_folds_width_marks_breaks_and_traditional_characters() -> None:
    assert text.normalise("電話打不通！！！\r\n　太慢ＡＢＣ１２") == "电话打不通! 太慢ABC12"


def test_cleaning_twice_changes_nothing_more() -> None:
    for example in corpus.read(corpus.shipped())[::5]:
        assert text.clean(example.text) == example.text


def test_the_fast_cutter_gives_what_jieba_gives() -> None:
    for file in sorted(corpus.shipped().glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines()[::15]:
            cleaned = text.clean(json.loads(line)["text"])
            assert text.words(cleaned) == text.reference_words(cleaned)


def test_words_of_the_lexicon_stay_whole() -> None:
    assert text.words("住建局没有办理不动产登记") == ["住建局", "没有", "办理", "不动产登记"]
    assert len(text.lexicon()) == len(set(text.lexicon()))


def test_traditional_characters_come_in_pairs() -> None:
    assert len("".join(text.lines("traditional.txt"))) % 2 == 0
