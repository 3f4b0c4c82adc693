"""What a city sets from outside: one frozen `Config` from the environment, all faults of it reported at once.

`SETTINGS` is the whole list, in the order in which docs/configuration.md shows it. Reading touches no file, no network.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from hotline.errors import ConfigError

_Value = TypeVar("_Value")

# Names that begin like ours but are read elsewhere: by tests and by benchmarks, never by the service.
_ELSEWHERE = re.compile(r"HOTLINE_(SHARED_DATA|ORACLE_CASES|TEST_\w+)")
_KEY_BYTES = 32
_SHORTEST_SECRET = 16
_SMS_BODY: Mapping[str, Any] = {"id": "{id}", "phone": "{phone}", "text": "{text}"}
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable; `default` is what the documentation prints, in words where it depends."""

    name: str
    default: str
    example: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key for personal data: 32 bytes, and the id that is stored beside whatever it encrypted."""

    id: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Gateways:
    """Through what notices leave the house; what is None is not there, and its channel cannot be used.

    `sms_body` is the JSON that the SMS gateway takes, with {phone}, {text} and {id} in its texts; `sms_codes` says
    whether callers who ring get their query code through it.
    """

    webhook_secret: bytes | None = field(default=None, repr=False)
    sms_url: str | None = field(default=None, repr=False)
    sms_token: str | None = field(default=None, repr=False)
    sms_body: Mapping[str, Any] = field(default_factory=lambda: _SMS_BODY)
    sms_codes: bool = False
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    tries: int = 8


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one process. `database_url` None means the embedded PostgreSQL, then also with its own Redis.

    `keys` is empty only with the embedded PostgreSQL, whose keys lie in a file in `home`; the first key encrypts, all
    decrypt. `public_url` has no slash at its end.
    """

    home: Path
    models: Path
    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    keys: tuple[Key, ...] = ()
    host: str = "127.0.0.1"
    port: int = 12345
    public_url: str | None = None
    cookie_secure: bool = False
    pool_size: int = 10
    log_level: str = "info"
    gateways: Gateways = Gateways()
    silent_seconds: int = 60
    lag_seconds: int = 60
    metrics_token: str | None = field(default=None, repr=False)
    attachments: Path | None = None
    proxies: frozenset[str] = frozenset()
    cti_secret: bytes | None = field(default=None, repr=False)


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "HOTLINE_DATABASE_URL",
        "the embedded PostgreSQL",
        "postgresql://hotline:secret@db1:5432,db2:5432/hotline?sslmode=verify-full&sslrootcert=/etc/ssl/city.pem",
        "The city's PostgreSQL; several hosts are tried in turn for the primary, TLS is set as libpq knows it.",
    ),
    Setting(
        "HOTLINE_REDIS_URL",
        "the embedded Redis beside the embedded PostgreSQL, otherwise none",
        "rediss://:secret@redis.city.example:6380/0",
        "The city's Redis or Valkey; without any, sessions live in PostgreSQL alone.",
    ),
    Setting(
        "HOTLINE_KEYS",
        "a file in HOTLINE_HOME that is made on the first run; required with HOTLINE_DATABASE_URL",
        "2026:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "The keys for personal data, id:base64 of 32 bytes, separated by commas; the first encrypts, all decrypt.",
    ),
    Setting(
        "HOTLINE_HOME",
        "$XDG_DATA_HOME/hotline or ~/.local/share/hotline; /var/lib/hotline for root",
        "/srv/hotline",
        "The folder for the embedded servers, their key file and the models; an absolute path.",
    ),
    Setting(
        "HOTLINE_MODELS",
        "models in HOTLINE_HOME",
        "/srv/models",
        "The folder of the classifier's versions; an absolute path.",
    ),
    Setting("HOTLINE_HOST", "127.0.0.1", "0.0.0.0", "The address to listen on."),  # noqa: S104 (an example)
    Setting("HOTLINE_PORT", "12345", "8080", "The port to listen on, 1 to 65535."),
    Setting(
        "HOTLINE_PUBLIC_URL",
        "made from each request",
        "https://12345.city.example",
        "The address under which people reach the pages, for links in notices.",
    ),
    Setting(
        "HOTLINE_COOKIE_SECURE",
        "yes if HOTLINE_PUBLIC_URL begins with https, otherwise no",
        "yes",
        "Whether browsers send the session cookie over HTTPS only: yes or no.",
    ),
    Setting(
        "HOTLINE_ATTACHMENTS",
        "attachments in HOTLINE_HOME",
        "/srv/attachments",
        "The folder for pictures, sealed; with several web servers one that they share; an absolute path.",
    ),
    Setting(
        "HOTLINE_PROXIES",
        "none: X-Forwarded-For is not believed",
        "127.0.0.1,10.0.0.5",
        "The addresses of the city's own proxies, separated by commas; throttles count whom the outermost of them saw.",
    ),
    Setting(
        "HOTLINE_CTI_SECRET",
        "made from the first key for personal data, as `hotline call` knows it",
        "a-long-random-word-of-32-letters!",
        "What the telephone system signs its messages with, at least 16 characters.",
    ),
    Setting("HOTLINE_POOL_SIZE", "10", "20", "Connections to PostgreSQL for each process, 2 to 200."),
    Setting(
        "HOTLINE_WEBHOOK_SECRET",
        "none: no webhook is called",
        "a-long-text-that-the-receiver-knows-too",
        "What signs the webhooks, at least 16 characters; the receiver checks X-Hotline-Signature with it.",
    ),
    Setting(
        "HOTLINE_SMS_URL",
        "none: no text message is sent",
        "https://sms.city.example/send",
        "The SMS gateway, which takes a POST with JSON.",
    ),
    Setting("HOTLINE_SMS_TOKEN", "none", "secret", "What the SMS gateway wants as a bearer token."),
    Setting(
        "HOTLINE_SMS_BODY",
        '{"id": "{id}", "phone": "{phone}", "text": "{text}"}',
        '{"mobile": "{phone}", "content": "【12345】{text}", "bizId": "{id}"}',
        "The JSON that the SMS gateway takes; {phone} and {text} must be in it, {id} tells one message from another.",
    ),
    Setting(
        "HOTLINE_SMS_CODES",
        "no",
        "yes",
        "Whether callers who ring are sent ticket number and query code as a text message, too; never in protected "
        "matters. Needs HOTLINE_SMS_URL.",
    ),
    Setting(
        "HOTLINE_SMTP_URL",
        "none: no mail is sent",
        "smtp://hotline:secret@mail.city.example:587",
        "The mail server: smtp:// with STARTTLS, smtps:// with TLS from the start, smtp+plain:// without, for one on "
        "the same machine.",
    ),
    Setting(
        "HOTLINE_MAIL_FROM",
        "none; required with HOTLINE_SMTP_URL",
        "12345@city.example",
        "The sender of mails.",
    ),
    Setting(
        "HOTLINE_NOTIFY_TRIES",
        "8",
        "12",
        "How often a notice is tried at each recipient before it is given up, 1 to 30.",
    ),
    Setting(
        "HOTLINE_SILENT_SECONDS",
        "60",
        "120",
        "After how many seconds without a sign of life a worker is silent and the administrators are told, 20 to 3600.",
    ),
    Setting(
        "HOTLINE_LAG_SECONDS",
        "60",
        "300",
        "By how many seconds deadlines may be looked at late before the administrators are told, 5 to 86400.",
    ),
    Setting(
        "HOTLINE_METRICS_TOKEN",
        "none: there is no /metrics",
        "secret",
        "The bearer token with which Prometheus may read /metrics.",
    ),
    Setting("HOTLINE_LOG_LEVEL", "info", "debug", "How much is logged: debug, info, warning or error."),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def read(environ: Mapping[str, str], *, as_root: bool | None = None) -> Config:
    """Return the configuration that `environ` asks for; raises ConfigError with all its faults.

    An empty value counts as not set. `as_root` chooses the default home and is asked of the system if not given.
    """
    reader = _Reader(environ)
    as_root = os.geteuid() == 0 if as_root is None else as_root
    home = reader.value("HOTLINE_HOME", _absolute) or _default_home(environ, as_root=as_root)
    database_url = reader.value("HOTLINE_DATABASE_URL", _database_url)
    keys = reader.value("HOTLINE_KEYS", _keys) or ()
    public_url = reader.value("HOTLINE_PUBLIC_URL", _public_url)
    cookie_secure = reader.value("HOTLINE_COOKIE_SECURE", _yes_or_no)
    config = Config(
        home=home,
        models=reader.value("HOTLINE_MODELS", _absolute) or home / "models",
        database_url=database_url,
        redis_url=reader.value("HOTLINE_REDIS_URL", _redis_url),
        keys=keys,
        host=reader.value("HOTLINE_HOST", _host) or "127.0.0.1",
        port=reader.value("HOTLINE_PORT", lambda text: _number(text, 1, _HIGHEST_PORT)) or 12345,
        public_url=public_url,
        cookie_secure=(public_url or "").startswith("https:") if cookie_secure is None else cookie_secure,
        pool_size=reader.value("HOTLINE_POOL_SIZE", lambda text: _number(text, 2, 200)) or 10,
        log_level=reader.value("HOTLINE_LOG_LEVEL", _log_level) or "info",
        gateways=_gateways(reader),
        silent_seconds=reader.value("HOTLINE_SILENT_SECONDS", lambda text: _number(text, 20, 3600)) or 60,
        lag_seconds=reader.value("HOTLINE_LAG_SECONDS", lambda text: _number(text, 5, 86400)) or 60,
        metrics_token=reader.value("HOTLINE_METRICS_TOKEN", str),
        attachments=reader.value("HOTLINE_ATTACHMENTS", _absolute) or home / "attachments",
        proxies=reader.value("HOTLINE_PROXIES", _addresses) or frozenset(),
        cti_secret=reader.value("HOTLINE_CTI_SECRET", _secret),
    )
    if reader.given("HOTLINE_DATABASE_URL") and not reader.given("HOTLINE_KEYS"):
        reader.fault("HOTLINE_KEYS", "is not set, but HOTLINE_DATABASE_URL is: personal data needs a key of yours")
    reader.refuse_unknown()
    if reader.faults:
        raise ConfigError(tuple(reader.faults))
    return config


