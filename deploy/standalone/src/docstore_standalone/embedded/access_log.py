"""Access log of the embedded object store: what clients did with its objects, as files for analytics.

SeaweedFS sends a record of each request to a socket in the protocol of fluentd, as JSON. Requests of the services and
of operators' tools are left out. The records contain no sizes.
"""

import asyncio
import codecs
import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import structlog

from docstore_contents.s3.signing import SERVICES_AGENT
from docstore_platform.tasks import end_tasks

log = structlog.get_logger(__name__)

ACCESS_LOG_FOLDER = "access-log"
"""Subfolder of the data folder."""
FILE_SECONDS = 10.0
KEPT_SECONDS = 3 * 86_400
KEPT_FILES = 30_000
RECORD_BYTES = 64 * 1024
OPEN = ".open"
JSON = json.JSONDecoder()
OPERATORS = ("root", "broker")
PROBE_KEY = ".ready"
"""Of the object by which the supervisor checks whether the store works."""
SERVICES = "services"
"""Identity of the services, with whose keys URLs for clients are signed."""


def messages_in(text: str) -> tuple[list[Any], str]:
    """Split JSON values that follow each other without a separator; return them, and the incomplete last one."""
    found, at = [], 0
    while at < len(text):
        try:
            message, at = JSON.raw_decode(text, at)
        except ValueError:
            break
        found.append(message)
    return found, text[at:]


def entry_of(message: Any, buckets: Sequence[str]) -> dict[str, Any] | None:
    """Return a client's request; None for others. ValueError for what is no record."""
    try:
        _, _, record, _ = message
        agent, bucket, requester = record["user_agent"], record["bucket"], record["requester"]
        is_own = requester in OPERATORS or agent.startswith(SERVICES_AGENT) or record["key"] == PROBE_KEY
        if is_own or bucket not in buckets:
            return None
        return {
            "time": record["time"],
            "bucket": bucket,
            "key": record["key"],
            "operation": record["operation"],
            "status": record["status"],
            "client": record["remote_ip"],
            "request_id": record["request_id"],
            "user_agent": agent,
            "by_url": requester == SERVICES,
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a record: {error!r}") from None


class AccessLog:
    """Receives records at `socket`. Files in `folder` are named by time, and complete once they end in `.log`."""

    def __init__(self, folder: Path, buckets: Sequence[str]) -> None:
        self.folder, self.buckets = folder, buckets
        self.socket: Path | None = None
        self._current: Path | None = None

    def config(self) -> str:
        """Configuration of SeaweedFS."""
        return json.dumps({"fluent_network": "unix", "fluent_socket_path": str(self.socket), "marshal_as_json": True})

    @contextlib.asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Receive records until the block ends."""
        # Not in the data folder: a socket's path has at most 107 bytes. Only this user can reach it there.
        socket_folder = Path(tempfile.mkdtemp(prefix="docstore-"))
        try:
            self.socket = socket_folder / "access-log"
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            async with await asyncio.start_unix_server(self._receive, self.socket):
                task = asyncio.create_task(self._complete_often(), name="access log")
                try:
                    yield
                finally:
                    await end_tasks([task])
        finally:
            shutil.rmtree(socket_folder, ignore_errors=True)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            decoder, text = codecs.getincrementaldecoder("utf-8")("replace"), ""
            while data := await reader.read(RECORD_BYTES):
                messages, text = messages_in(text + decoder.decode(data))
                for message in messages:
                    self._append(message)
                if len(text) > RECORD_BYTES:
                    raise ValueError("a record without an end")
        except (ValueError, ConnectionError) as error:  # SeaweedFS connects again
            log.warning("access_log_interrupted", reason=repr(error))
        finally:
            writer.close()

    def _append(self, message: Any) -> None:
        entry = entry_of(message, self.buckets)
        if entry is None:
            return
        if self._current is None:
            self._current = self.folder / f"{time.time_ns():020d}{OPEN}"
        with self._current.open("ab") as file:
            file.write(orjson.dumps(entry) + b"\n")

    async def _complete_often(self) -> None:
        while True:
            try:
                self.complete()
            except OSError as error:
                log.warning("access_log_not_completed", reason=repr(error))
            await asyncio.sleep(FILE_SECONDS)

    def complete(self) -> None:
        """Complete the open file, and that of a run that was killed. Old files are deleted."""
        self._current = None
        for path in self.folder.glob(f"*{OPEN}"):
            path.rename(path.with_suffix(".log"))
        self._delete_old()

    def _delete_old(self) -> None:
        files = sorted(self.folder.glob("*.log"))
        for number, path in enumerate(files):
            if number < len(files) - KEPT_FILES or path.stat().st_mtime < time.time() - KEPT_SECONDS:
                path.unlink()
