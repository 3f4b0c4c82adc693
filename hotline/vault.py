"""Personal data: sealed for storage, found again by keyed fingerprint, masked for whoever need not know.

AES-256-GCM under a key whose id stands beside what it sealed, so that keys can be changed without touching old rows.
The field's name is bound in: a sealed phone cannot be passed off as a name. No I/O, no database; only the operating
system's random numbers.
"""

from __future__ import annotations

import hmac
import os
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hotline.config import Key
from hotline.errors import BadInput, HotlineError

NONCE_BYTES = 12
FINGERPRINT_BYTES = 16


@dataclass(eq=False)
class SealBroken(HotlineError):
    """What was sealed cannot be opened: its key is not configured, or it was changed."""

    code: ClassVar[str] = "seal_broken"
    about: str
    key: str

    def sentence(self) -> str:
        return f"the sealed {self.about} cannot be opened: key {self.key} is missing in HOTLINE_KEYS, or it was changed"


class Vault:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise BadInput("keys", "", "are missing", "at least one key for personal data")
        self._first = keys[0].id.encode()
        self._ciphers = {key.id.encode(): AESGCM(key.secret) for key in keys}
        self._prints = [_fingerprint_key(key.secret) for key in keys]

    def seal(self, text: str, *, about: str) -> bytes:
        """Return `text` sealed; `about` names its field and must be given again to open it."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self._first].encrypt(nonce, text.encode(), about.encode())
        return bytes((len(self._first),)) + self._first + nonce + sealed

    def open(self, sealed: bytes, *, about: str) -> str:
        """Return what was sealed; raises SealBroken."""
        end = 1 + sealed[0]
        key = sealed[1:end]
        cipher = self._ciphers.get(key)
        if cipher is None:
            raise SealBroken(about, key.decode("ascii", "replace"))
        try:
            nonce, rest = sealed[end : end + NONCE_BYTES], sealed[end + NONCE_BYTES :]
            return cipher.decrypt(nonce, rest, about.encode()).decode()
        except InvalidTag as error:
            raise SealBroken(about, key.decode("ascii", "replace")) from error

    def fingerprint(self, text: str, *, about: str) -> bytes:
        """Return what is stored to find `text` again, made with the first key."""
        return _fingerprint(self._prints[0], text, about)

    def fingerprints(self, text: str, *, about: str) -> list[bytes]:
        """Return what to look for: one a key, since rows keep the fingerprint of the key of their time."""
        return [_fingerprint(key, text, about) for key in self._prints]


def _fingerprint_key(secret: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"hotline fingerprint").derive(secret)


def _fingerprint(key: bytes, text: str, about: str) -> bytes:
    return hmac.digest(key, f"{about}\x00{text}".encode(), sha256)[:FINGERPRINT_BYTES]


# --- phone numbers ------------------------------------------------------------------------------------------------

_MOBILE = re.compile(r"1[3-9]\d{9}")
_LANDLINE = re.compile(r"0\d{2,3}\d{7,8}(?:\d{1,6})?|[2-8]\d{6,7}|400\d{7}|1\d{2,4}|9\d{4}")
_DECORATION = re.compile(r"[\s\-()（）\u2010-\u2015—－.·]+")


def phone(text: str) -> str:
    """Return a phone number in one form: digits only, without +86. Raises BadInput for what is none."""
    digits = _DECORATION.sub("", unicodedata.normalize("NFKC", text))
    digits = re.sub(r"^(?:\+86|0086|86(?=1[3-9]\d{9}$))", "", digits)
    digits = re.sub(r"(?:转|ext\.?|x|#)(?=\d{1,6}$)", "", digits, flags=re.IGNORECASE)
    if _MOBILE.fullmatch(digits) or _LANDLINE.fullmatch(digits):
        return digits
    raise BadInput("phone", text, "is no phone number", "13812345678, +86 138 1234 5678, 0596-2345678, 12345")


# --- masks --------------------------------------------------------------------------------------------------------

_COMPOUND = frozenset(
    {
        *[
            "欧阳",
            "太史",
            "端木",
            "上官",
            "司马",
            "东方",
            "独孤",
            "南宫",
            "万俟",
            "闻人",
            "夏侯",
            "诸葛",
            "尉迟",
            "公羊",
            "赫连",
            "澹台",
            "皇甫",
            "宗政",
            "濮阳",
        ]
    }
) | {
    *[
        "公冶",
        "太叔",
        "申屠",
        "公孙",
        "慕容",
        "仲孙",
        "钟离",
        "长孙",
        "宇文",
        "司徒",
        "鲜于",
        "司空",
        "闾丘",
        "子车",
        "令狐",
        "轩辕",
        "百里",
        "呼延",
        "东郭",
        "南门",
    ]
}


def mask_name(name: str) -> str:
    """Keep the surname: 张三 → 张*, 欧阳娜娜 → 欧阳**."""
    kept = 2 if name[:2] in _COMPOUND and len(name) > 2 else 1  # noqa: PLR2004 - surnames of two characters
    return name[:kept] + "*" * max(1, len(name) - kept)


def mask_phone(number: str) -> str:
    """Keep the beginning and the end: 138****5678; of a short number only the last two digits."""
    if len(number) < 11:  # noqa: PLR2004 - the length of a mobile number
        return "*" * max(3, len(number) - 2) + number[-2:]
    return f"{number[:3]}****{number[-4:]}"


_HOUSE = re.compile(
    r"[0-9０-９A-Za-z一二三四五六七八九十百零〇\-－#]+(?=\s*(?:号|栋|幢|座|单元|室|楼|层|房|组|户|弄|巷))|[0-9０-９]+"
)


def mask_address(address: str) -> str:
    """Keep district, street and estate; hide house, unit and room."""
    return _HOUSE.sub("*", address)


_GAP = r"[\s\-－—.·]{0,2}"
_D = r"[0-9０-９]"
_ANY = re.compile(r"[0-9０-９@]")
_IDENTITY = re.compile(rf"(?<!{_D})[1-9１-９](?:{_GAP}{_D}){{16}}{_GAP}[0-9０-９XxＸｘ](?!{_D})")
_OLD_IDENTITY = re.compile(rf"(?<!{_D})[1-9１-９](?:{_GAP}{_D}){{14}}(?!{_D})")
_CARD = re.compile(rf"(?<!{_D})[1-9１-９](?:{_GAP}{_D}){{14,18}}(?!{_D})")
_MOBILE_IN_TEXT = re.compile(
    rf"(?:(?<!{_D})(?:[+＋]|00|００)?[8８][6６]{_GAP}|(?<!{_D}))[1１]{_GAP}[3-9３-９](?:{_GAP}{_D}){{9}}(?!{_D})"
)
_LANDLINE_IN_TEXT = re.compile(rf"(?<!{_D})[(（]?[0０]{_D}{{2,3}}[)）]?{_GAP}{_D}(?:{_GAP}{_D}){{6,7}}(?!{_D})")
_PLATE = re.compile(
    r"([京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z])[·.\s]?[A-Z0-9]{3,4}([A-Z0-9]{2})(?![A-Za-z0-9])"
)
_MAIL = re.compile(r"([A-Za-z0-9])[A-Za-z0-9._%+-]{0,63}@([A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,10})")
_BIRTH = re.compile(r"\d{6}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]")
_OLD_BIRTH = re.compile(r"\d{6}\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}")
_TICKET = re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d\d{6}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def mask_text(text: str) -> str:
    """Hide mobiles, landlines with area code, identity and bank card numbers, plates and e-mail in free text.

    Also where blanks, hyphens or full-width digits stand between. Our own ticket numbers stay. Linear in the
    length of the text.
    """
    text = _PLATE.sub(r"\1***\2", text)
    if not _ANY.search(text):
        return text
    text = _IDENTITY.sub(_hidden(_is_identity, 3, 2), text)
    text = _CARD.sub(_hidden(_is_card, 0, 4), text)
    text = _OLD_IDENTITY.sub(_hidden(lambda digits: bool(_OLD_BIRTH.fullmatch(digits)), 3, 2), text)
    text = _MOBILE_IN_TEXT.sub(lambda found: mask_phone(_digits(found[0])[-11:]), text)
    text = _LANDLINE_IN_TEXT.sub(_hidden(lambda _digits: True, 4, 2), text)
    return _MAIL.sub(r"\1***@\2", text) if "@" in text else text


def _digits(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if sign.isascii() and sign.isalnum())


def _hidden(is_one: Callable[[str], bool], head: int, tail: int) -> Callable[[re.Match[str]], str]:
    """Return what puts stars in the middle of a match if it is one, and otherwise leaves it."""

    def hide(found: re.Match[str]) -> str:
        digits = _digits(found[0])
        return digits[:head] + "*" * (len(digits) - head - tail) + digits[-tail:] if is_one(digits) else found[0]

    return hide


def _is_identity(digits: str) -> bool:
    """An identity number has a birth date; one that could also be a ticket number must have the right check digit."""
    if not _BIRTH.fullmatch(digits):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False))
    return "10X98765432"[total % 11] == digits[-1].upper() or not _TICKET.fullmatch(digits)


def _is_card(digits: str) -> bool:
    """A bank card number has the right Luhn digit and is none of our ticket numbers."""
    if _TICKET.fullmatch(digits):
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0  # noqa: PLR2004 - Luhn's own
