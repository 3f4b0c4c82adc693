"""The environment becomes one Config, or one error that names every fault."""

import base64
import re
from pathlib import Path

import pytest

from hotline import config
from hotline.config import SETTINGS, Key
from hotline.errors import ConfigError

KEY = base64.b64encode(bytes(range(32))).decode()
CITY = {"HOTLINE_DATABASE_URL": "postgresql://u:hidden@db1,db2/hotline", "HOTLINE_KEYS": f"2026:{KEY}"}


def faults(**environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as error:
        config.read(environ, as_root=False)
    return error.value.faults


def test_nothing_set_means_the_embedded_servers_on_port_12345_of_this_machine_only() -> None:
    read = config.read({"HOME": "/home/li"}, as_root=False)

    assert (read.database_url, read.redis_url, read.keys) == (None, None, ())
    assert (read.host, read.port, read.cookie_secure) == ("127.0.0.1", 12345, False)
    assert read.models == Path("/home/li/.local/share/hotline/models")


@pytest.mark.parametrize(
    ("environ", "as_root", "home"),
    [
        ({"HOME": "/home/li"}, False, "/home/li/.local/share/hotline"),
        ({"HOME": "/home/li", "XDG_DATA_HOME": "/data"}, False, "/data/hotline"),
        ({"HOME": "/home/li", "XDG_DATA_HOME": "relative"}, False, "/home/li/.local/share/hotline"),  # as XDG demands
        ({"HOME": "/root"}, True, "/var/lib/hotline"),  # PostgreSQL's user could not enter /root
        ({"HOME": "/root", "HOTLINE_HOME": "/srv/hotline"}, True, "/srv/hotline"),
    ],
)
def test_the_home_is_where_its_user_keeps_data(environ: dict[str, str], as_root: bool, home: str) -> None:
    assert config.read(environ, as_root=as_root).home == Path(home)


def test_a_city_gives_servers_and_keys() -> None:
    read = config.read(CITY | {"HOTLINE_KEYS": f"2026:{KEY}, 2025:{KEY}", "HOTLINE_REDIS_URL": "rediss://r:1/0"})

    assert read.database_url == CITY["HOTLINE_DATABASE_URL"]
    assert read.keys == (Key("2026", bytes(range(32))), Key("2025", bytes(range(32))))


def test_secrets_do_not_show_when_a_config_is_printed() -> None:
    printed = repr(config.read(CITY))

    assert "hidden" not in printed
    assert repr(bytes(range(32))) not in printed


def test_the_cookie_is_secure_when_people_come_over_https() -> None:
    assert config.read({"HOTLINE_PUBLIC_URL": "https://12345.city.example/"}).cookie_secure
    assert not config.read({"HOTLINE_PUBLIC_URL": "https://a.example", "HOTLINE_COOKIE_SECURE": "no"}).cookie_secure


def test_all_faults_are_reported_at_once_each_with_an_example() -> None:
    found = faults(HOTLINE_PORT="eighty", HOTLINE_POOL_SIZE="0", HOTLINE_PROT="1")

    assert len(found) == 3
    assert found[0] == "HOTLINE_PORT=eighty is not a whole number (example: 8080)"
    assert found[1].startswith("HOTLINE_POOL_SIZE=0 is not between 2 and 200")
    assert found[2].startswith("HOTLINE_PROT is not a setting")
    assert all("example: " in fault for fault in found)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("HOTLINE_PORT", "70000", "not between 1 and 65535"),
        ("HOTLINE_PORT", "１２３", "not a whole number"),  # full-width digits are digits to Python
        ("HOTLINE_HOME", "data", "not an absolute path"),
        ("HOTLINE_HOST", "http://0.0.0.0", "not an address"),
        ("HOTLINE_COOKIE_SECURE", "perhaps", "neither yes nor no"),
        ("HOTLINE_LOG_LEVEL", "loud", "none of debug"),
        ("HOTLINE_REDIS_URL", "localhost:6379", "not an address with redis://"),
        ("HOTLINE_PUBLIC_URL", "12345.city.example", "not an address with http"),
        ("HOTLINE_DATABASE_URL", "mysql://db/hotline", "does not begin with postgresql://"),
        ("HOTLINE_DATABASE_URL", "postgresql://db", "names no database"),
        ("HOTLINE_KEYS", KEY, "has no id"),
        ("HOTLINE_KEYS", "2026:abc", "is not base64"),
        ("HOTLINE_KEYS", "2026:YWJj", "has 3 bytes, not 32"),
        ("HOTLINE_KEYS", f"a:{KEY},a:{KEY}", "one id to two keys"),
    ],
)
def test_a_value_that_cannot_be_taken_says_why(name: str, value: str, problem: str) -> None:
    assert any(problem in fault for fault in faults(**{"HOTLINE_KEYS": f"2026:{KEY}"} | {name: value}))


