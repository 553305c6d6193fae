"""`docstore credentials`."""

import shlex
from enum import StrEnum
from typing import Annotated

import typer

from docstore_cli.commands.files.tree import PATH_HELP
from docstore_cli.options import AsJson, errors, print_json, shown, time_text
from docstore_cli.remote_path import RemotePath, need
from docstore_cli.sessions.session import as_person
from docstore_client import AsyncClient
from docstore_client.models import ReadCredentials

LISTED = 5


class Form(StrEnum):
    env = "env"
    process = "process"


Place = Annotated[str, typer.Argument(metavar="FOLDER", help=f"Folder, or file. {PATH_HELP}")]
FormOption = Annotated[
    Form, typer.Option("--format", help="env: for `eval`; process: as AWS's credential_process expects it.")
]


def credentials(folder: Place, form: FormOption = Form.env, as_json: AsJson = False) -> None:
    """Get temporary credentials to read your files with any S3 tool.

    They read the contents of about 15 files at most, for an hour, and list and change nothing. Only files that are
    whole objects can be read that way: not small ones, which are in packs, nor large ones, which are in blocks, nor
    what others share with you. Those that can't are reported on stderr.
    """

    async def work(docstore: AsyncClient) -> ReadCredentials:
        file = await need(docstore, RemotePath.parse(folder))
        return await docstore.read_credentials(file.id)

    lent = as_person(work)
    if as_json:
        print_json(lent)
    elif form is Form.process:
        print_json(_as_process(lent))
    else:
        _print_environment(lent)
    _report_left_out(lent)


def _as_process(lent: ReadCredentials) -> dict[str, object]:
    keys = lent.credentials
    return {
        "Version": 1,
        "AccessKeyId": keys.access_key_id,
        "SecretAccessKey": keys.secret_access_key,
        "SessionToken": keys.session_token,
        "Expiration": keys.expires_at.isoformat(),
    }


def _print_environment(lent: ReadCredentials) -> None:
    """Print lines for a shell; objects are comments."""
    keys = lent.credentials
    variables = {
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token,
        "AWS_REGION": keys.region,
        "AWS_ENDPOINT_URL_S3": keys.endpoint,
    }
    for each in lent.objects:
        typer.echo(shown(f"# s3://{keys.bucket}/{each.key}  {each.path}"))
    typer.echo(f"# until {time_text(keys.expires_at)}")
    for name, value in variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def _report_left_out(lent: ReadCredentials) -> None:
    def report(line: str) -> None:
        errors.print(shown(line), soft_wrap=True, highlight=False, markup=False)

    for each in lent.not_included[:LISTED]:
        report(f"not included: {each.path} ({each.reason})")
    more = lent.not_included_count - min(LISTED, len(lent.not_included))
    if more:
        report(f"and {more} more; --json lists them")
