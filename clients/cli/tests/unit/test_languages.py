"""`docstore languages` shows and changes the languages of pictures and scans."""

from fake_server import FakeServer, Reply
from typer.testing import CliRunner

from docstore_cli.main import app

ROUTE = "/v1/me/languages"
NOW = {"languages": ["eng"], "is_default": True, "available": ["deu", "eng"]}
CHOSEN = {"languages": ["deu", "eng"], "is_default": False, "available": ["deu", "eng"]}


def test_they_are_shown_chosen_and_reset(server: FakeServer) -> None:
    """Without arguments nothing is changed; `--default` chooses none; both together are wrong usage."""
    server.replies |= {f"GET {ROUTE}": [Reply(NOW)], f"PUT {ROUTE}": [Reply(CHOSEN), Reply(NOW)]}
    shown = CliRunner().invoke(app, ["languages"])
    assert (shown.exit_code, shown.stdout) == (0, "Languages: eng (default)\nAvailable: deu, eng\n")
    chosen = CliRunner().invoke(app, ["languages", "deu", "eng"])
    assert (chosen.stdout.splitlines()[0], server.sent[-1]) == ("Languages: deu, eng", {"languages": ["deu", "eng"]})
    assert CliRunner().invoke(app, ["languages", "--default"]).exit_code == 0
    assert server.sent[-1] == {"languages": []}
    assert CliRunner().invoke(app, ["languages", "deu", "--default"]).exit_code == 2
