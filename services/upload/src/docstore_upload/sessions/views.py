"""Upload sessions as JSON of the public API."""

from docstore_platform.clock import rfc3339
from docstore_platform.http.problems import problem_json
from docstore_upload.lifecycle.clients import Json
from docstore_upload.sessions.rules import Upload


def upload_json(upload: Upload) -> Json:
    """Return an upload without instructions; with its file if completed, with the reason if refused."""
    shown: Json = {
        "id": upload.id,
        "state": upload.public_state,
        "method": upload.method,
        "path": upload.path,
        "size": upload.known_size,
        "content_type": upload.content_type,
        "sha256": upload.sha256,
        "created_at": rfc3339(upload.created_at),
        "expires_at": rfc3339(upload.expires_at),
    }
    if upload.max_size is not None:
        shown["max_size"] = upload.max_size
    if upload.state == "completed":
        shown["file"] = upload.result
    if upload.refusal is not None:
        problem = problem_json(upload.refusal)
        shown["problem"] = {name: problem[name] for name in ("status", "code", "detail")}
    return shown
