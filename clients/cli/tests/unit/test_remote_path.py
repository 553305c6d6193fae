"""Remote paths: syntax and targets."""

import pytest
from fake_server import FakeServer, Reply, a_file
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from docstore_cli.commands.files.put import split_arguments
from docstore_cli.failures import BadUsage
from docstore_cli.main import app
from docstore_cli.remote_path import RemotePath, placed
from docstore_cli.transfers.local_tree import name_for

NAMES = st.text(st.characters(exclude_characters="/", exclude_categories=("Cc", "Cs")), min_size=1).filter(
    lambda name: name not in (".", "..") and not name.startswith("id:")
)
KINDS = st.sampled_from(["file", "folder", None])


@given(st.lists(NAMES), st.none() | st.from_regex(r"[0-9a-f]{32}", fullmatch=True), st.booleans())
def test_a_place_is_what_it_is_written_as(names: list[str], base: str | None, slash: bool) -> None:
    """Parsing a shown place gives the same place; a trailing slash marks a folder."""
    place = RemotePath((), base).child(*names)
    read = RemotePath.parse(str(place) + "/" * slash)
    assert (read.names, read.base) == (place.names, base)
    assert read.is_folder == (slash or (base is None and not names))


@pytest.mark.parametrize(
    ("text", "path", "base"),
    [
        ("/", "/", None),
        ("", "/", None),
        ("a/b", "/a/b", None),
        ("//a///b/", "/a/b", None),
        ("id:12", "/", "12"),
        ("id:12/a b", "/a b", "12"),
        ("/a/./b/.", "/a/b", None),
        ("/e\u0301", "/\u00e9", None),
    ],
)
def test_ways_to_write_a_place(text: str, path: str, base: str | None) -> None:
    """From the root with or without a slash, from an id, and in the one form that Unicode names have."""
    place = RemotePath.parse(text)
    assert (place.path, place.base) == (path, base)


@pytest.mark.parametrize(
    "arguments", ["rm PATH", "ls PATH", "get PATH", "put a PATH", "cp /a PATH", "share PATH ann@example.org"]
)
def test_bytes_that_are_no_text_name_nothing(arguments: str, server: FakeServer) -> None:
    """An argument in another encoding is wrong usage; without the bytes in question it would name another file."""
    server.replies["GET /v1/files/by-path"] = [Reply(a_file("docs", "/docs"))]
    outcome = CliRunner().invoke(app, arguments.replace("PATH", "/docs\udce9").split())
    assert outcome.exit_code == 2, outcome.exception
    assert "/docs\ufffd: not valid Unicode (usage)" in outcome.stderr
    assert server.requested == []


@given(KINDS, st.booleans(), st.lists(NAMES | st.just(""), min_size=1))
def test_things_go_where_cp_would_put_them(kind, is_folder: bool, names: list[str]) -> None:
    """Into a folder by their own names, no two to one place; one alone becomes the destination; else nowhere."""
    try:
        places = placed(kind, is_folder=is_folder, names=names)
    except BadUsage:
        several = len(names) > 1
        named = [name for name in names if name]
        into = kind == "folder" or (kind is None and is_folder)
        assert (into and len(set(named)) < len(named)) or (not into and (several or is_folder))
        return
    assert len(places) == len(names)
    if kind == "folder" or (kind is None and is_folder):
        assert places == names
    else:
        assert places == [""]
        assert len(names) == 1


@pytest.mark.parametrize(
    ("arguments", "sources", "destination"),
    [
        (["a.txt"], ["a.txt"], "/"),
        (["/tmp/a.txt"], ["/tmp/a.txt"], "/"),
        (["a.txt", "b.txt"], ["a.txt", "b.txt"], "/"),
        (["a.txt", "/docs"], ["a.txt"], "/docs"),
        (["a", "b", "id:12/c"], ["a", "b"], "id:12/c"),
    ],
)
def test_the_destination_of_put_begins_like_one(arguments: list[str], sources: list[str], destination: str) -> None:
    """The last of several files is no destination by accident."""
    found, place = split_arguments(arguments)
    assert (found, str(place)) == (sources, destination)


@pytest.mark.parametrize(
    ("source", "name"), [("a", "a"), ("x/a/", "a"), (".", ""), ("..", ""), ("x/.", ""), ("/", ""), ("./a", "a")]
)
def test_a_source_keeps_its_name_but_for_dots(source: str, name: str) -> None:
    """Of `.` the contents are sent."""
    assert name_for(source) == name
