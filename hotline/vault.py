"""Personal data: sealed for storage, found again by keyed fingerprint, masked for whoever need not know.

AES-256-GCM under a key whose id stands beside what it sealed, so that keys can be changed without touching old rows.
The field's name is bound in: a sealed phone cannot be passed off as a name. No I/O, no database; only the operating
system's random numbers. Who may see what unmasked is decided elsewhere.
"""

from __future__ import annotations

import hmac
import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hotline.config import Key
from hotline.errors import BadInput, HotlineError

NONCE_BYTES = 12
"""Random; one key may so seal 2^32 values, three for each of a thousand million tickets."""
FINGERPRINT_BYTES = 16


@dataclass(eq=False)
class SealBroken(HotlineError):
    """What was sealed cannot be opened: its key is not configured, or it was changed or moved."""

    code: ClassVar[str] = "seal_broken"
    about: str
    key: str
    problem: str

    def sentence(self) -> str:
        return f"the sealed {self.about} cannot be opened with key {self.key!r}: {self.problem}"


class Vault:
    """Seals with the first key, opens with any; safe to use from several threads.

    A new key is put before the old ones in HOTLINE_KEYS; an old one may go when nothing sealed with it is left.
    """

    def __init__(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise ValueError("a vault needs at least one key for personal data")
        self._ciphers = {key.id.encode(): AESGCM(key.secret) for key in keys}
        self._print_keys = [_print_key(key.secret) for key in keys]
        first = keys[0].id.encode()
        self._head = bytes((len(first),)) + first
        self._encrypt = self._ciphers[first].encrypt
        self._keys = tuple(keys)

    def seal(self, text: str, *, about: str) -> bytes:
        """Return `text` sealed, never twice the same; `about` names its field and must be given again to open it."""
        nonce = os.urandom(NONCE_BYTES)
        return self._head + nonce + self._encrypt(nonce, _utf8(text, about), about.encode())

    def open(self, sealed: bytes, *, about: str) -> str:
        """Return what was sealed; raises SealBroken."""
        return self.open_bytes(sealed, about=about).decode()

    def seal_bytes(self, content: bytes, *, about: str) -> bytes:
        """Return `content`, no text but a file, sealed in the same way."""
        nonce = os.urandom(NONCE_BYTES)
        return self._head + nonce + self._encrypt(nonce, content, about.encode())

    def open_bytes(self, sealed: bytes, *, about: str) -> bytes:
        """Return what `seal_bytes` sealed; raises SealBroken."""
        end = 1 + sealed[0] if sealed else 0
        key, nonce, rest = sealed[1:end], sealed[end : end + NONCE_BYTES], sealed[end + NONCE_BYTES :]
        cipher = self._ciphers.get(key)
        if cipher is None:
            raise SealBroken(about, key.decode("ascii", "replace"), "HOTLINE_KEYS has no such key")
        try:
            return cipher.decrypt(nonce, rest, about.encode())
        except (InvalidTag, ValueError) as error:
            problem = "it was changed, belongs to another field, or that id once named another key"
            raise SealBroken(about, key.decode("ascii", "replace"), problem) from error

    def secret_for(self, purpose: str) -> bytes:
        """Return a secret for another purpose, made from the first key."""
        return secret_for(self._keys, purpose)

    def fingerprint(self, text: str, *, about: str) -> bytes:
        """Return what is stored to find `text` again, made with the first key.

        Blanks, full-width signs and capitals make no difference. Without the key nobody can try all numbers.
        """
        return _fingerprint(self._print_keys[0], _plain(text, about))

    def fingerprints(self, text: str, *, about: str) -> list[bytes]:
        """Return what to look for: one for each key, since rows keep the fingerprint of the key of their time."""
        plain = _plain(text, about)
        return [_fingerprint(key, plain) for key in self._print_keys]


def _print_key(secret: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"hotline fingerprint").derive(secret)


def secret_for(keys: Sequence[Key], purpose: str) -> bytes:
    """Return a secret of its own for another purpose, made from the first key: neither tells anything of the other."""
    info = f"hotline {purpose}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(keys[0].secret)


def _fingerprint(key: bytes, plain: bytes) -> bytes:
    return hmac.digest(key, plain, "sha256")[:FINGERPRINT_BYTES]


def _plain(text: str, about: str) -> bytes:
    written = "".join(unicodedata.normalize("NFKC", text).split()).casefold()
    return about.encode() + b"\x00" + _utf8(written, about)


def _utf8(text: str, about: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: a text that was cut between the two
        raise BadInput(about, ascii(text), "is not text", "Unicode without lone surrogates") from None


# --- phone numbers ------------------------------------------------------------------------------------------------

PHONES = "13812345678, +86 138 1234 5678, 0591-87654321, 0591-87654321转801, 4001234567, 87654321, +852 9123 4567"
_LONGEST_PHONE = 60
_SHORTEST_WITH_EXTENSION = 7
_AREA = "(?:10|2[0-9]|[3-9][0-9]{2})"
_KINDS = (
    re.compile(r"0?(1[3-9][0-9]{9})"),  # a mobile; the zero is dialled from afar
    re.compile(rf"(0{_AREA}[1-9][0-9]{{6,7}})"),  # a landline with its area code
    re.compile(r"([48]00[0-9]{7}|[1-9][0-9]{2,7})"),  # a company's number; a local or a service number
)
_FROM_ABROAD = re.compile(r"\+(?!86)[1-9][0-9]{6,14}")
_HOME_PREFIX = re.compile(r"\+86|0086|86(?=0?1[3-9][0-9]{9}$|0?[1-9][0-9]{9,10}$)")
_DECORATION = re.compile(r"[\s\-‐-―−ー_.·•()\[\]【】]+")
_EXTENSION = re.compile(r"(.*[0-9)].*?)(?:转|分机号?|ext\.?|x|#|,|;)[\s:.]*([0-9]{1,6})", re.IGNORECASE)
_PARTS = re.compile(rf"(.*(?:0{_AREA}[\s)]*-?[\s(]*|\b[48]00|\b)[1-9][0-9]{{6,7}})\s*-\s*([0-9]{{1,6}})")


def phone(text: str) -> str:
    """Return a phone number in one form: digits without +86, `-` before an extension, + before another country.

    Raises BadInput for what is none; several numbers in one field are none either.
    """
    written = unicodedata.normalize("NFKC", text[: _LONGEST_PHONE + 1])
    # Numbers copied from an address book carry invisible marks of direction.
    written = "".join(sign for sign in written if unicodedata.category(sign) != "Cf").replace("—", "-").strip()
    if len(text) <= _LONGEST_PHONE:
        number = _with_extension(written) or _number(written)
        if number:
            return number
    raise BadInput("phone", text, "is no phone number", PHONES)


def _with_extension(written: str) -> str:
    parts = _EXTENSION.fullmatch(written) or _PARTS.fullmatch(written)
    number = _number(parts[1]) if parts else ""
    # Neither mobiles nor service numbers have any, nor does anybody here dial one abroad.
    has_one = len(number) >= _SHORTEST_WITH_EXTENSION and number[0] not in "1+"
    return f"{number}-{parts[2]}" if parts and has_one else ""


def _number(written: str) -> str:
    digits = _DECORATION.sub("", written)
    if _FROM_ABROAD.fullmatch(digits):
        return digits
    home = _HOME_PREFIX.match(digits)
    inside = digits[home.end() :] if home else digits
    # Written for callers from abroad, an area code has lost its zero.
    candidates = (inside, f"0{inside}") if home else (inside,)
    found = (kind.fullmatch(candidate) for candidate in candidates for kind in _KINDS)
    return next((match[1] for match in found if match), "")


# --- masks --------------------------------------------------------------------------------------------------------

STARS = "****"
_COMPOUND_SURNAME = re.compile(
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|万俟|闻人|夏侯|诸葛|尉迟|公羊|赫连|澹台|皇甫|宗政|濮阳|公冶|太叔|申屠|公孙|慕容|仲孙"
    "|钟离|长孙|宇文|司徒|鲜于|司空|闾丘|子车|令狐|轩辕|百里|呼延|东郭|南门|西门|拓跋|第五|淳于|单于|亓官|左丘|梁丘|张简|范姜"
    "|歐陽|諸葛|尉遲|鮮于|鍾離|東方|長孫|張簡|司馬|東郭|軒轅|獨孤"
)
_TITLE = re.compile("先生|女士|小姐|同志|师傅|老师|阿姨|大爷|大妈|大叔|经理|主任|律师|医生")
_LONGEST_STARS = 20


def mask_name(name: str) -> str:
    """Keep the surname, or the first letter: 张三 → 张*, 欧阳娜娜 → 欧阳**; 王先生 stays."""
    name = name.strip()
    kept = 2 if _COMPOUND_SURNAME.match(name) and len(name) > 2 else 1  # noqa: PLR2004 - surnames of two characters
    if _TITLE.fullmatch(name, kept):
        return name
    return name[:kept] + "*" * min(max(1, len(name) - kept), _LONGEST_STARS) if name else ""


def mask_phone(number: str) -> str:
    """Keep what does not tell whose it is: 138****5678, 0591****4321, ****4321; service numbers stay."""
    number, _, _extension = number.partition("-")
    if len(number) <= 6:  # noqa: PLR2004 - longer ones belong to somebody: 12345, 96123, 110
        return number
    if number.startswith("0"):
        area = 3 if number[1:2] in {"1", "2"} else 4
        return f"{number[:area]}{STARS}{number[-4:]}"
    if number.startswith("+"):
        return f"{number[:4]}{STARS}{number[-3:]}"
    return f"{number[:3]}{STARS}{number[-4:]}" if len(number) > 9 else f"{STARS}{number[-4:]}"  # noqa: PLR2004 - local


_HOUSE = re.compile(
    r"[0-9０-９]|[A-Za-z](?![a-z])|[(（]|[一二三四五六七八九十百零〇]{1,8}\s?(?:号|栋|幢|座|单元|室|楼|层|房|组|户)"
)
_ROADS = re.compile(r".*(?:[省市区县旗镇乡村屯路街巷道]|街道|社区|胡同|小区|花园|新村)", re.DOTALL)


def mask_address(address: str) -> str:
    """Keep district, street, road and estate; hide everything from the house number on.

    Where there is no number the last road or village is the last that is kept, and without one nothing is.
    """
    address = address.strip()
    house = _HOUSE.search(address)
    if house:
        return f"{address[: house.start()]}***"
    roads = _ROADS.match(address)
    kept = roads.end() if roads else 0
    return address if kept == len(address) else f"{address[:kept]}***"


# --- free text ------------------------------------------------------------------------------------------------------

# What may stand between two digits: blanks, dashes, dots, brackets, invisible marks; not a comma, which divides.
_GAP = r"[\s\-‐-―−－ー_.．·•()（）\[\]【】\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]"
_RUN = re.compile(rf"\d(?:{_GAP}{{0,3}}+\d){{9,}}+(?:{_GAP}{{0,3}}+[XxＸｘ])?+")
"""Digits of any script and whatever decorates them; shorter ones are nobody's number."""


class _Table(dict[int, str]):
    """What `translate` remembers of the basic plane and of digits; the rest would only fill the memory."""

    def __init__(self, of: Callable[[str], str]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, code: int) -> str:
        sign = self._of(chr(code))
        if code <= 0xFFFF or sign.isdigit():  # noqa: PLR2004 - the basic plane
            self[code] = sign
        return sign


def _bare(sign: str) -> str:
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    return "X" if sign in "XxＸｘ" else " "


def _narrow(sign: str) -> str:
    return unicodedata.normalize("NFKC", sign) if _WIDE.match(sign) else sign


_WIDE = re.compile("[０-９Ａ-Ｚａ-ｚ＠．]")
_BARE, _NARROW = _Table(_bare), _Table(_narrow)

# These read a run as `_BARE` leaves it: digits, and blanks for what decorates them. The group is what gets hidden.
_MOBILE = re.compile("(?<![0-9])(?:(?:0 *+0 *+)?8 *+6 *+|0 *+)?(1 *+[3-9](?: *+[0-9]){9})(?![0-9])")
_LANDLINE = re.compile(
    "(?<![0-9])(?:(?:0 *+0 *+)?8 *+6 *+)?(0 *+(?:1 *+0|2 *+[0-9]|[3-9] *+[0-9] *+[0-9]) *+"
    "(?!20[0-9]{2} +[0-9]{1,2} +[0-9])[2-8](?: *+[0-9]){6,7})(?![0-9])"
)
_ABROAD = re.compile(r"\A((?:86 *+(?:10|2[0-9]|[3-9][0-9]{2})|85[23]|886)(?: *+[0-9]){7,9})(?![0-9])")
_IDENTITY = re.compile(
    "(?<![0-9])((?:1 *+[1-5]|2 *+[1-3]|3 *+[1-7]|4 *+[1-6]|5 *+[0-4]|6 *+[1-5]|7 *+1|8 *+[1-3]|9 *+1)(?: *+[0-9]){4} *+"
    "(?:1 *+9|2 *+0)(?: *+[0-9]){2} *+(?:0 *+[1-9]|1 *+[0-2]) *+(?:0 *+[1-9]|[12] *+[0-9]|3 *+[01])(?: *+[0-9]){3} *+"
    "[0-9X])(?![0-9])"
)
_OLD_IDENTITY = re.compile(
    "(?<![0-9])((?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5])[0-9]{4} *+"
    "[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]) *+[0-9]{3})(?![0-9])"
)
_CARD = re.compile(
    "(?<![0-9])([34569](?:[0-9]{14,18}|[0-9]{3}(?: +[0-9]{4}){3}(?: *+[0-9]{1,3})?|[0-9]{3} +[0-9]{6} +[0-9]{5}"
    r"|[0-9]{5} +[0-9]{9,13}|(?<=\A.)(?: +[0-9]){14,18}\Z))(?![0-9])"
)

_SPOKEN_DIGIT = "[零〇一二两三四五六七八九幺壹贰叁肆伍陆柒捌玖]"
_SPOKEN = re.compile(
    rf"[一幺壹](?<!{_SPOKEN_DIGIT}.)[\s-]{{0,2}}+[三四五六七八九叁肆伍陆柒捌玖](?:[\s-]{{0,2}}+{_SPOKEN_DIGIT}){{9}}"
    rf"(?!{_SPOKEN_DIGIT})"
)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][·•.\s-]{0,2}"
    r"(?=[A-Za-z]{0,3}\d)[A-HJ-NP-Za-hj-np-z\d]{4,5}[A-HJ-NP-Za-hj-np-z\d挂学警港澳](?![A-Za-z\d])"
)
_MAIL = re.compile(r"[A-Za-z0-9._%+-](?<![A-Za-z0-9._%+-].)[A-Za-z0-9._%+-]*+@[A-Za-z0-9-]++(?:\.[A-Za-z0-9-]++)+")

