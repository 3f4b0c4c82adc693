"""Real servers start from their packages, survive what happens to them, and are gone when nobody needs them."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import pytest
import redis

from hotline import embedded
from hotline.errors import ServerFailed

# A program that uses the servers of the home it is given until its standard input ends.
PROGRAM = """
import sys
from pathlib import Path
from hotline import embedded
with embedded.servers(Path(sys.argv[1]), lambda word: None, durable=False, with_redis=False):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a home that nobody has used."""
    # Not tmp_path: for root that is a folder which the servers' user may not enter.
    with tempfile.TemporaryDirectory(prefix="hotline-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def _made() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hotline-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with embedded.servers(Path(folder), silent, durable=False, with_redis=False):
            pass
        yield Path(folder)


@pytest.fixture
def used_home(home: Path, _made: Path) -> Path:
    """Give a home whose database was made before: a copy costs a tenth of a first start."""
    shutil.copytree(_made / "postgres", home / "postgres")
    return home


def silent(_: str) -> None:
    pass


async def ask(urls: embedded.Urls, question: str) -> object:
    connection = await asyncpg.connect(urls.database)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def postmaster(home: Path) -> int:
    return int((home / "postgres/postmaster.pid").read_text().splitlines()[0])


def lives(pid: int) -> bool:
    return (
        Path(f"/proc/{pid}/exe").exists() and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    )


def until_gone(pid: int) -> bool:
    end = time.monotonic() + 20
    while lives(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not lives(pid)


def another_user(home: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    return process


def finish(process: subprocess.Popen[bytes]) -> None:
    process.communicate(timeout=60)


async def test_a_second_start_finds_the_data_still_there(home: Path) -> None:
    with embedded.servers(home, silent) as urls:
        await ask(urls, "CREATE TABLE kept AS SELECT '路灯不亮' AS word")
        pid = postmaster(home)
    assert until_gone(pid)

    with embedded.servers(home, silent) as urls:
        assert await ask(urls, "SELECT word FROM kept") == "路灯不亮"


async def test_chinese_words_have_trigrams_and_a_lower_case(used_home: Path) -> None:
    with embedded.servers(used_home, silent, durable=False, with_redis=False) as urls:
        await ask(urls, "CREATE EXTENSION pg_trgm")

        assert await ask(urls, "SELECT similarity('路灯不亮', '路灯坏了') > 0")
        assert await ask(urls, "SELECT lower('ÀＡ路')") == "àａ路"


async def test_servers_for_real_data_wait_for_the_disk(used_home: Path) -> None:
    with embedded.servers(used_home, silent, with_redis=False) as urls:
        settings = [await ask(urls, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "full_page_writes")]

    assert settings == ["on", "on", "on"]


async def test_a_start_after_a_kill_finds_its_way(used_home: Path) -> None:
    with embedded.servers(used_home, silent, with_redis=False) as urls:
        await ask(urls, "CREATE TABLE kept ()")
        os.kill(postmaster(used_home), signal.SIGKILL)

    with embedded.servers(used_home, silent, with_redis=False) as urls:
        assert await ask(urls, "SELECT to_regclass('kept') IS NOT NULL")


async def test_a_server_that_is_dying_is_never_taken_for_a_running_one(used_home: Path) -> None:
    with ExitStack() as stack:
        urls = stack.enter_context(embedded.servers(used_home, silent, durable=False))
        for _ in range(5):
            os.kill(postmaster(used_home), signal.SIGKILL)
            stack.enter_context(embedded.servers(used_home, silent, durable=False))

            assert await ask(urls, "SELECT 1") == 1


async def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(used_home: Path) -> None:
    with embedded.servers(used_home, silent, with_redis=False):
        text = (used_home / "postgres/postmaster.pid").read_text()
    _, rest = text.split("\n", 1)
    (used_home / "postgres/postmaster.pid").write_text(f"{os.getpid()}\n{rest}")

    with embedded.servers(used_home, silent, with_redis=False) as urls:
        assert await ask(urls, "SELECT 1") == 1


async def test_the_last_to_leave_stops_the_servers(used_home: Path) -> None:
    with embedded.servers(used_home, silent, durable=False, with_redis=False) as urls:
        pid = postmaster(used_home)
        finish(another_user(used_home))
        assert await ask(urls, "SELECT 1") == 1

        other = another_user(used_home)
    assert postmaster(used_home) == pid

    finish(other)
    assert until_gone(pid)


def test_ctrl_c_reaches_the_program_and_not_the_servers(used_home: Path) -> None:
    program = another_user(used_home)
    with embedded.servers(used_home, silent, with_redis=False):
        pid = postmaster(used_home)
        os.killpg(program.pid, signal.SIGINT)
        finish(program)
        assert lives(pid)


def test_servers_do_not_outlive_a_program_that_was_killed(used_home: Path) -> None:
    program = another_user(used_home)
    pid = postmaster(used_home)

    program.kill()
    finish(program)

    assert until_gone(pid)


def test_temporary_servers_leave_nothing_behind() -> None:
    with embedded.temporary(with_redis=False) as urls:
        folder = Path(urls.database.partition("host=")[2]).parent
        pid = postmaster(folder)

    assert until_gone(pid)
    assert not folder.exists()


def test_redis_answers_and_keeps_what_it_was_told(used_home: Path) -> None:
    for expected in (None, b"1"):
        with embedded.servers(used_home, silent) as urls:
            if urls.redis is None:
                pytest.skip("no redis-server or valkey-server on PATH, and no package of this Python carries one")
            with redis.Redis.from_url(urls.redis) as client:
                assert client.get("seen") == expected
                client.set("seen", 1)


def test_without_any_redis_the_address_is_none_and_a_word_says_so(
    used_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words: list[str] = []
    monkeypatch.setattr("hotline.embedded._redis_program", lambda house: house.say("No Redis"))

    with embedded.servers(used_home, words.append, durable=False) as urls:
        assert urls.redis is None

    assert "No Redis" in words


def test_a_home_too_long_for_a_socket_has_its_sockets_elsewhere(home: Path) -> None:
    with embedded.servers(home / ("长" * 40), silent, durable=False, with_redis=False) as urls:
        sockets = Path(urls.database.partition("host=")[2])
        assert sockets.parent == Path("/tmp")  # noqa: S108

    assert not sockets.exists()


def test_a_folder_of_another_version_is_refused(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres/PG_VERSION").write_text("9\n")

    with pytest.raises(ServerFailed, match="holds data of version 9"), embedded.servers(home, silent):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
def test_a_home_that_the_servers_user_cannot_enter_is_refused(home: Path) -> None:
    home.chmod(0o700)

    with pytest.raises(ServerFailed, match="HOTLINE_HOME"), embedded.servers(home / "data", silent):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
def test_programs_that_the_servers_user_cannot_reach_are_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words: list[str] = []
    reach = embedded._House.can_run
    monkeypatch.setattr(embedded._House, "can_run", lambda house, file: home in file.parents and reach(house, file))

    with embedded.servers(home, words.append, durable=False):
        assert Path(f"/proc/{postmaster(home)}/exe").readlink().is_relative_to(home / "programs")

    assert any("copying its programs" in word for word in words)


def test_the_first_run_makes_one_key_that_only_its_owner_may_read(home: Path) -> None:
    keys = embedded.personal_data_keys(home)

    assert embedded.personal_data_keys(home) == keys
    assert stat.S_IMODE((home / "keys").stat().st_mode) == 0o600
    assert len(keys[0].secret) == 32


def test_a_key_file_that_cannot_be_understood_is_not_replaced(home: Path) -> None:
    (home / "keys").write_text("nonsense")

    with pytest.raises(ServerFailed, match="key file"):
        embedded.personal_data_keys(home)
    assert (home / "keys").read_text() == "nonsense"
