"""Units by which a system starts a command of `docstore`, and restarts it."""

import plistlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 60
"""Longer than a stack takes to stop."""
RESTART_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Service:
    """What to run. `user`: who runs a service of the whole machine; None for one of the current user."""

    command: Sequence[str]
    log: Path
    """Where its output goes on macOS; systemd has a journal."""
    user: str | None = None
    description: str = "DocStore"


def systemd_unit(service: Service) -> str:
    """Return a unit for systemd: of the user, or of the system with the rights of `service.user` and port 443."""
    lines = [
        "[Unit]",
        f"Description={service.description.replace('%', '%%')}",
        *([] if service.user is None else ["Wants=network-online.target", "After=network-online.target"]),
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={' '.join(map(quoted, service.command))}",
        "Restart=on-failure",
        f"RestartSec={RESTART_SECONDS}",
        # The process ends what it has begun in order; systemd kills what is left.
        "KillMode=mixed",
        f"TimeoutStopSec={STOP_SECONDS}",
        "LimitNOFILE=65536",
    ]
    if service.user is not None:
        lines += [
            f"User={service.user}",
            "AmbientCapabilities=CAP_NET_BIND_SERVICE",
            "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
            "NoNewPrivileges=true",
            "PrivateTmp=true",
            "ProtectSystem=full",
            "UMask=0077",
        ]
    wanted_by = "default.target" if service.user is None else "multi-user.target"
    return "\n".join([*lines, "", "[Install]", f"WantedBy={wanted_by}", ""])


def quoted(word: str) -> str:
    """Quote a word of ExecStart: systemd would expand `%` and `$`, and split at spaces."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or not word or any(char.isspace() for char in word) else word


def launchd_agent(label: str, service: Service) -> str:
    """Return a property list for launchd, which restarts the program unless it stopped by itself."""
    agent = {
        "Label": label,
        "ProgramArguments": list(service.command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ExitTimeOut": STOP_SECONDS,
        "StandardOutPath": str(service.log),
        "StandardErrorPath": str(service.log),
    }
    return plistlib.dumps(agent).decode()
