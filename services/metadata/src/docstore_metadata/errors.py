"""Errors of the metadata service that rules or several features raise; others raise `docstore_platform.errors`."""

from collections.abc import Sequence

from docstore_platform import errors

TooLarge = errors.TooLarge
PreconditionFailed = errors.PreconditionFailed


class NotFound(errors.NotFound):
    """It does not exist, is in the trash, or belongs to others: the caller can't distinguish these."""

    code = "not_found"

    def __init__(self, what: str = "file or folder") -> None:
        super().__init__(f"There is no such {what}.")


class ReadOnly(errors.Forbidden):
    """A viewer tries to change something."""

    code = "read_only"


class OwnerOnly(errors.Forbidden):
    """An editor tries something that only the owner may do."""

    code = "owner_only"


class LimitedToFolder(errors.Forbidden):
    """A program tries to move or delete the folder that its token is limited to; or a visitor, what the link is to."""

    code = "folder_limited"

    def __init__(self) -> None:
        super().__init__("Your access is limited to this: you can change what is in it, not where it is or its name.")


class WatermarkedOnly(errors.Forbidden):
    """The share or link gives pictures with a watermark, never the content."""

    code = "watermarked_only"

    def __init__(self) -> None:
        super().__init__("It was shared with a watermark: you can look at its preview, not download it.")


class InvalidPath(errors.Invalid):
    code = "invalid_path"


class InvalidTags(errors.Invalid):
    code = "invalid_tags"


class InvalidEmail(errors.Invalid):
    code = "invalid_email"


class NotShareable(errors.Conflict):
    """Only its owner may have access to a whole tree."""

    code = "not_shareable"

    def __init__(self) -> None:
        super().__init__("All you have can't be shared: share a folder in it.")


class LinkPassword(errors.Forbidden):
    """A link requires its password; `reason`: needed, wrong, or the grant has expired."""

    code = "link_password"


class InvalidRetention(errors.Invalid):
    """A policy outside the operator's limits; `field`: its invalid part."""

    code = "invalid_retention"


class NameTaken(errors.Conflict):
    code = "name_taken"


class Locked(errors.Locked):
    """Another lock is in the way, or the caller did not name the token of its own."""

    def __init__(self) -> None:
        super().__init__("It is locked. Try again when the lock is released or has expired.")


class NotAFolder(errors.Conflict):
    code = "not_a_folder"


class NoParentFolder(errors.Conflict):
    """The folder that a new file should be in does not exist, and was not to be created."""

    code = "no_parent_folder"


class NotAFile(errors.Conflict):
    code = "not_a_file"


class VersionConflict(errors.Conflict):
    code = "version_conflict"

    def __init__(self, current_version: int) -> None:
        super().__init__(
            f"The base is no longer current: the file is at version {current_version}.",
            current_version=current_version,
        )


class InvalidMove(errors.Conflict):
    """Into itself, of the root, or into another owner's tree."""

    code = "invalid_move"


class ContentArchived(errors.Conflict):
    """The content is in cold storage: it must be retrieved before it can be read."""

    code = "archived"

    def __init__(self, estimate_seconds: int, file_ids: Sequence[str] = ()) -> None:
        """`file_ids`: the files, where several are read at once."""
        super().__init__(
            "This content is in cold storage because it was not read for a long time. Request its retrieval, "
            f"which takes about {_duration(estimate_seconds)}.",
            estimate_seconds=estimate_seconds,
        )
        if file_ids:
            self.extra["file_ids"] = [*file_ids]


def _duration(seconds: int) -> str:
    return f"{seconds // 3600} hours" if seconds >= 3600 else f"{max(seconds // 60, 1)} minutes"
