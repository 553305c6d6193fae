"""What operators see of the sandbox: a metric, a line in the log when it changes, a detail of readiness."""

from typing import Literal, Protocol

import structlog

from docstore_contents.workers.sandbox.confinement import SandboxUnavailable
from docstore_platform.metrics import parser_sandbox

log = structlog.get_logger(__name__)

State = Literal["full", "weak", "unavailable"]
STATES: tuple[State, ...] = ("full", "weak", "unavailable")


class Parser(Protocol):
    """Whatever parses documents in a sandbox."""

    @property
    def ready(self) -> bool: ...

    @property
    def sandbox_missing(self) -> str: ...


class SandboxWatch:
    """Of one service, whose parsers are all confined in the same way."""

    def __init__(self, service: str, *parsers: Parser) -> None:
        self._service = service
        self._parsers = parsers
        self._state: State | None = None

    def report(self) -> None:
        """Bring the metric up to date, and log what has changed."""
        state, lacking = self._now()
        for each in STATES:
            parser_sandbox.labels(self._service, each).set(each == state)
        if state != self._state:
            level = {"full": log.info, "weak": log.warning, "unavailable": log.error}[state]
            level("parser_sandbox", service=self._service, state=state, missing=lacking)
        self._state = state

    async def check(self) -> None:
        """A readiness check. Raises SandboxUnavailable while documents wait for it."""
        state, lacking = self._now()
        if state == "unavailable":
            raise SandboxUnavailable(f"documents wait to be parsed; missing: {lacking}")

    def _now(self) -> tuple[State, str]:
        lacking = next((parser.sandbox_missing for parser in self._parsers if parser.sandbox_missing), "")
        if not lacking:
            return "full", ""
        return ("weak" if all(parser.ready for parser in self._parsers) else "unavailable"), lacking
