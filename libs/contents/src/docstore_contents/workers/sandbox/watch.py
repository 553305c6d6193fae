"""Reports the state of the sandbox to operators: a metric, a log line on changes, a detail of readiness."""

from typing import Literal, Protocol

import structlog

from docstore_contents.workers.sandbox.confinement import SandboxUnavailable
from docstore_platform.telemetry.metrics import parser_sandbox

log = structlog.get_logger(__name__)

State = Literal["full", "weak", "unavailable"]
STATES: tuple[State, ...] = ("full", "weak", "unavailable")


class Parser(Protocol):
    """A component that parses documents in a sandbox."""

    @property
    def ready(self) -> bool: ...

    @property
    def sandbox_missing(self) -> str: ...


class SandboxWatch:
    """Watches one service, whose parsers all use the same sandbox."""

    def __init__(self, service: str, *parsers: Parser) -> None:
        self._service = service
        self._parsers = parsers
        self._state: State | None = None

    def report(self) -> None:
        """Update the metric and log changes."""
        state, lacking = self._now()
        for each in STATES:
            parser_sandbox.labels(self._service, each).set(each == state)
        if state != self._state:
            level = {"full": log.info, "weak": log.warning, "unavailable": log.error}[state]
            level("parser_sandbox", service=self._service, state=state, missing=lacking)
        self._state = state

    async def check(self) -> None:
        """Readiness check. Raises SandboxUnavailable while documents wait for the sandbox."""
        state, lacking = self._now()
        if state == "unavailable":
            raise SandboxUnavailable(f"documents wait to be parsed; missing: {lacking}")

    def _now(self) -> tuple[State, str]:
        lacking = next((parser.sandbox_missing for parser in self._parsers if parser.sandbox_missing), "")
        if not lacking:
            return "full", ""
        return ("weak" if all(parser.ready for parser in self._parsers) else "unavailable"), lacking
