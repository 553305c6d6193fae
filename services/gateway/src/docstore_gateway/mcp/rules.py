"""Arguments of the tools and their bounds. Their JSON Schemas are what an assistant reads."""

from typing import Annotated, Literal

from pydantic import Field

from docstore_platform.http.request_models import RequestModel

MAX_TEXT_BYTES = 64 << 10
MAX_UPLOAD_BYTES = 1 << 20
MAX_BASE64_CHARS = 4 * (MAX_UPLOAD_BYTES // 3 + 2)
MAX_PATH_CHARS = 20_000

FileName = Annotated[
    str, Field(min_length=1, max_length=MAX_PATH_CHARS, description="path such as /docs/plan.md, or the id of a file")
]
FolderPath = Annotated[
    str, Field(min_length=1, max_length=MAX_PATH_CHARS, description="path of a folder; / is the top")
]
Cursor = Annotated[str | None, Field(max_length=2_000, description="next_cursor of the previous page")]
Confirm = Annotated[
    bool, Field(description="true only after the user has agreed to exactly this; otherwise nothing happens")
]


class Search(RequestModel):
    query: str = Field(min_length=1, max_length=1_000, description="words, all of which must occur")
    scope: Literal["name", "content"] = Field("name", description="content: full text, with a premium account")
    limit: int = Field(20, ge=1, le=50)
    cursor: Cursor = None


class ListFolder(RequestModel):
    path: FolderPath = "/"
    limit: int = Field(100, ge=1, le=200)
    cursor: Cursor = None


class ReadText(RequestModel):
    file: FileName
    offset: int = Field(0, ge=0, le=1 << 50, description="byte to begin at: next_offset of the previous call")
    max_bytes: int = Field(16 << 10, ge=4, le=MAX_TEXT_BYTES)


class ReadPage(RequestModel):
    file: FileName
    page: int = Field(1, ge=1, le=10_000)


class Upload(RequestModel):
    path: str = Field(min_length=1, max_length=MAX_PATH_CHARS, description="where to store it; folders are created")
    text: str | None = Field(None, max_length=MAX_UPLOAD_BYTES, description="content of a text file")
    base64: str | None = Field(None, max_length=MAX_BASE64_CHARS, description="content of another file, at most 1 MiB")
    replace: bool = Field(False, description="add a version if the file exists; the old one is kept")


class Move(RequestModel):
    file: FileName
    to: str = Field(min_length=1, max_length=MAX_PATH_CHARS, description="new path; its folder must exist")


class Share(RequestModel):
    file: FileName
    email: str = Field(min_length=3, max_length=254)
    role: Literal["viewer", "editor"] = "viewer"
    confirm: Confirm = False


class CreateLink(RequestModel):
    file: FileName
    expires_at: str | None = Field(None, max_length=40, description="RFC 3339 time")
    confirm: Confirm = False
