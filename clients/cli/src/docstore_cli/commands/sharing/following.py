"""`docstore follow` and `unfollow`: notifications of changes."""

from typing import Annotated, Any

import typer

from docstore_cli.commands.files.tree import PATH_HELP
from docstore_cli.failures import Failures, each
from docstore_cli.options import AsJson, print_json, shown
from docstore_cli.remote_path import RemotePath, need
from docstore_cli.sessions.session import as_person, every
from docstore_client import ApiError, AsyncClient
from docstore_client.models import Subscription

OptionalPath = Annotated[str | None, typer.Argument(metavar="[PATH]", help=PATH_HELP)]
Path = Annotated[str, typer.Argument(metavar="PATH", help=PATH_HELP)]
Channel = Annotated[str, typer.Option("--channel", help="Channel: email, in_app, webhook or another one.")]
Target = Annotated[
    list[str] | None,
    typer.Option("--target", metavar="NAME=VALUE", help="Target field, such as url=https://example.org/."),
]
Events = Annotated[list[str] | None, typer.Option("--event", help="Type of change; by default the usual ones.")]
OnlyChannel = Annotated[str | None, typer.Option("--channel", help="Only subscriptions of this channel.")]


def follow(
    path: OptionalPath = None,
    channel: Channel = "email",
    target: Target = None,
    event: Events = None,
    as_json: AsJson = False,
) -> None:
    """Follow changes of a file or folder; without a path, list what you follow."""
    if path is None:
        found = as_person(lambda docstore: every(docstore.subscriptions))
        _print(found, as_json=as_json)
        return
    fields = _fields(target or [])

    async def work(docstore: AsyncClient) -> Subscription:
        file = await need(docstore, RemotePath.parse(path))
        return await docstore.follow(file.id, channel, target=fields or None, events=event)

    made = as_person(work)
    if as_json:
        print_json(made)
    else:
        _print([made], as_json=False)
        if made.secret:
            typer.echo(f"signing secret, shown only once: {made.secret}")


def _fields(pairs: list[str]) -> dict[str, Any]:
    for pair in pairs:
        if "=" not in pair:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE.", param_hint="--target")
    return dict(pair.split("=", 1) for pair in pairs)


def unfollow(path: Path, channel: OnlyChannel = None, as_json: AsJson = False) -> None:
    """Stop following a file or folder."""
    failures = Failures()

    async def work(docstore: AsyncClient) -> list[Subscription]:
        file = await need(docstore, RemotePath.parse(path))
        followed = await every(docstore.subscriptions)
        ending = {one.id: one for one in followed if one.file_id == file.id and channel in (None, one.channel)}
        if not ending:
            raise ApiError(404, "not_found", f"{path} is not followed")

        async def end(subscription_id: str) -> Subscription:
            await docstore.unfollow(subscription_id)
            return ending[subscription_id]

        return await each(ending, failures, end)

    _print(as_person(work), as_json=as_json)
    failures.end()


def _print(subscriptions: list[Subscription], *, as_json: bool) -> None:
    if as_json:
        print_json(subscriptions)
        return
    for one in subscriptions:
        where = " ".join(f"{name}={value}" for name, value in (one.target or {}).items())
        state = "" if one.state == "active" else f" ({one.state})"
        typer.echo(shown(f"id:{one.file_id} {one.channel} {where} {','.join(one.events)}{state}"))
