"""Profiles: log-ins of this machine that are kept apart, each with a server, an account and tokens of its own.

`--profile NAME` or DOCSTORE_PROFILE chooses one; without them it is the default profile.
"""

import os
import re
import sys
from pathlib import Path

DEFAULT = "default"
VARIABLE = "DOCSTORE_PROFILE"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class BadProfile(ValueError):
    """A profile can't have this name."""


def chosen_profile() -> str:
    """The name of the profile in use. BadProfile."""
    return checked(os.environ.get(VARIABLE) or DEFAULT)


def checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise BadProfile(f"{name!r} can't be the name of a profile: use letters, digits, dots, dashes, underscores")
    return name


def choose(name: str) -> None:
    """Use a profile for the rest of the process; a token of the environment is not used then. BadProfile."""
    os.environ[VARIABLE] = checked(name)
    os.environ.pop("DOCSTORE_TOKEN", None)


def profile_folder(name: str) -> Path:
    """Where a profile's log-in is kept."""
    folder = state_folder()
    return folder if name == DEFAULT else folder / "profiles" / name


def profiles() -> list[str]:
    """Names of all profiles that may have a log-in, the default one first."""
    try:
        found = sorted(path.name for path in (state_folder() / "profiles").iterdir() if NAME.fullmatch(path.name))
    except FileNotFoundError:
        found = []
    return [DEFAULT, *found]


def state_folder() -> Path:
    """The platform's folder for application state: on Linux by the XDG base directory specification."""
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    usual = "Library/Application Support" if sys.platform == "darwin" else ".local/state"
    return (named if named.is_absolute() else Path.home() / usual) / "docstore"
