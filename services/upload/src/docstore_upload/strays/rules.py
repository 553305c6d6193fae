"""Rules for strays (orphaned objects): which objects in the store no record refers to."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from docstore_upload.lifecycle.rules import COMMITTING, OPEN
from docstore_upload.sessions.rules import Upload

_UPLOAD_KEY = re.compile(r"accounts/[^/]+/uploads/([^/]+)/(.+)")
_BLOCK_KEY = re.compile(r"accounts/([^/]+)/blocks/([0-9a-f]{64})\.[^/]+")
_PACK_KEY = re.compile(r"accounts/[^/]+/packs/([^/]+)")
Verdict = Literal["kept", "left_over", "unknown"]


@dataclass(frozen=True, slots=True)
class Place:
    """How far a pass through the bucket is, and the stray bytes it has found."""

    after: str = ""
    left_over_bytes: int = 0
    unknown_bytes: int = 0
    lease_owner: str = ""
    """Token of the instance that processes the next page."""


@dataclass(slots=True)
class Known:
    """What the database knows of one page of keys."""

    uploads: Mapping[str, Upload] = field(default_factory=dict)
    keys: Collection[str] = ()
    """Keys of blocks, packs and discarded objects."""

    def verdict(self, key: str) -> Verdict:
        if key in self.keys:
            return "kept"
        upload_key = _UPLOAD_KEY.fullmatch(key)
        if upload_key is not None:
            is_left_over = self._is_left_over(self.uploads.get(upload_key[1]), key, upload_key[2])
            return "left_over" if is_left_over else "kept"
        return "unknown" if _BLOCK_KEY.fullmatch(key) or _PACK_KEY.fullmatch(key) else "kept"

    def _is_left_over(self, upload: Upload | None, key: str, name: str) -> bool:
        if upload is None:
            return name.startswith("incoming/")
        if upload.state in (*OPEN, *COMMITTING) or upload.next_check_at is not None:
            return False  # the workflow cleans up
        return upload.state != "completed" or key != upload.object_key
