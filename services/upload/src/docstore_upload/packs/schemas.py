"""Request and response models of packs."""

from datetime import datetime
from typing import Any

from pydantic import Field

from docstore_contents.packs import MAX_SLICES
from docstore_platform.answers import Answer, FileJson, ItemProblem, ProblemJson, sometimes
from docstore_platform.bodies import Body
from docstore_upload.lifecycle.schemas import PublicState, PutInstructions


class PackSlice(Answer):
    """Where a file's bytes go in the pack."""

    number: int
    """The file's place in the request, from 0."""
    offset: int
    """Bytes."""
    size: int
    """Bytes."""


class PackedFile(Answer):
    """What a file of a pack has become."""

    number: int
    """The file's place in the request, from 0."""
    file: FileJson
    version: int
    """The version that it is."""
    conflicted: bool
    """Whether it was put beside the file that had changed meanwhile, as a conflicted copy."""


class PackedProblem(Answer):
    """Why a file of a pack became nothing."""

    number: int
    """The file's place in the request, from 0."""
    problem: ProblemJson


class CompletedPack(Answer):
    """What became of each accepted file, in order."""

    files: list[PackedFile | PackedProblem]
    """In the order of the request."""


class Pack(Answer):
    """Many small files sent as one object."""

    id: str
    """What going on with it takes."""
    state: PublicState
    """It is open while `initiated` or `uploading`."""
    size: int
    """Bytes of its files together."""
    created_at: datetime
    """When it was begun."""
    expires_at: datetime
    """When it ends if it is not completed."""
    files: list[PackSlice | ItemProblem | PackedFile | PackedProblem]
    """While it is open, where each file's bytes go or why it is refused; then what became of the accepted ones."""
    put: PutInstructions = sometimes()
    """While it is open: the instructions to send it."""
    problem: ProblemJson = sometimes()
    """Of one that was refused as a whole."""


class NoPack(Answer):
    """None of the files was accepted."""

    id: None
    """Null: there is no pack."""
    files: list[ItemProblem]
    """In the order of the request."""


class PackRequest(Body):
    """Files are checked one by one: a bad one does not spoil the others."""

    files: list[Any] = Field(min_length=1, max_length=MAX_SLICES)
