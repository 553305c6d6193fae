"""`docstore shares`: invitations and blocked people."""

import json

from fake_server import FakeServer, Reply, a_file, listed
from typer.testing import CliRunner

from docstore_cli.main import app

AT = "2026-11-22T10:00:00Z"


def run(*arguments: str) -> str:
    outcome = CliRunner().invoke(app, ["shares", *arguments])
    assert outcome.exit_code == 0, outcome.stderr
    return outcome.output


def test_invitations_are_listed_accepted_and_declined(server: FakeServer) -> None:
    """Who shares is named with their address; what they wrote can't steer the terminal."""
    invitation = {"id": "s1", "name": "plan\x1b[2J", "kind": "folder", "role": "viewer", "owner_id": "ada"}
    invitation |= {"owner_name": "Ada", "owner_email": "ada@example.org", "shared_at": AT}
    invitation |= {"owner_email_verified": True}
    server.replies["GET /v1/share-invitations"] = [listed(invitation)]
    line = run("list")
    assert line.startswith("s1 ")
    assert line.endswith("viewer Ada <ada@example.org>: plan\ufffd[2J/\n")
    server.replies["POST /v1/share-invitations/s1/accept"] = [Reply(a_file("f1", "/plan", kind="folder"))]
    assert run("accept", "s1") == "id:f1 plan/\n"
    server.replies["DELETE /v1/share-invitations/s1"] = [Reply(status=204)]
    assert json.loads(run("decline", "s1", "--json")) == {"id": "s1"}


def test_people_are_blocked_listed_and_unblocked(server: FakeServer) -> None:
    """By their address or id."""
    person = {"id": "eve@example.org", "name": None, "email": "eve@example.org", "blocked_at": AT}
    server.replies["PUT /v1/blocked-people/eve@example.org"] = [Reply(person)]
    assert run("block", "eve@example.org") == "eve@example.org is blocked\n"
    server.replies["GET /v1/blocked-people"] = [listed(person)]
    assert run("blocked").startswith("eve@example.org ")
    server.replies["DELETE /v1/blocked-people/eve@example.org"] = [Reply(status=204)]
    assert run("unblock", "eve@example.org") == ""


def test_the_setting_is_shown_and_chosen(server: FakeServer) -> None:
    """Without a choice nothing is changed."""
    server.replies["GET /v1/me/sharing"] = [Reply({"share_acceptance": "automatic"})]
    assert run("acceptance") == "automatic\n"
    server.replies["PUT /v1/me/sharing"] = [Reply({"share_acceptance": "ask"})]
    assert run("acceptance", "ask") == "ask\n"
