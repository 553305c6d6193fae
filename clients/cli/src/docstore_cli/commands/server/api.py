"""`docstore api`: any call of the API with the stored log-in."""

import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from docstore_cli.options import print_json
from docstore_cli.sessions.session import as_person
from docstore_client import AsyncClient

PREFIX = "/v1/"

Target = Annotated[str, typer.Argument(metavar="PATH", help="Such as /v1/me, with a query if need be.")]
Method = Annotated[str | None, typer.Option("--method", "-X", help="By default GET, with a body POST.")]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", "-f", metavar="NAME=VALUE", help="Field of the body; JSON, or else text. Repeatable."),
]
Input = Annotated[str | None, typer.Option("--input", metavar="FILE", help="File with the body as JSON; -: stdin.")]


def api(path: Target, method: Method = None, field: Fields = None, input_: Input = None) -> None:
    """Call the API and print the JSON response.

    A call that changes something has an Idempotency-Key and is repeated if the connection fails. The token is renewed
    if need be.
    """
    if not path.startswith(PREFIX):
        raise typer.BadParameter(f"{path}: the API's paths begin with {PREFIX}", param_hint="PATH")
    if field and input_:
        raise typer.BadParameter("--field and --input exclude each other")
    body = _read(input_) if input_ else _fields(field) if field else None
    verb = (method or ("GET" if body is None else "POST")).upper()

    async def work(docstore: AsyncClient) -> Any:
        return await docstore.call(verb, path, body)

    response = as_person(work)
    if response is not None:
        print_json(response)


def _read(source: str) -> Any:
    text = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise typer.BadParameter(f"{source}: not JSON: {error}", param_hint="--input") from None


def _fields(texts: list[str]) -> dict[str, Any]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text}: give a name and a value, as in name=notes.txt", param_hint="--field")
        try:
            found[name] = orjson.loads(value)
        except orjson.JSONDecodeError:
            found[name] = value
    return found
