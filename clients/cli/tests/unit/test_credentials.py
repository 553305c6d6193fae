"""`docstore credentials`: the forms that S3 tools read."""

import json
import subprocess
from typing import Any

import pytest
from fake_server import FakeServer, Reply
from typer.testing import CliRunner

from docstore_cli.main import app

FOLDER = {
    "id": "f1", "kind": "folder", "name": "docs", "path": "/docs", "parent_id": "root", "size": 0, "version": 0,
    "content_type": None, "sha256": None, "tags": [], "owner_id": "a", "permission": "owner", "modified_by": "a",
    "created_at": "2026-05-01T00:00:00Z", "modified_at": "2026-05-01T00:00:00Z", "etag": "1", "indexed": False,
}  # fmt: skip
LENT: dict[str, Any] = {
    "credentials": {
        "access_key_id": "AK", "secret_access_key": "se'cret", "session_token": "to ken",
        "expires_at": "2026-05-01T01:00:00Z", "endpoint": "http://127.0.0.1:8333", "region": "us-west-2", "bucket": "b",
    },
    "objects": [{"path": "a\nb.bin", "file_id": "f2", "key": "accounts/a/uploads/u/content", "size": 1, "sha256": "0"}],
    "not_included": [{"path": f"{number}.bin", "reason": "blocks"} for number in range(7)],
    "not_included_count": 9,
}  # fmt: skip


@pytest.fixture
def lent(server: FakeServer) -> None:
    server.replies["GET /v1/files/by-path"] = [Reply(FOLDER)]
    server.replies["POST /v1/files/f1/credentials"] = [Reply(LENT, 201)]


@pytest.mark.usefixtures("lent")
def test_a_shell_takes_the_lines() -> None:
    """Whatever is in the values and the names of files; what is not included is said on stderr."""
    outcome = CliRunner().invoke(app, ["credentials", "/docs"])
    assert outcome.exit_code == 0, outcome.output
    script = f'{outcome.stdout}\nprintf "%s|" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN"'
    done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)
    assert done.stdout == "AK|se'cret|to ken|"
    assert "# s3://b/accounts/a/uploads/u/content" in outcome.stdout
    assert outcome.stderr.count("not included:") == 5
    assert "and 4 more" in outcome.stderr


@pytest.mark.usefixtures("lent")
def test_it_serves_as_a_credential_process() -> None:
    """In the form that the AWS configuration asks for; --json is the answer of the API."""
    form = CliRunner().invoke(app, ["credentials", "/docs", "--format", "process"])
    assert json.loads(form.stdout) == {
        "Version": 1,
        "AccessKeyId": "AK",
        "SecretAccessKey": "se'cret",
        "SessionToken": "to ken",
        "Expiration": "2026-05-01T01:00:00+00:00",
    }
    whole = json.loads(CliRunner().invoke(app, ["credentials", "/docs", "--json"]).stdout)
    assert whole["objects"] == LENT["objects"]


def test_a_refusal_is_one_line(server: FakeServer) -> None:
    """With its code; status 1."""
    server.replies["GET /v1/files/by-path"] = [Reply(FOLDER)]
    problem = {"code": "too_many_files", "detail": "Too many.", "status": 413}
    server.replies["POST /v1/files/f1/credentials"] = [Reply(problem, 413)]
    outcome = CliRunner().invoke(app, ["credentials", "/docs"])
    assert (outcome.exit_code, outcome.stderr) == (1, "error: Too many. (too_many_files)\n")
