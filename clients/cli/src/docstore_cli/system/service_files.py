"""Writes units by which the system runs a command of `docstore`, and prints how to start them."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.markup import escape

from docstore_cli.options import errors, failed
from docstore_cli.system.service_units import Service, launchd_agent, systemd_unit


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """A unit: where it belongs, its text, and the commands that start it."""

    path: Path
    text: str
    steps: list[str]

    def write(self) -> None:
        """Write it; exit if that fails."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(self.text, "utf-8")
        except OSError as error:
            raise failed(f"{self.path} can't be written: {error.strerror}") from None

    def show_steps(self) -> None:
        """Print what to do next; not on stdout, which is the unit."""
        errors.print(f"Written to {escape(str(self.path))}. Start it:", soft_wrap=True)
        for step in self.steps:
            errors.print(f"  {escape(step)}", soft_wrap=True)


def service_file(name: str, service: Service, *, instead: str) -> ServiceFile:
    """Return the unit for this system; exit where there is none. `instead`: what to run then by other means."""
    if sys.platform == "darwin":
        if service.user is not None:
            raise typer.BadParameter("on macOS the service is an agent of the user who installs it")
        label = f"org.docstore.{name}"
        path = Path.home() / "Library" / "LaunchAgents" / f"{label}.plist"
        return ServiceFile(path, launchd_agent(label, service), [f"launchctl bootstrap gui/{os.getuid()} {path}"])
    if sys.platform == "linux":
        is_system = service.user is not None
        return ServiceFile(_unit_path(name, is_system), systemd_unit(service), _systemd_steps(name, is_system))
    raise failed(f"there is no service for this system: run `{instead}` by its own means")


def _unit_path(name: str, is_system: bool) -> Path:
    if is_system:
        return Path("/etc/systemd/system", f"{name}.service")
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "systemd" / "user" / f"{name}.service"


def _systemd_steps(name: str, is_system: bool) -> list[str]:
    systemctl = "systemctl" if is_system else "systemctl --user"
    steps = [f"{systemctl} daemon-reload", f"{systemctl} enable --now {name}"]
    return steps if is_system else [*steps, "loginctl enable-linger   # so that it runs while you are logged out"]
