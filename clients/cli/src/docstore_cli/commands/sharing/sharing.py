"""`docstore share`, `unshare`, `shared`, `link`, `links` and `unlink`."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from html import escape
from typing import Annotated

import typer

from docstore_cli.commands.files.tree import PATH_HELP
from docstore_cli.failures import Failures, each
from docstore_cli.moments import moment
from docstore_cli.options import AsJson, print_json, shown, time_text
from docstore_cli.remote_path import RemotePath, need
from docstore_cli.sessions.session import as_person, every
from docstore_client import ApiError, AsyncClient
from docstore_client.models import File, Link, Model, Page, Share


class Role(StrEnum):
    viewer = "viewer"
    editor = "editor"


Path = Annotated[str, typer.Argument(metavar="PATH", help=PATH_HELP)]
OptionalPath = Annotated[str | None, typer.Argument(metavar="[PATH]", help=PATH_HELP)]
Email = Annotated[str, typer.Argument(metavar="EMAIL")]
RoleOption = Annotated[Role, typer.Option("--role", help="Role of the recipient; an editor may also change contents.")]
Password = Annotated[bool, typer.Option("--password-stdin", help="Protect the link with a password, read from stdin.")]
Expires = Annotated[str | None, typer.Option("--expires", help="A time like 2026-05-01T12:00:00Z, or a span like 7d.")]
Downloads = Annotated[int | None, typer.Option("--max-downloads", min=1)]
Watermark = Annotated[
    str | None,
    typer.Option(
        "--watermark",
        metavar="TEXT",
        help="Give only pictures with this text, no downloads; {reader} is the recipient's name. Empty: remove it.",
    ),
]
LinkWatermark = Annotated[
    str | None,
    typer.Option("--watermark", metavar="TEXT", help="Give only pictures with this text, no downloads."),
]
Receive = Annotated[
    bool, typer.Option("--receive", help="Visitors send files into the folder and see nothing of it: a file request.")
]
Edit = Annotated[
    bool, typer.Option("--edit", help="Visitors change the file, or add, change and delete what is in the folder.")
]
Message = Annotated[str, typer.Option("--message", help="With --receive: what visitors are asked for.")]
MaxFiles = Annotated[
    int | None, typer.Option("--max-files", min=1, help="With --receive or --edit: most files that are sent.")
]
MaxBytes = Annotated[
    int | None, typer.Option("--max-bytes", min=1, help="With --receive or --edit: most bytes of all sent files.")
]
Embed = Annotated[
    bool, typer.Option("--embed", help="Let other sites show it in a frame, and print the HTML for that, too.")
]
LinkId = Annotated[
    str | None, typer.Argument(metavar="[LINK_ID]", help="Link id, as `docstore links` shows it; by default all.")
]


def share(
    path: Path, email: Email, role: RoleOption = Role.viewer, watermark: Watermark = None, as_json: AsJson = False
) -> None:
    """Share a file or folder."""

    async def work(docstore: AsyncClient) -> Share:
        file = await need(docstore, RemotePath.parse(path))
        return await docstore.share(file.id, email, role.value, watermark=watermark)

    made = as_person(work)
    if as_json:
        print_json(made)
    else:
        waits = ", once they have accepted" if made.state == "pending" else ""
        typer.echo(f"{shown(made.email)} is {made.role}{_marked(made)}{waits}")


def _marked(one: Share | Link) -> str:
    return f', with the watermark "{shown(one.watermark)}"' if one.watermark else ""


def unshare(path: Path, email: Email, as_json: AsJson = False) -> None:
    """Stop sharing, or remove something shared with you.

    The email address is that of the recipient: your own for something shared with you.
    """

    async def work(docstore: AsyncClient) -> str:
        file = await need(docstore, RemotePath.parse(path))
        if file.permission == "owner":
            shares = await every(partial(docstore.shares, file.id))
            ids = [one.id for one in shares if one.email.casefold() == email.casefold()]
        else:
            if docstore.credentials is None or docstore.credentials.email.casefold() != email.casefold():
                raise ApiError(403, "owner_only", f"only the owner of {path} can remove other people")
            received = await every(partial(_received, docstore))
            ids = [one.share.id for one in received if one.id == file.id]
        if not ids:
            raise ApiError(404, "not_found", f"{path} is not shared with {email}")
        await docstore.unshare(file.id, ids[0])
        return ids[0]

    ended = as_person(work)
    if as_json:
        print_json({"id": ended})


class _ShareId(Model):
    id: str


class _Received(Model):
    id: str
    share: _ShareId


async def _received(docstore: AsyncClient, cursor: str | None = None) -> Page[_Received]:
    return Page[_Received].model_validate(
        await docstore.call("GET", "/v1/shared-with-me", params={"limit": 1000, "cursor": cursor})
    )


def shared(path: OptionalPath = None, as_json: AsJson = False) -> None:
    """List what is shared with you; with a path, list who has access to it."""

    async def with_others(docstore: AsyncClient) -> list[Share]:
        return await every(partial(docstore.shares, (await need(docstore, RemotePath.parse(str(path)))).id))

    async def with_me(docstore: AsyncClient) -> list[File]:
        return await every(docstore.shared_with_me)

    if path is not None:
        shares = as_person(with_others)
        lines = [
            f"{one.role:6} {shown(one.email)}{' (pending)' * (one.state == 'pending')}{_marked(one)}" for one in shares
        ]
        _print(shares, lines, as_json=as_json)
        return
    files = as_person(with_me)
    _print(files, [_received_line(one) for one in files], as_json=as_json)


def _received_line(file: File) -> str:
    who = shown(file.owner_name or "somebody")
    return f"id:{file.id} {file.permission:6} {who:20} {shown(file.name)}{'/' * file.is_folder}"


def link(
    path: Path,
    password_stdin: Password = False,
    expires: Expires = None,
    max_downloads: Downloads = None,
    watermark: LinkWatermark = None,
    receive: Receive = False,
    edit: Edit = False,
    message: Message = "",
    max_files: MaxFiles = None,
    max_bytes: MaxBytes = None,
    embed: Embed = False,
    as_json: AsJson = False,
) -> None:
    """Create a public link to read, edit or send files.

    Its address is shown only once.
    """
    if receive and edit:
        raise typer.BadParameter("use either --receive or --edit")
    password = sys.stdin.readline().rstrip("\n") if password_stdin else None
    ends = None if expires is None else moment(expires, datetime.now(UTC), "--expires")

    async def work(docstore: AsyncClient) -> tuple[File, Link]:
        file = await need(docstore, RemotePath.parse(path))
        return file, await docstore.make_link(
            file.id,
            password=password,
            expires_at=ends,
            max_downloads=max_downloads,
            watermark=watermark,
            kind="receive" if receive else "edit" if edit else "read",
            message=message,
            max_files=max_files,
            max_bytes=max_bytes,
            embed=embed,
        )

    file, made = as_person(work)
    address = made.url or ""
    if not embed:
        _print(made, [address], as_json=as_json)
        return
    code = embed_code(address, file.name)
    _print(made.model_dump(mode="json") | {"embed_code": code}, [address, code], as_json=as_json)


def embed_code(address: str, title: str) -> str:
    """HTML by which another site shows what a link leads to, as the web page has it."""
    frame = f'src="{escape(address)}/embed" title="{escape(shown(title))}"'
    return f'<iframe {frame} width="640" height="480" loading="lazy"></iframe>'


def links(path: Path, as_json: AsJson = False) -> None:
    """List the public links to a file or folder."""

    async def work(docstore: AsyncClient) -> list[Link]:
        return await every(partial(docstore.links, (await need(docstore, RemotePath.parse(path))).id))

    found = as_person(work)
    _print(found, [_link_line(one) for one in found], as_json=as_json)


def _link_line(one: Link) -> str:
    if one.kind == "receive":
        used = f"{one.received_files} files received"
    else:
        used = f"{one.downloads}{f' of {one.max_downloads}' if one.max_downloads else ''} downloads"
    if one.kind == "edit":
        used += f", {one.received_files} files sent, for editing"
    ends = f", until {time_text(one.expires_at)}" if one.expires_at else ""
    locked = ", with a password" if one.has_password else ""
    return f"{one.id} {time_text(one.created_at)} {used}{ends}{locked}{_marked(one)}"


def unlink(path: Path, link_id: LinkId = None, as_json: AsJson = False) -> None:
    """Revoke public links."""
    failures = Failures()

    async def work(docstore: AsyncClient) -> list[str]:
        file = await need(docstore, RemotePath.parse(path))
        ids = [link_id] if link_id else [one.id for one in await every(partial(docstore.links, file.id))]

        async def revoke(one: str) -> str:
            await docstore.revoke_link(file.id, one)
            return one

        return await each(ids, failures, revoke)

    revoked = as_person(work)
    _print(revoked, revoked, as_json=as_json)
    failures.end()


def _print(value: object, lines: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json(value)
        return
    for line in lines:
        typer.echo(line)
