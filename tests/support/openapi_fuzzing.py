"""Runs schemathesis against a DocStore, with valid and invalid data."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
"""Random requests for an operation, after those at the edges of what the document allows."""
SEED = 1
REQUEST_SECONDS = 30
RUN_SECONDS = 3600
SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
HOOKS = Path(__file__).parent / "openapi_fuzzing_hooks.py"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
)
REFUSALS = ("400", "401", "403", "404", "405", "409", "412", "413", "415", "422")
"""What data that break the document may be answered with."""
MAY_LOSE_SESSION = "FUZZ_MAY_LOSE_SESSION"
"""Variables by which the hooks get their settings."""
KNOWN_VALUES: Mapping[str, Sequence[Any]] = {
    "path": ("/docs", "/docs/new.txt", "/résumé.pdf"),
    "name": ("a.txt", "new name"),
    "email": ("grace@example.org", "grace@bücher.example"),
    "password": ("correct horse battery staple 7",),
    "expires_at": ("2030-01-01T00:00:00Z",),
    "wait": (0,),
}
"""By the name of a parameter or field: values by which requests get further than random ones do. None waits."""


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What a run found."""

    is_clean: bool
    report: str
    """For people: failures with the requests that reproduce them, and a summary."""


async def fuzz(
    gateway: str,
    folder: Path,
    *,
    token: str | None = None,
    known: Mapping[str, Sequence[Any]] | None = None,
    only_tags: Iterable[str] = (),
    only: Iterable[str] = (),
    without: Iterable[str] = (),
    may_lose_session: bool = False,
) -> Fuzzed:
    """Send requests for the operations (`GET /v1/files`) of the tags or names given, all if none, but for `without`.

    `known`: values of the store that is attacked, such as ids, by the name of a parameter or field. `may_lose_session`:
    the token may be refused from some moment on.
    """
    settings = folder / "schemathesis.toml"
    settings.write_text(_settings({**KNOWN_VALUES, **(known or {})}), "utf-8")
    chosen = [("--include-tag", tag) for tag in only_tags] + [("--include-name", name) for name in only]
    left_out = [("--exclude-name", name) for name in without]
    arguments = [part for option in (*chosen, *left_out) for part in option]
    if token is not None:
        arguments += ["--header", f"Authorization: Bearer {token}"]
    process = await asyncio.create_subprocess_exec(
        *(str(SCHEMATHESIS), "--no-color", "--config-file", str(settings), "run", f"{gateway}/openapi.json"),
        *("--phases", "coverage,fuzzing", "--checks", ",".join(CHECKS), "--max-examples", str(EXAMPLES)),
        *("--generation-database", "none", "--no-shrink", "--continue-on-failure"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, MAY_LOSE_SESSION: "yes" if may_lose_session else ""},
    )
    try:
        async with asyncio.timeout(RUN_SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return Fuzzed(process.returncode == 0, output.decode(errors="replace"))


def _settings(known: Mapping[str, Sequence[Any]]) -> str:
    """As schemathesis reads them: TOML, whose strings, numbers and lists are written as in JSON."""
    lines = [
        f"seed = {SEED}",
        f"request-timeout = {REQUEST_SECONDS}",
        "max-redirects = 0",
        f"hooks = {json.dumps(str(HOOKS))}",
        "[checks.positive_data_acceptance]",
        'expected-statuses = ["2xx", "3xx"]',
        "[checks.negative_data_rejection]",
        f"expected-statuses = {json.dumps(REFUSALS)}",
    ]
    for name, values in known.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(list(values))}"]
    lines.append("[parameters]")
    for name in known:
        for place in ("path", "query", "body"):
            lines.append(f'"{place}.{name}" = {{dictionary = "{name}", probability = {1 if name == "wait" else 0.7}}}')
    return "\n".join(lines)
