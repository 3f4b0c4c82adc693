"""From what a caller said to words: normalise, mask what identifies a person, cut into words.

Everything that is learned or logged has gone through `normalise` and `mask` first. Cutting is done by rjieba, which is
jieba's dictionary and algorithm in Rust, without the guessing of unknown words (HMM); `reference_words` does the same
with jieba itself, fifty times slower, and a test holds the two together. Knows no categories.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib import resources
from itertools import chain, compress
from operator import itemgetter
from typing import Any

import rjieba

PHONE, IDENTITY, BANK, PLATE, NAME, EMAIL, NUMBER = (
    "〔电话〕",
    "〔证件〕",
    "〔卡号〕",
    "〔车牌〕",
    "〔姓名〕",
    "〔邮箱〕",
    "〔号码〕",
)

_REPEATED_MARK = re.compile(r"([^\w\s])\1+")
_REPEATED_LETTER = re.compile(r"([^\d\W])\1{3,}")
_NO_GUESSING = False
_FIRST_LETTER = itemgetter(0)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
# The full-width marks and blanks of every letter; with them out of the way most texts need no slow normalising.
_WIDE_MARKS = tuple(zip("，：；！？（）\u3000\xa0", ",:;!?()  ", strict=True))

# Between the digits of one number people write spaces, hyphens and points.
_GAP = r"[ \-—–._·]?"
_CHINESE_DIGIT = "零〇一幺壹二两贰三叁四肆五伍六陆七柒八捌九玖"
# Whatever is written between digits to hide or to order them; three of it still join what stands on both sides.
_LOOSE_GAP = r"[ \-—–._·,，、/|~*:()]{0,3}"
_PLATE_PLACES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章苏潘葛范彭郎鲁韦马苗凤方俞任袁柳"
    "鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常傅卞齐康伍余顾孟黄穆萧尹姚邵汪祁毛狄臧戴宋庞熊纪舒屈项祝董梁杜阮蓝季贾江"
    "童郭梅林钟徐邱骆高夏蔡田樊胡凌霍虞万柯卢莫房缪解应宗丁邓洪包左石崔吉龚程邢裴陆荣翁荀甄曲封储靳段焦谷车侯全班仰"
    "秋仲伊宫宁仇甘厉祖武符刘景詹龙叶司黎薄白蒲卓池乔闻党翟谭劳姬申冉桑桂牛边燕温庄晏柴瞿阎连习艾容向古易廖耿匡文寇"
    "欧聂曾沙丰关查荆游权盖肖涂闫覃代付"
)
_NAME_BODY = rf"(?:欧阳|上官|司马|诸葛|[{_SURNAMES}])[\u4e00-\u9fff]{{1,2}}"
# What follows a surname and a 某 that is no name: 于某些, 车某个.
_SOME = "些|个(?!人)|种|地|时|天|次|位|项|类|处|方面|单位|部门|公司|平台|某些"
_TITLE = "先生|女士|小姐|同志|师傅|阿姨|大爷|大妈|老板"
_AFTER_NAME = r"(?=[,，。.;；:：、!！?？\s（(〔]|$|身份证|电话|手机|今年|住|家住|是|男|女)"

# Cheap looks that spare a text the long patterns: whatever these do not find, those cannot find either.
_TWICE = re.compile(r"(.)\1", re.DOTALL)
_FOUR_TIMES = re.compile(r"(.)\1{3}", re.DOTALL)
_SHORT_NAME = 2
_SEVEN_DIGITS = re.compile(r"\d(?:[ \-—–._·()]{0,5}\d){6}")
_TITLE_WORD = re.compile(_TITLE)

_MAIL_SIGN = re.compile(r"@|#|\(at\)", re.IGNORECASE)
_MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9._%+-]{2,64} ?(?:@|\(at\)) ?[A-Za-z0-9-]{1,64}(?: ?\. ?[A-Za-z0-9-]{1,64})+"
    r"|[A-Za-z0-9._%+-]{2,64}#[A-Za-z0-9-]{1,64}\.com",
    re.IGNORECASE,
)
# Who hides a number from a machine writes O for 0 and l for 1.
_LETTERED_NUMBER = re.compile(r"[0-9OoIl](?<![0-9A-Za-z].)(?:[ \-]?[0-9OoIl]){6,}(?![0-9A-Za-z])")
_LETTERED_DIGITS = 5
# The order matters: what is longer is recognised first, or its head would be taken for something shorter.
_MASKS_OF_DIGITS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"(?<!\d)[1-9](?:{_GAP}\d){{5}}{_GAP}(?:19|20)(?:{_GAP}\d){{9}}{_GAP}[\dXx](?!\d)"), IDENTITY),
    (re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{15,18}}(?!\d)"), BANK),
    (re.compile(r"(?<!\d)[1-9]\d{5}\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}(?!\d)"), IDENTITY),
    (re.compile(rf"(?<!\d)(?:\+?86{_GAP})?1{_GAP}[3-9](?:{_GAP}\d){{9}}(?!\d)"), PHONE),
    (re.compile(r"(?<!\d)(?:\(0\d{2,3}\)|0\d{2,3})[ \-—–]{0,3}[2-9]\d{2,3}[ \-]?\d{4}(?!\d)"), PHONE),
    (re.compile(r"(?<!\d)[48]00[ \-]?\d{3,4}[ \-]?\d{3,4}(?!\d)"), PHONE),
)
_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(
            rf"[一幺壹](?<![{_CHINESE_DIGIT}].)[三叁四肆五伍六陆七柒八捌九玖]"
            rf"(?:[ ,，、]?[{_CHINESE_DIGIT}]){{9}}(?![{_CHINESE_DIGIT}Xx])"
        ),
        PHONE,
    ),
    (
        re.compile(
            rf"[{_PLATE_PLACES}][ ·.]?[A-HJ-Za-hj-z][ ·.\-]?"
            rf"(?:(?=[A-Za-z]{{0,5}}\d)[A-Za-z0-9]{{4,5}}[A-Za-z0-9挂学警港澳]|[A-Za-z]?[{_CHINESE_DIGIT}]{{4,6}})"
        ),
        PLATE,
    ),
    (
        re.compile(
            r"(?:微信|薇信|V信|v信|QQ|Qq|qQ|qq|WX|Wx|wX|wx|VX|Vx|vX|vx|抖音|快手|小红书|支付宝|护照|通行证|回乡证|台胞证)"
            r"(?:[账帐]?号)?码?(?:是|为|叫)?[: ]*[A-Za-z0-9_\-]{5,20}"
        ),
        NUMBER,
    ),
)
_LONG_NUMBER = re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{6,}}(?!\d)")
# Ten digits, whatever script they are in and whatever stands between them, or seven Chinese ones in a row.
_HIDDEN_NUMBER = re.compile(
    rf"[\d{_CHINESE_DIGIT}](?:{_LOOSE_GAP}[\d{_CHINESE_DIGIT}]){{9,}}(?:{_LOOSE_GAP}[Xx×叉]\)?)?|[{_CHINESE_DIGIT}]{{7,}}"
)
_TITLED_NAME = re.compile(rf"(?<![\u4e00-\u9fff])(?P<name>[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}?)(?:{_TITLE})")
_NAMES: tuple[re.Pattern[str], ...] = (
    re.compile(
        rf"(?:姓名|联系人|当事人|户主|来电人|投诉人|举报人|申请人|诉求人|法人代表|法人)(?:是|为|叫)?[:： ]*"
        rf"(?P<name>{_NAME_BODY}){_AFTER_NAME}"
    ),
    re.compile(
        rf"(?:我叫|本人叫|名叫|名字叫|名字是|本人姓名|我是|本人)[:： ]?"
        rf"(?P<name>{_NAME_BODY})(?=[,，。.;；:：、!！\s（(〔]|$|身份证|电话|手机|家住|住|今年)"
    ),
    re.compile(
        rf"(?:儿子|女儿|老公|丈夫|老婆|妻子|父亲|母亲|爸爸|妈妈|哥哥|弟弟|姐姐|妹妹|孩子|邻居|老板|患者|同学|同事)叫"
        rf"(?P<name>{_NAME_BODY})(?![\u4e00-\u9fff]{{0,2}}(?:[车人]|我|你|他))"
    ),
    re.compile(
        rf"(?:业主|村民|居民|住户|租户|车主|市民|群众|家长|职工|员工|老公|丈夫|老婆|妻子|儿子|女儿|父亲|母亲)"
        rf"(?P<name>(?:欧阳|上官|司马|诸葛|[{_SURNAMES}][\u4e00-\u9fff])[\u4e00-\u9fff])(?=反映|来电|致电|投诉|举报|称[,:]|[,。:(])"
    ),
    re.compile(rf"(?:我姓|免贵姓)(?P<name>[{_SURNAMES}])(?=[,，。.;；、\s]|$)"),
)
_HALF_NAME = re.compile(rf"[{_SURNAMES}](?:某某|某|XX|xx|\*\*|\*)(?!{_SOME})(?![\u4e00-\u9fff]*(?:区|市|县|路))")


def normalise(text: str) -> str:
    """Return `text` in one line, half-width, simplified, with repeated marks said once. Safe to repeat."""
    for wide, narrow in _WIDE_MARKS:
        text = text.replace(wide, narrow)
    text = unicodedata.normalize("NFKC", text)
    if _traditional().search(text):
        text = text.translate(_simplified())
    text = _INVISIBLE.sub("", text)
    if _TWICE.search(text):
        text = _REPEATED_MARK.sub(r"\1", text)
        if _FOUR_TIMES.search(text):
            text = _REPEATED_LETTER.sub(r"\1\1", text)
    return " ".join(text.split())


def mask(text: str) -> str:
    """Return a normalised `text` with marks in the place of phone, identity, bank and plate numbers, and names.

    Digits in a row that are none of these are hidden from the seventh on too: an unknown kind of number is no reason
    to learn it. Names are found by what stands around them; a bare name in running text is not.
    """
    if _MAIL_SIGN.search(text):
        text = _MAIL_ADDRESS.sub(EMAIL, text)
    text = _LETTERED_NUMBER.sub(_lettered, text)
    digits = _SEVEN_DIGITS.search(text) is not None
    if digits:
        for pattern, mark in _MASKS_OF_DIGITS:
            text = pattern.sub(mark, text)
    for pattern, mark in _MASKS:
        text = pattern.sub(mark, text)
    text = _HIDDEN_NUMBER.sub(NUMBER, text)  # before the next, which would leave the ends of what it sees in parts
    if digits:
        text = _LONG_NUMBER.sub(NUMBER, text)
    for pattern in _NAMES:
        text = pattern.sub(_hidden_name, text)
    if _TITLE_WORD.search(text):
        text = _TITLED_NAME.sub(_hidden_name, text)
    return _HALF_NAME.sub(NAME, text)


def _lettered(found: re.Match[str]) -> str:
    """What stands in the place of digits with letters among them; digits alone and a word stay as they are."""
    looks_like = any(map(str.isalpha, found[0])) and sum(map(str.isdigit, found[0])) >= _LETTERED_DIGITS
    return NUMBER if looks_like else found[0]


def _hidden_name(found: re.Match[str]) -> str:
    """What stands in the place of a found name; the words as they were where it is none: 本人申请, 房东阿姨."""
    if _is_ordinary(found["name"]):
        return found[0]
    before, after = found.start("name") - found.start(), found.end("name") - found.start()
    return found[0][:before] + NAME + found[0][after:]


@cache
def _ordinary() -> frozenset[str]:
    """Words of one to four characters that begin like a name and are none."""
    return frozenset(chain.from_iterable(line.split() for line in lines("not_names.txt")))


def _is_ordinary(name: str) -> bool:
    """Whether what was taken for a name is a word, or a word and what the next one begins with: 申请, 申请要."""
    return name in _ordinary() or (len(name) > _SHORT_NAME and name[:_SHORT_NAME] in _ordinary())


def clean(text: str) -> str:
    """Return `text` as everything behind this point may see it: normalised and masked."""
    return mask(normalise(text))


def words(text: str) -> list[str]:
    """Return the words of a clean `text` in their order, without blanks and marks."""
    cut = _cutter().cut(text, _NO_GUESSING)
    return list(compress(cut, map(str.isalnum, map(_FIRST_LETTER, cut))))


def reference_words(text: str) -> list[str]:
    """Return what `words` must return, cut by jieba itself; about fifty times slower."""
    cut = _reference().cut
    return [word for word in cut(text, HMM=False) if word[:1].isalnum()]


def lexicon() -> tuple[str, ...]:
    """The words that jieba's dictionary lacks or splits: departments, government terms, what 12345 people say."""
    return lines("lexicon.txt")


