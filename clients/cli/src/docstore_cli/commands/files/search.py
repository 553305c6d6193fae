"""`docstore search` and `docstore saved-searches`."""

import html
import re
from enum import StrEnum
from typing import Annotated

import typer

from docstore_cli.failures import BadUsage
from docstore_cli.filters import ItemFilters, pairs
from docstore_cli.option_groups import with_groups
from docstore_cli.options import AsJson, print_json, shown
from docstore_cli.sessions.session import as_person, every
from docstore_client import AsyncClient
from docstore_client.models import Hits, SavedFilters, SavedSearch


class SortName(StrEnum):
    modified = "modified"
    created = "created"
    size = "size"


Words = Annotated[
    list[str] | None, typer.Argument(metavar="[WORDS]...", help='Words that must all occur; "a phrase" in quotes.')
]
InContent = Annotated[bool, typer.Option("--content", help="Search the text of files (premium plan).")]
Tag = Annotated[str | None, typer.Option("--tag")]
Type = Annotated[str | None, typer.Option("--type", help="Such as application/pdf, image or pdf.")]
Saved = Annotated[str | None, typer.Option("--saved", metavar="NAME", help="Run a saved search.")]
Save = Annotated[str | None, typer.Option("--save", metavar="NAME", help="Save this search under a name.")]
Delete = Annotated[str | None, typer.Option("--delete", metavar="NAME", help="Delete a saved search.")]
SortBy = Annotated[SortName | None, typer.Option("--sort", help="Sort ascending; without it, best first.")]
Reverse = Annotated[bool, typer.Option("--reverse", "-r", help="Sort descending.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100)]


@with_groups
def search(
    words: Words = None,
    content: InContent = False,
    tag: Tag = None,
    type_: Type = None,
    *,
    only: ItemFilters,
    sort: SortBy = None,
    reverse: Reverse = False,
    saved: Saved = None,
    save: Save = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Find files and folders by name, or files by their text.

    Without words, all that the filters let through.
    """
    after, created = _days(only.modified_after), _days(only.created_after)
    filters = SavedFilters(
        within="content" if content else None,
        tag=[tag] if tag else None,
        type=type_,
        kind=only.only_kind,
        owner=only.owner,
        metadata=pairs(only.meta) or None,
        modified_after=None if after else only.time("modified_after"),
        modified_before=only.time("modified_before"),
        created_after=None if created else only.time("created_after"),
        created_before=only.time("created_before"),
        modified_within_days=after,
        created_within_days=created,
        sort=None if sort is None else sort.value,
        order=None if sort is None else "desc" if reverse else "asc",
    )
    query = " ".join(words or [])

    async def work(docstore: AsyncClient) -> Hits:
        if saved is None:
            wanted = (query, filters)
        elif query or save or filters != SavedFilters():
            raise BadUsage("--saved can't be combined with words or filters")
        else:
            known = await _named(docstore, saved)
            wanted = (known.q, known.filters)
        hits = await docstore.search_as_saved(*wanted, limit=limit)
        if save is not None:
            await docstore.save_search(save, *wanted)
        return hits

    hits = as_person(work)
    if as_json:
        print_json(hits)
        return
    for hit in hits.items:
        typer.echo(shown(hit.file.path))
        if hit.snippet:
            typer.echo("    " + shown(" ".join(html.unescape(re.sub(r"</?mark>", "", hit.snippet)).split())))
    if hits.total > len(hits.items):
        typer.echo(f"{hits.total - len(hits.items)} more: use --limit", err=True)


def _days(text: str | None) -> int | None:
    """Return the days of a time that is a number of them: a saved search counts them back from each run."""
    return int(text[:-1]) if text and re.fullmatch(r"[1-9]\d{0,4}d", text) else None


async def _named(docstore: AsyncClient, name: str) -> SavedSearch:
    for search in await every(docstore.saved_searches):
        if search.name == name:
            return search
    raise BadUsage(f"{name}: there is no saved search of this name (see `docstore saved-searches`)")


def saved_searches(delete: Delete = None, as_json: AsJson = False) -> None:
    """List saved searches, or delete one.

    `docstore search --saved NAME` runs one, `docstore search ... --save NAME` adds one.
    """

    async def work(docstore: AsyncClient) -> list[SavedSearch]:
        if delete is not None:
            await docstore.delete_saved_search((await _named(docstore, delete)).id)
        return await every(docstore.saved_searches)

    found = as_person(work)
    if as_json:
        print_json({"items": [search.model_dump(mode="json", by_alias=True, exclude_none=True) for search in found]})
        return
    for search in found:
        given = search.filters.model_dump(mode="json", by_alias=True, exclude_none=True)
        filters = " ".join(f"{name}={value}" for name, value in given.items())
        typer.echo("\t".join(map(shown, (search.name, search.q, filters))).rstrip())
