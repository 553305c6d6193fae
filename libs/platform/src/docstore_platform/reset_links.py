"""Links by which a password is set anew: made where they are mailed or shown, checked where the password is set."""

import hashlib
import hmac

from docstore_platform.secret_list import secret_list
from docstore_platform.settings import InfraSettings

MAX_TOKEN_CHARS = 200


class ResetLinks:
    """A token names a reset and is signed: who hears of the reset, as of an event, can't make it.

    It stands behind the `#` of the link, which no browser sends to any server: it is in no log and no Referer.
    """

    def __init__(self, infra: InfraSettings) -> None:
        secrets = secret_list("DOCSTORE_RESET_LINK_SECRETS", infra.reset_link_secrets, infra)
        self._keys = [hmac.digest(secret.encode(), b"docstore password reset 1", "sha256") for secret in secrets]
        self._page = f"{infra.public_url}/reset-password"

    def token(self, reset_id: str) -> str:
        return _token(self._keys[0], reset_id)

    def url(self, reset_id: str) -> str:
        """The page that asks for the new password."""
        return f"{self._page}#{self.token(reset_id)}"

    def read(self, token: str) -> str | None:
        """The reset that a token is for; None if it is none of ours."""
        reset_id = token.partition(".")[0]
        given = token.encode()
        good = any(hmac.compare_digest(given, _token(key, reset_id).encode()) for key in self._keys)
        return reset_id if good else None


def _token(key: bytes, reset_id: str) -> str:
    return f"{reset_id}.{hmac.new(key, reset_id.encode(), hashlib.sha256).hexdigest()}"
