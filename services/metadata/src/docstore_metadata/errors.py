"""Why the metadata service refuses something."""

from docstore_platform import errors


class NotFound(errors.NotFound):
    """It does not exist, is in the trash, or is a stranger's: all the same to the caller."""

    code = "not_found"

    def __init__(self, what: str = "file or folder") -> None:
        super().__init__(f"There is no such {what}.")


class BlockSelf(errors.Invalid):
    code = "block_self"


class TooManyBlocked(errors.Conflict):
    code = "too_many_blocked"


class ReadOnly(errors.Forbidden):
    """A viewer wants to change something."""

    code = "read_only"


class OwnerOnly(errors.Forbidden):
    """An editor wants what is the owner's to do."""

    code = "owner_only"


class InvalidPath(errors.Invalid):
    code = "invalid_path"


class InvalidTags(errors.Invalid):
    code = "invalid_tags"


class InvalidEmail(errors.Invalid):
    code = "invalid_email"


class ShareWithSelf(errors.Invalid):
    code = "share_with_self"


class NotShareable(errors.Conflict):
    """The root: nobody else may have all of a tree."""

    code = "not_shareable"


class TooManyShares(errors.Conflict):
    code = "too_many_shares"


class TooManyInvitations(errors.TooMany):
    """Of addresses that are nobody's, in a day."""

    code = "too_many_invitations"


class TooManyLinks(errors.Conflict):
    code = "too_many_links"


class LinkPassword(errors.Forbidden):
    """A link opens with its password only; `reason`: needed, wrong, or the proof that it was given has run out."""

    code = "link_password"


class InvalidRetention(errors.Invalid):
    """More than the operator allows, or nothing; `field`: which part of the policy."""

    code = "invalid_retention"


class NameTaken(errors.Conflict):
    code = "name_taken"


class NotAFolder(errors.Conflict):
    code = "not_a_folder"


class NotAFile(errors.Conflict):
    code = "not_a_file"


class NotInBlocks(errors.Conflict):
    """The content has another form."""

    code = "not_in_blocks"


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


class PreconditionFailed(errors.PreconditionFailed):
    code = "precondition_failed"


class TooLarge(errors.TooLarge):
    code = "too_large"


class OverQuota(errors.OutOfSpace):
    code = "over_quota"
