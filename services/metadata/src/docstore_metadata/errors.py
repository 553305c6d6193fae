"""Why the metadata service refuses something. Standard library only; the routes turn these into problems."""

from typing import Any, ClassVar


class Refusal(Exception):
    """What was asked can't be done; `detail` is for people, `code` for programs."""

    status: ClassVar[int]
    """HTTP status this refusal is answered with."""
    code: ClassVar[str]

    def __init__(self, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra


class NotFound(Refusal):
    """It does not exist, is in the trash, or is a stranger's: all the same to the caller."""

    status = 404
    code = "not_found"

    def __init__(self, what: str = "file or folder") -> None:
        super().__init__(f"There is no such {what}.")


class BlockSelf(Refusal):
    status = 422
    code = "block_self"


class TooManyBlocked(Refusal):
    status = 409
    code = "too_many_blocked"


class ReadOnly(Refusal):
    """A viewer wants to change something."""

    status = 403
    code = "read_only"


class OwnerOnly(Refusal):
    """An editor wants what is the owner's to do."""

    status = 403
    code = "owner_only"


class InvalidPath(Refusal):
    status = 422
    code = "invalid_path"


class InvalidTags(Refusal):
    status = 422
    code = "invalid_tags"


class InvalidEmail(Refusal):
    status = 422
    code = "invalid_email"


class ShareWithSelf(Refusal):
    status = 422
    code = "share_with_self"


class NotShareable(Refusal):
    """The root: nobody else may have all of a tree."""

    status = 409
    code = "not_shareable"


class TooManyShares(Refusal):
    status = 409
    code = "too_many_shares"


class TooManyInvitations(Refusal):
    """Of addresses that are nobody's, in a day."""

    status = 429
    code = "too_many_invitations"


class TooManyLinks(Refusal):
    status = 409
    code = "too_many_links"


class LinkPassword(Refusal):
    """A link opens with its password only; `reason`: needed, wrong, or the proof that it was given has run out."""

    status = 403
    code = "link_password"


class InvalidRetention(Refusal):
    """More than the operator allows, or nothing; `field`: which part of the policy."""

    status = 422
    code = "invalid_retention"


class NameTaken(Refusal):
    status = 409
    code = "name_taken"


class NotAFolder(Refusal):
    status = 409
    code = "not_a_folder"


class NotAFile(Refusal):
    status = 409
    code = "not_a_file"


class NotInBlocks(Refusal):
    """The content has another form."""

    status = 409
    code = "not_in_blocks"


class VersionConflict(Refusal):
    status = 409
    code = "version_conflict"

    def __init__(self, current_version: int) -> None:
        super().__init__(
            f"The base is no longer current: the file is at version {current_version}.",
            current_version=current_version,
        )


class InvalidMove(Refusal):
    """Into itself, of the root, or into another owner's tree."""

    status = 409
    code = "invalid_move"


class PreconditionFailed(Refusal):
    status = 412
    code = "precondition_failed"


class TooLarge(Refusal):
    status = 413
    code = "too_large"


class OverQuota(Refusal):
    status = 507
    code = "over_quota"
