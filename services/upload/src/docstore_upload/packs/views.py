"""Packs and their files as JSON of the public API."""

from collections.abc import Sequence

import orjson

from docstore_contents.s3.store import ObjectStore
from docstore_platform.clock import Clock, rfc3339
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_json
from docstore_upload.lifecycle.clients import Json
from docstore_upload.lifecycle.use_cases.initiate import seconds_left
from docstore_upload.packs.rules import Pack

CONTENT_TYPE = "application/octet-stream"


def pack_put(store: ObjectStore, pack: Pack, clock: Clock) -> Json:
    """Return instructions for the only PUT of a pack: nothing can replace a stored pack."""
    size, left = pack.sent_bytes(), seconds_left(pack.expires_at, clock())
    put = store.presign_put(pack.object_key, size=size, content_type=CONTENT_TYPE, expires_in=left, overwrite=False)
    return {"url": put.url, "headers": dict(put.headers)}


def slices_json(pack: Pack) -> list[Json]:
    """Return the position of each file's bytes."""
    return [{"number": each.number, "offset": each.offset, "size": each.size} for each in pack.slices()]


def refused_json(error: DomainError) -> Json:
    """Return a refused file."""
    return {"problem": problem_json(error)}


def pack_json(pack: Pack, files: Sequence[Json] | orjson.Fragment, put: Json | None = None) -> Json:
    """Return a pack with its files; with the reason if it was refused."""
    shown: Json = {
        "id": pack.id,
        "state": pack.public_state,
        "size": pack.size,
        "created_at": rfc3339(pack.created_at),
        "expires_at": rfc3339(pack.expires_at),
        "files": files,
    }
    if put is not None:
        shown["put"] = put
    if pack.refusal is not None:
        shown["problem"] = problem_json(pack.refusal)
    return shown
