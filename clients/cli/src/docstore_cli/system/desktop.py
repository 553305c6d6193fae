"""Notifications on the desktop, by the program that the system has for them."""

import html
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from threading import Thread

LONGEST_SECONDS = 5
APPLESCRIPT = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"
SESSIONS = ("DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY")


def notify(title: str, text: str) -> None:
    """Show a notification, if this machine can; nothing waits for it."""
    command = command_for(title, text, sys.platform, os.environ)
    if command and shutil.which(command[0]):
        Thread(target=_run, args=(command,), daemon=True).start()


def command_for(title: str, text: str, platform: str, environment: Mapping[str, str]) -> Sequence[str]:
    """Return the command that shows it; empty without a desktop."""
    if platform == "darwin":
        return ["osascript", "-e", APPLESCRIPT, title, text]
    if platform == "linux" and any(environment.get(name) for name in SESSIONS):
        return ["notify-send", "--app-name=DocStore", "--", title, html.escape(text, quote=False)]
    return []


def _run(command: Sequence[str]) -> None:
    quiet = subprocess.DEVNULL
    try:
        subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=LONGEST_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