_TICKET = re.compile("[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]{7}")
_PERIOD = re.compile(r"19\d\d\D(?:0?[1-9]|1[0-2])\D+(?:19|20)\d\d\D(?:0?[1-9]|1[0-2])")
_DOTTED = frozenset({(3, 4, 4), (3, 3, 5), (4, 4, 3), (4, 3, 4), (1,) * 11})
_NOT_DIGITS = re.compile(r"\D+")
_CHECK_DIGITS = "10X98765432"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_ZERO = ord("0")

Hide: TypeAlias = Callable[[str, str], str]
"""From the digits of what was found, and from how they were written, to the mask; '' where it only looks alike."""
Span: TypeAlias = tuple[int, int, str]
"""Start, end with a minus so that the longer comes first, mask."""


def mask_text(text: str) -> str:
    """Hide mobiles, landlines with area code, identity and bank card numbers, plates and e-mail in free text.

    Also where blanks, dashes, dots, brackets or full-width digits decorate them, and mobiles spelt in Chinese
    numerals. Our own 18-digit numbers, dates and amounts stay. Time is linear in the length of the text.
    """
    found: list[Span] = []
    for run in _RUN.finditer(text):
        found.extend(_numbers_in(text, run))
    found.extend((one.start(), -one.end(), f"{one[0][0]}{STARS}") for one in _SPOKEN.finditer(text))
    plain = text.translate(_NARROW) if _WIDE.search(text) else text
    found.extend((one.start(), -one.end(), f"{one[0][:2]}{STARS}{one[0][-1]}") for one in _PLATE.finditer(plain))
    if "@" in plain:
        found.extend((one.start(), -one.end(), _mail(one[0])) for one in _MAIL.finditer(plain))
    return _covered(text, sorted(found)) if found else text