def _gateways(reader: _Reader) -> Gateways:
    gateways = Gateways(
        webhook_secret=reader.value("HOTLINE_WEBHOOK_SECRET", _secret),
        sms_url=reader.value("HOTLINE_SMS_URL", _http_url),
        sms_token=reader.value("HOTLINE_SMS_TOKEN", str),
        sms_body=reader.value("HOTLINE_SMS_BODY", _sms_body) or _SMS_BODY,
        sms_codes=reader.value("HOTLINE_SMS_CODES", _yes_or_no) or False,
        smtp_url=reader.value("HOTLINE_SMTP_URL", _smtp_url),
        mail_from=reader.value("HOTLINE_MAIL_FROM", _mail_address),
        tries=reader.value("HOTLINE_NOTIFY_TRIES", lambda text: _number(text, 1, 30)) or 8,
    )
    if gateways.sms_codes and not reader.given("HOTLINE_SMS_URL"):
        reader.fault("HOTLINE_SMS_URL", "is not set, but HOTLINE_SMS_CODES is: codes go through the gateway")
    if reader.given("HOTLINE_SMTP_URL") and not reader.given("HOTLINE_MAIL_FROM"):
        reader.fault("HOTLINE_MAIL_FROM", "is not set, but HOTLINE_SMTP_URL is: a mail has a sender")
    return gateways


