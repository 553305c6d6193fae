"""Commands that check and rebuild what services store: `verify`, `reindex`."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from rich.markup import escape

from docstore_cli.commands.admin.accounts import account_id_of
from docstore_cli.commands.admin.app import app
from docstore_cli.options import AsJson, Data, console, errors, print_json, shown
from docstore_cli.sessions import admin_session
from docstore_client import AsyncClient

VERIFY_PATH, REBUILD_PATH = "/v1/admin/verify", "/v1/admin/search/rebuild"
POLL_SECONDS = 1.0
Checks = Annotated[list[str] | None, typer.Argument(help="Checks to run, such as versions or usage; by default all.")]
Repair = Annotated[bool, typer.Option("--repair", help="Repair what can be repaired.")]
Checksums = Annotated[
    bool, typer.Option("--checksums", help="Read all contents, too, and compare them with their hashes.")
]
Resume = Annotated[str, typer.Option("--from", help="Go on where an interrupted run ended, as CHECK:PLACE.")]
PageSize = Annotated[int, typer.Option("--page", min=1, max=500, help="Items checked at a time.")]
Listed = Annotated[int, typer.Option("--list", min=0, help="Findings to list; others are counted.")]
Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until the new index serves, or the account's files are in it.")
]
Account = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="ACCOUNT", help="Only the files of this account: an email address or account id."
    ),
]


@dataclass(slots=True)
class Results:
    """Counts by check, and the first findings. `place`: where the next page begins."""

    listed: int
    checked: Counter[str] = field(default_factory=Counter)
    unread: Counter[str] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    repaired: Counter[tuple[str, str]] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    place: str = ""

    def add(self, page: dict[str, Any]) -> None:
        check = page["check"]
        self.checked[check] += page["checked"]
        self.unread[check] += page["unread"]
        for finding in page["findings"]:
            self.found[check, finding["kind"]] += 1
            self.repaired[check, finding["kind"]] += finding["repaired"]
            if len(self.findings) < self.listed:
                self.findings.append({"check": check, **finding})

    @property
    def left(self) -> int:
        """Findings that were not repaired."""
        return self.found.total() - self.repaired.total()

    def as_json(self) -> dict[str, Any]:
        kinds = [
            {"check": check, "kind": kind, "found": number, "repaired": self.repaired[check, kind]}
            for (check, kind), number in self.found.items()
        ]
        return {
            "checked": dict(self.checked),
            "unread": self.unread.total(),
            "counts": kinds,
            "findings": self.findings,
            "next": self.place or None,
        }


@app.command()
def verify(
    checks: Checks = None,
    repair: Repair = False,
    checksums: Checksums = False,
    resume: Resume = "",
    page: PageSize = 200,
    listed: Listed = 100,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Check whether all that services store fits together: files, contents, usage, index, previews."""
    results = Results(listed)
    options = {"limit": page, "repair": repair, "checksums": checksums}
    try:
        with _resumable(results):
            admin_session.as_admin(data, lambda docstore: _verify(docstore, checks, resume, options, results))
    finally:
        if as_json:
            print_json(results.as_json())
    if not as_json:
        _show(results)
    if results.left:
        raise typer.Exit(1)


async def _verify(
    docstore: AsyncClient, chosen: list[str] | None, resume: str, options: dict[str, Any], results: Results
) -> None:
    names = [each["name"] for each in (await docstore.call("GET", VERIFY_PATH))["items"]]
    first, _, cursor = resume.partition(":")
    for name in {*(chosen or ()), *([first] if first else [])} - set(names):
        raise typer.BadParameter(f"{name!r} is none of {', '.join(names)}.")
    wanted = [name for name in names if not chosen or name in chosen]
    wanted = wanted[wanted.index(first) :] if first in wanted else wanted
    for name in wanted:
        at = cursor if name == first else ""
        while True:
            results.place = f"{name}:{at}"
            page = await docstore.call("POST", VERIFY_PATH, {"check": name, "cursor": at or None, **options})
            results.add(page)
            if errors.is_terminal:
                errors.print(f"\r{name}: {results.checked[name]} checked, {results.found.total()} findings ", end="")
            at = page["next_cursor"]
            if not at:
                break
        if errors.is_terminal:
            errors.print()
    results.place = ""


@contextmanager
def _resumable(results: Results) -> Iterator[None]:
    """Tell how to go on if it is interrupted."""
    try:
        yield
    finally:
        if results.place:
            errors.print(f"\nTo go on: docstore admin verify --from {results.place}", soft_wrap=True, highlight=False)


def _show(results: Results) -> None:
    for finding in results.findings:
        whose = f" (account {finding['account_id']})" if finding["account_id"] else ""
        what = f"{finding['check']} {finding['kind']} {finding['id']}{whose}: {finding['detail']}"
        done = ", repaired" if finding["repaired"] else ""
        console.print(escape(shown(what + done)), highlight=False, soft_wrap=True)
    for (check, kind), number in results.found.items():
        console.print(f"{check}: {number} {kind}, {results.repaired[check, kind]} repaired", highlight=False)
    console.print(f"{results.checked.total()} checked, {results.found.total()} findings.", highlight=False)
    if results.unread.total():
        console.print(f"{results.unread.total()} contents were not read: too large to read at once, or archived.")


@app.command()
def reindex(account: Account = None, wait: Wait = False, data: Data = None, as_json: AsJson = False) -> None:
    """Rebuild the search index from all files. The old one serves until the new one is complete.

    With --account only that account's files are indexed again. Meanwhile it goes on finding them.
    """
    found = admin_session.as_admin(data, lambda docstore: _reindex(docstore, account, wait=wait))
    if as_json:
        print_json(found)
    else:
        whose = f" of {escape(shown(account))}" if account else ""
        console.print(f"The search index{whose}: {found['state']}.", highlight=False, soft_wrap=True)


async def _reindex(docstore: AsyncClient, who: str | None, *, wait: bool) -> Any:
    about = {"account_id": await account_id_of(docstore, who)} if who is not None else None
    found = await docstore.call("POST", REBUILD_PATH, about)
    while wait and found["state"] != "done":
        await asyncio.sleep(POLL_SECONDS)
        found = await docstore.call("GET", REBUILD_PATH, params=about)
    return found