def _numbers_in(text: str, run: re.Match[str]) -> Iterator[Span]:
    """Yield what is somebody's number; where one only looks alike, the true one may begin behind its first sign."""
    begin = run.start()
    bare = run[0].translate(_BARE)
    for pattern, hide in _NUMBERS if text[begin - 1 : begin] not in {"+", "＋"} else _NUMBERS_ABROAD:
        at = 0
        while match := pattern.search(bare, at):
            start, end = match.span(1)
            hidden = hide(match[1].replace(" ", ""), text[begin + start : begin + end])
            at = end if hidden else match.start() + 1
            if hidden:
                yield begin + start, -(begin + end), hidden


def _covered(text: str, found: Sequence[Span]) -> str:
    """Return `text` with each span under its mask; where two overlap, the earlier or else the longer one wins."""
    pieces: list[str] = []
    at = 0
    for start, minus_end, hidden in found:
        if start >= at:
            pieces += (text[at:start], hidden)
            at = -minus_end
        elif -minus_end > at:  # the rest of a number that began inside another
            pieces.append(STARS)
            at = -minus_end
    return "".join((*pieces, text[at:]))


def _mobile(digits: str, written: str) -> str:
    """Hide a mobile, however it is divided; but prices have points too, and periods: 1998.1-2005.12."""
    if len(written) > len(digits):
        parts = tuple(map(len, _NOT_DIGITS.split(written)))
        if ("." in written and parts not in _DOTTED) or _PERIOD.fullmatch(written):
            return ""
    return f"{digits[:3]}{STARS}{digits[-4:]}"