class _Reader:
    """Parses settings one by one and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.faults: list[str] = []

    def given(self, name: str) -> str:
        return self.environ.get(name, "").strip()

    def value(self, name: str, parse: Callable[[str], _Value]) -> _Value | None:
        text = self.given(name)
        if not text:
            return None
        try:
            return parse(text)
        except ValueError as problem:
            self.fault(name, str(problem))
            return None

    def fault(self, name: str, problem: str) -> None:
        space = "" if problem.startswith("=") else " "
        self.faults.append(f"{name}{space}{problem} (example: {_BY_NAME[name].example})")

    def refuse_unknown(self) -> None:
        for name in sorted(self.environ):
            if name.startswith("HOTLINE_") and name not in _BY_NAME and not _ELSEWHERE.fullmatch(name):
                known = ", ".join(_BY_NAME)
                self.faults.append(f"{name} is not a setting; the settings are {known} (example: HOTLINE_PORT=8080)")


def _default_home(environ: Mapping[str, str], *, as_root: bool) -> Path:
    if as_root:
        return Path("/var/lib/hotline")
    data = environ.get("XDG_DATA_HOME", "")
    return (Path(data) if data.startswith("/") else Path(environ.get("HOME", "/")) / ".local/share") / "hotline"


def _absolute(text: str) -> Path:
    if not text.startswith("/"):
        raise ValueError(f"={text} is not an absolute path")
    return Path(text)


def _number(text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise ValueError(f"={text} is not a whole number")
    if not least <= int(text) <= most:
        raise ValueError(f"={text} is not between {least} and {most}")
    return int(text)


def _host(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.:-]+", text):
        raise ValueError(f"={text} is not an address or a host name without port")
    return text


def _addresses(text: str) -> frozenset[str]:
    try:
        return frozenset(str(ip_address(part.strip())) for part in text.split(","))
    except ValueError:
        raise ValueError(f"={text} are not addresses, separated by commas") from None


def _yes_or_no(text: str) -> bool:
    answers = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}
    if text.lower() not in answers:
        raise ValueError(f"={text} is neither yes nor no")
    return answers[text.lower()]


def _log_level(text: str) -> str:
    if text.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError(f"={text} is none of debug, info, warning, error")
    return text.lower()


def _database_url(text: str) -> str:
    # The value is never repeated in a fault: it holds a password and ends up in logs.
    parts = urlsplit(text)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError("does not begin with postgresql://")
    if not parts.path.strip("/") and "dbname=" not in parts.query:
        raise ValueError("names no database after the host")
    return text


def _redis_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"redis", "rediss", "unix"} or not (parts.netloc or parts.path):
        raise ValueError("is not an address with redis://, rediss:// or unix://")
    return text


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"={text} is not an address with http:// or https:// and a host")
    return text.rstrip("/")


def _http_url(text: str) -> str:
    # Not repeated in a fault: such addresses hold tokens.
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not an address with http:// or https:// and a host")
    return text


def _smtp_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"smtp", "smtps", "smtp+plain"} or not parts.hostname:
        raise ValueError("is not an address with smtp://, smtps:// or smtp+plain:// and a host")
    return text


def _secret(text: str) -> bytes:
    if len(text) < _SHORTEST_SECRET:
        raise ValueError(f"has {len(text)} characters, not at least {_SHORTEST_SECRET}")
    return text.encode()


def _mail_address(text: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z._%+-]+@[0-9A-Za-z.-]+", text):
        raise ValueError(f"={text} is no mail address")
    return text


def _sms_body(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(text)
    except json.JSONDecodeError as problem:
        raise ValueError(f"is no JSON: {problem}") from None
    if not isinstance(body, dict) or "{phone}" not in text or "{text}" not in text:
        raise ValueError("is no JSON object with {phone} and {text} in its texts")
    return body


def _keys(text: str) -> tuple[Key, ...]:
    # The value is never repeated in a fault: it is the secret itself.
    keys = tuple(_key(position, part.strip()) for position, part in enumerate(text.split(","), start=1))
    if len({key.id for key in keys}) < len(keys):
        raise ValueError("gives one id to two keys")
    return keys


def _key(position: int, text: str) -> Key:
    id_, colon, encoded = text.partition(":")
    if not colon or not re.fullmatch(r"[0-9A-Za-z_.-]{1,32}", id_):
        raise ValueError(f"has no id of letters, digits, '_', '.', '-' and a colon before key {position}")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError(f"key {position} ({id_}) is not base64") from None
    if len(secret) != _KEY_BYTES:
        raise ValueError(f"key {position} ({id_}) has {len(secret)} bytes, not {_KEY_BYTES}")
    return Key(id_, secret)


def parse_keys(text: str) -> tuple[Key, ...]:
    """Return the keys of a text of the form of HOTLINE_KEYS, as the key file holds it; raises ValueError."""
    return _keys(text)