def cut_all(texts: Sequence[str]) -> list[list[str]]:
    """Return the words of each raw text, cleaned first."""
    return [words(clean(text)) for text in texts]


def lines(name: str) -> tuple[str, ...]:
    """The lines of one of our data files, without empty ones and remarks."""
    content = (resources.files("classifier") / "data" / name).read_text(encoding="utf-8")
    return tuple(line.strip() for line in content.splitlines() if line.strip() and not line.startswith("#"))


@cache
def _simplified() -> dict[int, str]:
    """Traditional characters to simplified ones, one to one; what has several readings is left alone."""
    pairs = "".join(lines("traditional.txt"))
    return {ord(pairs[i]): pairs[i + 1] for i in range(0, len(pairs), 2)}


@cache
def _traditional() -> re.Pattern[str]:
    """Any one of the traditional characters that we know."""
    return re.compile(f"[{''.join(map(chr, _simplified()))}]")


@cache
def _cutter() -> rjieba.Jieba:
    """One cutter for the process; it is never changed after this, so threads may share it."""
    cutter = rjieba.Jieba()
    for word in lexicon():
        cutter.add_word(word, None, None)
    return cutter


@cache
def _reference() -> Any:  # noqa: ANN401 - jieba has no types
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    for word in lexicon():
        tokenizer.add_word(word)
    return tokenizer
