"""Shared items and their owners, and `docstore unshare` by recipient."""

import json

import pytest
from fake_server import FakeServer, Reply, a_file, listed
from typer.testing import CliRunner

from docstore_cli.main import app


@pytest.fixture
def ended(server: FakeServer) -> str:
    """What the share of the folder with grace is ended by; it is on the second page of what was shared with her."""
    team = a_file("team", "/team", kind="folder", permission="editor")
    other = {**a_file("other", "/other", permission="viewer"), "share": {"id": "share1"}}
    first_page = {"items": [other], "next_cursor": "1"}
    server.replies["GET /v1/files/team"] = [Reply(team)]
    server.replies["GET /v1/shared-with-me"] = [Reply(first_page), listed({**team, "share": {"id": "share2"}})]
    server.replies["DELETE /v1/files/team/shares/share2"] = [Reply(status=204)]
    return "DELETE /v1/files/team/shares/share2"


def test_recipients_end_a_share_by_their_own_address(server: FakeServer, ended: str) -> None:
    """Among however many that were received."""
    outcome = CliRunner().invoke(app, ["unshare", "id:team", "Grace@example.org"])
    assert outcome.exit_code == 0, outcome.stderr
    assert server.requested[-1] == ended


def test_only_the_owner_ends_the_shares_of_others(server: FakeServer, ended: str) -> None:
    """An editor who names someone else is refused, and keeps their own share."""
    outcome = CliRunner().invoke(app, ["unshare", "id:team", "bob@example.org"])
    assert outcome.exit_code == 1
    assert "(owner_only)" in outcome.stderr
    assert ended not in server.requested


def test_listing_names_owner_and_last_editor(server: FakeServer) -> None:
    """`shared` names the owner, `history` the person and the device; no one where the name is not known."""
    team = {**a_file("team", "/team", kind="folder", permission="editor"), "owner_name": "Grace \x1b[2J"}
    server.replies["GET /v1/shared-with-me"] = [listed(team, a_file("other", "/other", permission="viewer"))]
    outcome = CliRunner().invoke(app, ["shared"])
    assert [line.split() for line in outcome.output.splitlines()] == [
        ["id:team", "editor", "Grace", "\ufffd[2J", "team/"],
        ["id:other", "viewer", "somebody", "other"],
    ]
    server.replies["GET /v1/files/team"] = [Reply(a_file("team", "/team"))]
    version = {"size": 1, "content_type": "text/plain", "sha256": "0" * 64, "created_at": "2026-11-21T00:00:00Z"}
    version |= {"created_by": "ada", "device": "phone", "restored_from": None, "current": False}
    versions = [{**version, "version": 2, "created_by_name": "Ada"}, {**version, "version": 1}]
    server.replies["GET /v1/files/team/versions"] = [listed(*versions)]
    lines = CliRunner().invoke(app, ["history", "id:team"]).output.splitlines()
    assert [line.split(maxsplit=5)[-1] for line in lines] == ["Ada, phone", "someone, phone"]


def test_shared_files_are_opened_by_name(server: FakeServer) -> None:
    """`shared:NAME/path` is the path below what has that name among what others share."""
    team = a_file("team", "/team", kind="folder", permission="editor")
    server.replies["GET /v1/shared-with-me"] = [listed(a_file("other", "/other"), team)]
    server.replies["GET /v1/files/by-path"] = [Reply(a_file("plan", "/team/plan.md"))]
    outcome = CliRunner().invoke(app, ["ls", "shared:team/plan.md"])
    assert outcome.output == "plan.md\n"
    assert "GET /v1/files/by-path?path=/plan.md&parent_id=team" in server.requested


def test_a_shared_name_that_two_things_have_asks_for_the_id(server: FakeServer) -> None:
    """Nothing is guessed: both ids are named. A name that nothing has is not found."""
    twins = [{**a_file(id_, "/team", kind="folder"), "owner_name": id_.title()} for id_ in ("ann", "bob")]
    server.replies["GET /v1/shared-with-me"] = [listed(*twins)]
    ambiguous = CliRunner().invoke(app, ["ls", "shared:team"])
    assert ambiguous.exit_code == 2
    assert "use id:ann (by Ann), id:bob (by Bob)" in ambiguous.stderr
    missing = CliRunner().invoke(app, ["put", "a", "shared:plans/"])
    assert missing.exit_code == 4
    assert "nothing named 'plans' is shared with you" in missing.stderr


def test_a_share_and_a_link_get_a_watermark(server: FakeServer) -> None:
    """An empty one removes that of the share, none leaves it; lists name them."""
    server.replies["GET /v1/files/f"] = [Reply(a_file("f", "/f"))]
    made = {"id": "s", "file_id": "f", "email": "grace@example.org", "role": "viewer", "state": "active"}
    made |= {"created_at": "2026-11-23T00:00:00Z", "watermark": "for {reader}"}
    server.replies["POST /v1/files/f/shares"] = [Reply(made, 201)]
    share = ["share", "id:f", "grace@example.org"]
    outcomes = [CliRunner().invoke(app, [*share, *more]) for more in (["--watermark", "x"], ["--watermark", ""], [])]
    assert outcomes[0].output == 'grace@example.org is viewer, with the watermark "for {reader}"\n'
    assert [body.get("watermark", "absent") for body in server.sent[-3:]] == ["x", None, "absent"]
    link = {"id": "l", "url": "http://x/l/t", "created_at": "2026-11-23T00:00:00Z", "watermark": "draft"}
    server.replies["POST /v1/files/f/links"] = [Reply(link, 201)]
    server.replies["GET /v1/files/f/links"] = [listed(link)]
    assert CliRunner().invoke(app, ["link", "id:f", "--watermark", "draft"]).output == "http://x/l/t\n"
    assert server.sent[-1] == {"watermark": "draft"}
    assert 'with the watermark "draft"' in CliRunner().invoke(app, ["links", "id:f"]).output


def test_a_link_that_can_be_embedded_comes_with_its_html(server: FakeServer) -> None:
    """Beside its address, with the name escaped; other links have none."""
    server.replies["GET /v1/files/f"] = [Reply(a_file("f", '/<a> "b".pdf'))]
    link = {"id": "l", "url": "http://x/l/t", "created_at": "2026-11-23T00:00:00Z"}
    server.replies["POST /v1/files/f/links"] = [Reply(link | {"embed": True}, 201)]
    address, html = CliRunner().invoke(app, ["link", "id:f", "--embed"]).output.splitlines()
    assert server.sent[-1] == {"embed": True}
    assert address == "http://x/l/t"
    assert html == (
        '<iframe src="http://x/l/t/embed" title="&lt;a&gt; &quot;b&quot;.pdf" width="640" height="480" loading="lazy">'
        "</iframe>"
    )
    in_json = CliRunner().invoke(app, ["link", "id:f", "--embed", "--json"]).output
    assert json.loads(in_json)["embed_code"] == html
    server.replies["POST /v1/files/f/links"] = [Reply(link, 201)]
    assert CliRunner().invoke(app, ["link", "id:f"]).output == "http://x/l/t\n"
    assert server.sent[-1] == {}