def _landline(digits: str, _written: str) -> str:
    return mask_phone(digits)


def _abroad(digits: str, _written: str) -> str:
    kept = 2 if digits.startswith("86") else 3
    return f"{digits[:kept]}{STARS}{digits[-3:]}"


def _identity(digits: str, _written: str) -> str:
    """Hide an identity number; one that could be a ticket number must have the right check digit.

    A mistyped one is somebody's all the same. Until 2031 no ticket number begins like a province.
    """
    is_ticket = _TICKET.fullmatch(digits) and not _has_check_digit(digits)
    return "" if is_ticket else f"{digits[:3]}{STARS * 3}{digits[-1]}"


def _has_check_digit(digits: str) -> bool:
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False))
    return _CHECK_DIGITS[total % 11] == digits[-1]


def _old_identity(digits: str, _written: str) -> str:
    """Hide an identity number from before 1999: 15 digits, no check digit."""
    return f"{digits[:3]}{STARS * 3}"


def _card(digits: str, _written: str) -> str:
    """Hide a bank card number: the Luhn digit is right, and it is none of our ticket numbers."""
    signs = digits.encode()
    total = sum(signs[-1::-2]) + sum(signs[-2::-2].translate(_DOUBLED)) - _ZERO * len(signs)
    return "" if total % 10 or _TICKET.fullmatch(digits) else f"{digits[:4]}{STARS * 2}{digits[-4:]}"


def _mail(written: str) -> str:
    return f"{written[0]}***{written[written.index('@') :]}"


_NUMBERS: tuple[tuple[re.Pattern[str], Hide], ...] = (
    (_IDENTITY, _identity),
    (_OLD_IDENTITY, _old_identity),
    (_CARD, _card),
    (_MOBILE, _mobile),
    (_LANDLINE, _landline),
)
_NUMBERS_ABROAD = (*_NUMBERS, (_ABROAD, _abroad))
