"""Records of the embedded store, as they arrive; files of its access log."""

import os
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from docstore_contents.s3.signing import SERVICES_AGENT
from docstore_standalone.embedded import access_log
from docstore_standalone.embedded.access_log import SERVICES, AccessLog, entry_of, messages_in

RECORD = {
    "bucket": "contents",
    "key": "accounts/ann/uploads/u/content",
    "operation": "REST.GET.OBJECT",
    "remote_ip": "127.0.0.1",
    "request_id": "18EA",
    "requester": SERVICES,
    "status": 200,
    "time": 1795475952,
    "user_agent": "curl",
}


def message(**changes: Any) -> list[Any]:
    """A client's read, unless something else is asked for."""
    return ["s3.access", 1795475952, {**RECORD, **changes}, {}]


def test_records_arrive_in_pieces_of_any_size() -> None:
    """Several at once, or one in two; nothing separates them."""
    text = (orjson.dumps(message()) + orjson.dumps(message(status=404))).decode()
    for cut in range(len(text)):
        first, rest = messages_in(text[:cut])
        second, rest = messages_in(rest + text[cut:])
        assert [each[2]["status"] for each in first + second] == [200, 404]
        assert rest == ""


@pytest.mark.parametrize(
    ("field", "value"), [("bucket", "broker"), ("requester", "root"), ("user_agent", SERVICES_AGENT), ("key", ".ready")]
)
def test_accesses_without_a_client_are_left_out(field: str, value: str) -> None:
    """Requests of the broker, of operators, of the services and of their supervisor."""
    assert entry_of(message(**{field: value}), ["contents"]) is None


@pytest.mark.parametrize("record", [None, [], {}, 7, ["s3.access", 1, {"bucket": "contents"}, {}]])
def test_invalid_records_are_refused(record: Any) -> None:
    """Whatever else connects to the socket."""
    with pytest.raises(ValueError, match=r".+"):
        entry_of(record, ["contents"])


def test_a_file_is_complete_once(tmp_path: Path) -> None:
    """What arrives later goes to another one, whose name is later; so does what a killed run has left."""
    log = AccessLog(tmp_path, ["contents"])
    (tmp_path / "0001.open").write_bytes(b"{}\n")
    for status in (200, 404):
        log._append(message(status=status))
        log.complete()
    files = sorted(tmp_path.glob("*"))
    assert [file.suffix for file in files] == [".log"] * 3
    assert [orjson.loads(file.read_bytes()).get("status") for file in files] == [None, 200, 404]


def test_old_files_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By age, and the oldest of too many: analytics has read them, or is not there."""
    monkeypatch.setattr(access_log, "KEPT_FILES", 2)
    for number in range(4):
        (tmp_path / f"{number}.log").touch()
    os.utime(tmp_path / "3.log", (0, time.time() - 2 * access_log.KEPT_SECONDS))
    AccessLog(tmp_path, []).complete()
    assert [file.name for file in tmp_path.glob("*")] == ["2.log"]
