"""`docstore search`."""

import html
import re
from typing import Annotated

import typer

from docstore_cli.filters import (
    KINDS,
    CreatedAfter,
    CreatedBefore,
    KindOf,
    Meta,
    ModifiedAfter,
    ModifiedBefore,
    Owner,
    ago,
    pairs,
)
from docstore_cli.options import AsJson, print_json, shown
from docstore_cli.session import as_person
from docstore_client.list_options import SearchOptions

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[WORDS]...", help='Words that must all occur; "a phrase" in quotes.')
]
InContent = Annotated[bool, typer.Option("--content", help="Search the text of files (premium plan).")]
Tag = Annotated[str | None, typer.Option("--tag")]
Type = Annotated[str | None, typer.Option("--type", help="Such as application/pdf, image or pdf.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100)]


def search(
    words: Words = None,
    content: InContent = False,
    tag: Tag = None,
    type_: Type = None,
    kind: KindOf = None,
    owner: Owner = None,
    meta: Meta = None,
    modified_after: ModifiedAfter = None,
    modified_before: ModifiedBefore = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """Find files and folders by name, or files by their text.

    Without words, all that the filters let through.
    """
    query, within = " ".join(words or []), "content" if content else "name"
    options = SearchOptions(
        kind=None if kind is None else KINDS[kind],
        owner=owner,
        metadata=pairs(meta),
        modified_after=ago(modified_after, "--modified-after"),
        modified_before=ago(modified_before, "--modified-before"),
        created_after=ago(created_after, "--created-after"),
        created_before=ago(created_before, "--created-before"),
    )
    hits = as_person(
        lambda docstore: docstore.search(query, within=within, tag=tag, content_type=type_, limit=limit, **options)
    )
    if as_json:
        print_json(hits)
        return
    for hit in hits.items:
        typer.echo(shown(hit.file.path))
        if hit.snippet:
            typer.echo("    " + shown(" ".join(html.unescape(re.sub(r"</?mark>", "", hit.snippet)).split())))
    if hits.total > len(hits.items):
        typer.echo(f"{hits.total - len(hits.items)} more: use --limit", err=True)
