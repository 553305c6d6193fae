"""Signed links that are mailed to the owner of an address: made where they are mailed, checked where they are used."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta

from docstore_platform.secret_list import secret_list
from docstore_platform.settings import InfraSettings

MAX_TOKEN_CHARS = 500


class MailedLinks:
    """Links to one page of the web application, for one `purpose`.

    A token is the id of a stored record, signed: neither the record nor an event that carries its id is enough to make
    the token. The first secret makes tokens, any is accepted: so secrets are rotated.
    It stands behind the `#` of the link, which browsers send to no server: it is in no log and no Referer.
    """

    def __init__(self, infra: InfraSettings, *, purpose: bytes, path: str) -> None:
        secrets = secret_list("DOCSTORE_RESET_LINK_SECRETS", infra.reset_link_secrets, infra)
        self._keys = [hmac.digest(secret.encode(), purpose, "sha256") for secret in secrets]
        self._page = f"{infra.public_url}{path}"

    def token(self, record_id: str) -> str:
        return _token(self._keys[0], record_id)

    def url(self, record_id: str) -> str:
        """The page that uses the token."""
        return f"{self._page}#{self.token(record_id)}"

    def read(self, token: str) -> str | None:
        """The id of the record that a token was made for; None if the token is not valid."""
        record_id = token.partition(".")[0]
        given = token.encode()
        valid = any(hmac.compare_digest(given, _token(key, record_id).encode()) for key in self._keys)
        return record_id if valid else None


def _token(key: bytes, record_id: str) -> str:
    return f"{record_id}.{hmac.new(key, record_id.encode(), hashlib.sha256).hexdigest()}"


class ResetLinks(MailedLinks):
    """Links by which a password is set anew."""

    def __init__(self, infra: InfraSettings) -> None:
        super().__init__(infra, purpose=b"docstore password reset 1", path="/reset-password")


INVITATION_LIFE = timedelta(days=30)


class InvitationLinks(MailedLinks):
    """Links by which the owner of an address signs up: nothing is stored, the token names address and end itself.

    Whoever has one reads the mails of the address, so that an account made with it needs no other proof.
    """

    def __init__(self, infra: InfraSettings) -> None:
        super().__init__(infra, purpose=b"docstore invitation 1", path="/sign-up")

    def url_for(self, email: str, invited_at: datetime) -> str:
        """The page that signs up with this address, for `INVITATION_LIFE`."""
        ends = int((invited_at + INVITATION_LIFE).timestamp())
        return self.url(f"{urlsafe_b64encode(email.encode()).decode().rstrip('=')}-{ends}")

    def invited(self, token: str, now: datetime) -> str | None:
        """The address that was invited; None if the token is not valid, or no longer."""
        claim = self.read(token)
        if claim is None:
            return None
        encoded, _, ends = claim.rpartition("-")
        if datetime.fromtimestamp(int(ends), UTC) <= now:
            return None
        return urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


CODE_DIGITS = 8


class VerificationLinks(MailedLinks):
    """Links that verify an e-mail address, and codes that do the same where they are typed."""

    def __init__(self, infra: InfraSettings) -> None:
        super().__init__(infra, purpose=b"docstore email verification 1", path="/verify-email")

    def code(self, verification_id: str) -> str:
        """Eight digits: too many to guess with the few failures that a verification allows."""
        return _code(self._keys[0], verification_id)

    def accepts(self, verification_id: str, code: str) -> bool:
        given = code.encode()
        return any(hmac.compare_digest(given, _code(key, verification_id).encode()) for key in self._keys)


def _code(key: bytes, verification_id: str) -> str:
    digest = hmac.digest(key, b"code:" + verification_id.encode(), "sha256")
    return f"{int.from_bytes(digest[:8]) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"