def test_a_fault_never_repeats_a_secret() -> None:
    found = faults(HOTLINE_DATABASE_URL="mysql://u:hidden@db/x", HOTLINE_KEYS="2026:hidden")

    assert "hidden" not in " ".join(found)


def test_a_database_of_the_city_needs_keys_of_the_city() -> None:
    (fault,) = faults(HOTLINE_DATABASE_URL=CITY["HOTLINE_DATABASE_URL"])

    assert fault.startswith("HOTLINE_KEYS is not set, but HOTLINE_DATABASE_URL is")


def test_names_that_tests_and_benches_read_are_no_typos() -> None:
    config.read({"HOTLINE_SHARED_DATA": "x", "HOTLINE_TEST_DATABASE_URL": "x", "HOTLINE_ORACLE_CASES": "x"})


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_described_and_its_example_is_accepted(setting: config.Setting) -> None:
    assert re.fullmatch(r"[A-Z].*\.", setting.sentence)
    assert setting.default

    companions = {"HOTLINE_KEYS": f"2026:{KEY}", "HOTLINE_MAIL_FROM": "12345@city.example"}
    companions |= {"HOTLINE_SMS_URL": "https://sms.city.example/send"}
    config.read(companions | {setting.name: setting.example})


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("HOTLINE_SMTP_URL", "mail.city.example", "is not an address with smtp://"),
        ("HOTLINE_SMS_URL", "ftp://sms.city.example/hidden", "is not an address with http://"),
        ("HOTLINE_SMS_BODY", '{"to": "{phone}"}', "is no JSON object with {phone} and {text}"),
        ("HOTLINE_SMS_BODY", "{", "is no JSON"),
        ("HOTLINE_WEBHOOK_SECRET", "hidden", "has 6 characters, not at least 16"),
        ("HOTLINE_MAIL_FROM", "12345", "=12345 is no mail address"),
        ("HOTLINE_NOTIFY_TRIES", "0", "=0 is not between 1 and 30"),
        ("HOTLINE_SILENT_SECONDS", "5", "=5 is not between 20 and 3600"),
    ],
)
def test_a_gateway_that_cannot_be_is_a_fault_and_no_secret_shows(name: str, value: str, problem: str) -> None:
    (fault,) = [one for one in faults(**{name: value}) if one.startswith(name)]

    assert problem in fault
    assert "hidden" not in fault.partition("(example")[0]


def test_a_mail_server_needs_a_sender() -> None:
    (fault,) = faults(HOTLINE_SMTP_URL="smtp://mail.city.example")

    assert fault.startswith("HOTLINE_MAIL_FROM is not set, but HOTLINE_SMTP_URL is")


def test_gateways_keep_their_secrets_when_printed() -> None:
    printed = repr(config.read({"HOTLINE_WEBHOOK_SECRET": "sixteen hidden letters", "HOTLINE_SMS_TOKEN": "hidden"}))

    assert "hidden" not in printed
