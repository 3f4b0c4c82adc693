"""`hotline call`: a telephone system in one line, for whoever has none at hand; it signs as a real one must."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import orjson

from hotline import calls, embedded, vault
from hotline.config import Config
from hotline.errors import Unavailable
from hotline.serving import address

Say = Callable[[str], None]
PATH = "/api/v1/cti"
PATIENCE_SECONDS = 10
_DONE = 204


def ring(config: Config, phone: str, extension: str, event: str, call: str | None, say: Say) -> int:
    """Tell the running server of a call and say its id; raises Unavailable when no server answers."""
    call = call or f"fake-{secrets.token_hex(6)}"
    told = {"call": call, "event": event, "phone": phone, "extension": extension, "at": datetime.now(UTC).isoformat()}
    body = orjson.dumps(told)
    status, answer = _post(address(config), body, _headers(config, body))
    if status != _DONE:
        say(f"the server refused it: {status} {answer}")
        return 1
    say(f"{event}: {phone or 'withheld'}, call {call}")
    return 0


def _headers(config: Config, body: bytes) -> dict[str, str]:
    keys = config.keys or embedded.personal_data_keys(config.home)
    secret = config.cti_secret or vault.secret_for(keys, "cti")
    sent_at = int(time.time())
    return {
        "Content-Type": "application/json",
        "X-Hotline-Time": str(sent_at),
        "X-Hotline-Signature": calls.signature(secret, sent_at, body),
    }


def _post(base: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    parts = urlsplit(base)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "127.0.0.1", parts.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("POST", parts.path + PATH, body, headers)
        response = connection.getresponse()
        return response.status, response.read(500).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        raise Unavailable(f"the server at {base}") from error
    finally:
        connection.close()
