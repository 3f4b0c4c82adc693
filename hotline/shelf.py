"""Where pictures lie: outside the database, behind one port; a folder, unless somebody writes another.

What is put is sealed already and named by the hash of its content, so that putting it twice is once, and whoever reads
the folder sees nothing. The port knows no ticket and nobody's rights.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hotline.errors import Unavailable


class Shelf(Protocol):
    """Keeps bytes under a name of 64 hexadecimal digits; raises Unavailable while it cannot."""

    async def put(self, key: str, content: bytes) -> None:
        """Keep `content`, durable when this returns."""

    async def get(self, key: str) -> bytes | None:
        """Return what was put, or None."""


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, or one that several machines share."""

    root: Path

    async def put(self, key: str, content: bytes) -> None:
        with self._reached():
            await asyncio.to_thread(self._write, key, content)

    async def get(self, key: str) -> bytes | None:
        with self._reached():
            return await asyncio.to_thread(self._read, key)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"the folder for pictures {self.root}"
            raise Unavailable(what) from error

    def _place(self, key: str) -> Path:
        return self.root / key[:2] / key

    def _write(self, key: str, content: bytes) -> None:
        """Write beside and rename: nobody ever sees half a picture."""
        place = self._place(key)
        if place.exists():
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        fresh = place.with_name(f".{secrets.token_hex(8)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        fresh.rename(place)

    def _read(self, key: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            return self._place(key).read_bytes()
        return None


class Nowhere:
    """No shelf at all: for commands and tests that have nothing to do with pictures."""

    async def put(self, key: str, content: bytes) -> None:  # noqa: ARG002 - the port's
        raise Unavailable(_NOWHERE)

    async def get(self, key: str) -> bytes | None:  # noqa: ARG002 - the port's
        raise Unavailable(_NOWHERE)


_NOWHERE = "a place for pictures"
