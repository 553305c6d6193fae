"""Signed links that are mailed to the owner of an address: notify creates and accounts verifies them. Codes to type."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from docstore_platform.security.secret_list import secret_list
from docstore_platform.settings import InfraSettings

MAX_TOKEN_CHARS = 500


class MailedLinks:
    """Links to one page of the web application, for one `purpose`.

    A token is the signed id of a stored record: neither the record nor an event with its id suffices to make the token.
    The first secret signs, all verify, so that secrets can be rotated. The token is in the part of the link after `#`,
    which browsers send to no server, so it is in no log and no Referer.
    """

    def __init__(self, infra: InfraSettings, *, purpose: bytes, path: str) -> None:
        self._keys = _keys(infra, purpose)
        self._page = f"{infra.public_url}{path}"

    def token(self, record_id: str) -> str:
        return _token(self._keys[0], record_id)

    def url(self, record_id: str) -> str:
        """Return the page's URL with the token."""
        return f"{self._page}#{self.token(record_id)}"

    def read(self, token: str) -> str | None:
        """Return the id of a token's record; None if the token is invalid."""
        record_id = token.partition(".")[0]
        given = token.encode()
        valid = any(hmac.compare_digest(given, _token(key, record_id).encode()) for key in self._keys)
        return record_id if valid else None


def _keys(infra: InfraSettings, purpose: bytes) -> list[bytes]:
    secrets = secret_list("DOCSTORE_RESET_LINK_SECRETS", infra.reset_link_secrets, infra)
    return [hmac.digest(secret.encode(), purpose, "sha256") for secret in secrets]


def _token(key: bytes, record_id: str) -> str:
    return f"{record_id}.{hmac.new(key, record_id.encode(), hashlib.sha256).hexdigest()}"


class ResetLinks(MailedLinks):
    """Links to reset a password."""

    def __init__(self, infra: InfraSettings) -> None:
        super().__init__(infra, purpose=b"docstore password reset 1", path="/reset-password")


INVITATION_LIFE = timedelta(days=30)


class InvitationLinks(MailedLinks):
    """Links to sign up with an address: nothing is stored, the token contains address and expiry.

    A token was mailed to the address, so an account created with it is verified.
    """

    def __init__(self, infra: InfraSettings) -> None:
        super().__init__(infra, purpose=b"docstore invitation 1", path="/sign-up")

    def url_for(self, email: str, invited_at: datetime) -> str:
        """Return the sign-up URL for this address, valid for `INVITATION_LIFE`."""
        ends = int((invited_at + INVITATION_LIFE).timestamp())
        return self.url(f"{urlsafe_b64encode(email.encode()).decode().rstrip('=')}-{ends}")

    def invited(self, token: str, now: datetime) -> str | None:
        """Return the invited address; None if the token is invalid or expired."""
        claim = self.read(token)
        if claim is None:
            return None
        encoded, _, ends = claim.rpartition("-")
        if datetime.fromtimestamp(int(ends), UTC) <= now:
            return None
        return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


class TypedCodes:
    """Codes of `digits` that a person types to verify an address, for one `purpose`.

    A code derives from the id of a stored record and a key outside the database: neither alone suffices.
    """

    def __init__(self, infra: InfraSettings, *, purpose: bytes, digits: int) -> None:
        self._keys = _keys(infra, purpose)
        self._digits = digits

    def code(self, record_id: str) -> str:
        return self._code(self._keys[0], record_id)

    def accepts(self, record_id: str, code: str) -> bool:
        given = code.encode()
        return any(hmac.compare_digest(given, self._code(key, record_id).encode()) for key in self._keys)

    def _code(self, key: bytes, record_id: str) -> str:
        digest = hmac.digest(key, b"code:" + record_id.encode(), "sha256")
        return f"{int.from_bytes(digest[:8]) % 10**self._digits:0{self._digits}d}"


class VerificationLinks(MailedLinks):
    """Links that verify an e-mail address, and codes to type instead.

    Eight digits are enough against guessing with the few failures that a verification allows.
    """

    def __init__(self, infra: InfraSettings) -> None:
        purpose = b"docstore email verification 1"
        super().__init__(infra, purpose=purpose, path="/verify-email")
        self._codes = TypedCodes(infra, purpose=purpose, digits=8)

    def code(self, verification_id: str) -> str:
        return self._codes.code(verification_id)

    def accepts(self, verification_id: str, code: str) -> bool:
        return self._codes.accepts(verification_id, code)
