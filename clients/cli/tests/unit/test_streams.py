"""Contents by stdin and stdout."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer, Reply, a_file
from typer.testing import CliRunner

from docstore_cli.main import app

CONTENT = b"a\x00b\xff\r\n"


def there(server: FakeServer, name: str, content: bytes = CONTENT, sha256: str = "") -> None:
    """A file at the root of the account."""
    described = {"size": len(content), "sha256": sha256 or hashlib.sha256(content).hexdigest()}
    server.replies["GET /v1/files/by-path"] = [Reply(a_file(name, f"/{name}") | described)]
    server.replies[f"GET /v1/files/{name}/content"] = [Reply(content)]


def test_contents_go_to_stdout(server: FakeServer) -> None:
    """Byte for byte, and nothing else."""
    there(server, "a")
    outcome = CliRunner().invoke(app, ["cat", "/a", "/a"])
    assert (outcome.exit_code, outcome.stdout_bytes) == (0, CONTENT * 2)


def test_an_old_version_can_be_read(server: FakeServer) -> None:
    """By its number, with the checksum that it had."""
    old = b"older"
    there(server, "a")
    changes = {"items": [{"version": 3, "sha256": hashlib.sha256(old).hexdigest()}]}
    server.replies["GET /v1/files/a/changes"] = [Reply(changes)]
    server.replies["GET /v1/files/a/blocks"] = [Reply({"status": 409, "code": "not_in_blocks", "detail": "No."}, 409)]
    server.replies["GET /v1/files/a/content"] = [Reply(old)]
    outcome = CliRunner().invoke(app, ["cat", "/a", "--version", "3"])
    assert (outcome.exit_code, outcome.stdout_bytes) == (0, old), server.requested
    assert "GET /v1/files/a/content?version=3" in server.requested


def test_damaged_contents_are_not_written(server: FakeServer) -> None:
    """Whoever reads stdout gets the whole file or nothing."""
    there(server, "a", sha256="0" * 64)
    outcome = CliRunner().invoke(app, ["cat", "/a"])
    assert (outcome.exit_code, outcome.stdout_bytes) == (1, b"")
    assert "content_differs" in outcome.stderr


def test_a_folder_has_no_contents(server: FakeServer) -> None:
    """It is named in the message."""
    server.replies["GET /v1/files/by-path"] = [Reply(a_file("a", "/a", kind="folder"))]
    outcome = CliRunner().invoke(app, ["cat", "/a"])
    assert (outcome.exit_code, outcome.stdout_bytes) == (2, b"")
    assert "/a is a folder" in outcome.stderr


@pytest.mark.parametrize("arguments", [["-"], ["-", "/folder/"], ["-", "other", "/a"], ["-", "/"]])
def test_stdin_needs_the_name_of_a_file(server: FakeServer, arguments: list[str]) -> None:
    """Before anything is read."""
    outcome = CliRunner().invoke(app, ["put", *arguments], input=CONTENT)
    assert (outcome.exit_code, server.requested) == (2, [])


def test_stdin_is_never_put_into_a_folder(server: FakeServer) -> None:
    """It has no name there."""
    server.replies["GET /v1/files/by-path"] = [Reply(a_file("a", "/a", kind="folder"))]
    outcome = CliRunner().invoke(app, ["put", "-", "/a"], input=CONTENT)
    assert outcome.exit_code == 2
    assert "is a folder" in outcome.stderr


def test_stdin_is_uploaded(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the name that was given."""
    sent: dict[str, bytes] = {}

    async def upload_many(_: Any, sources: Any, progress: Any) -> list[Any]:
        sent.update({source.path: Path(source.local).read_bytes() for source in sources})  # noqa: ASYNC240
        return []

    monkeypatch.setattr("docstore_client.AsyncClient.upload_many", upload_many)
    outcome = CliRunner().invoke(app, ["put", "--force", "-", "/notes/a.txt"], input=CONTENT)
    assert sent == {"/notes/a.txt": CONTENT}, outcome.output
