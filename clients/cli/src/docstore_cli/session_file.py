"""Who is logged in on this machine, and where: one file that only its owner may read."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from docstore_standalone.state import write_private


@dataclass(frozen=True, slots=True)
class SavedSession:
    """A log-in at the gateway of the account's home region."""

    server: str
    email: str
    access_token: str
    refresh_token: str


def session_path() -> Path:
    """By the XDG base directory specification: state that is worth keeping, but nobody's configuration."""
    named = os.environ.get("XDG_STATE_HOME", "")
    base = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    return base / "docstore" / "session.json"


def load_session() -> SavedSession | None:
    try:
        return SavedSession(**orjson.loads(session_path().read_bytes()))
    except FileNotFoundError:
        return None


def save_session(session: SavedSession) -> None:
    """Replaces the one before, at once or not at all: a refresh token works only once."""
    write_private(session_path(), orjson.dumps(asdict(session)).decode())


def forget_session() -> None:
    session_path().unlink(missing_ok=True)
