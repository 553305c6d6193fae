"""Internal API between the accounts services of two regions; each request is signed."""

from collections.abc import Sequence
from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from docstore_contracts.accounts import AccountStatus
from docstore_contracts.caller import MAX_ITEMS, Client

ACCOUNTS_PATH = "/internal/replication/accounts"
CLAIMS_PATH = "/internal/replication/claims"
SIGN_UPS_PATH = "/internal/replication/sign-ups"
RESETS_PATH = "/internal/replication/password-resets"
PATHS = frozenset({ACCOUNTS_PATH, CLAIMS_PATH, SIGN_UPS_PATH, RESETS_PATH})
"""Internal routes that a gateway forwards from other regions."""

HexId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
EmailHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SignUpState = Literal["open", "account", "gone"]
"""State of a sign-up: under way, succeeded, or unable to create its account any more."""


class ReplicatedAccount(TypedDict):
    """What every region knows of an account."""

    account_id: HexId
    email_hash: EmailHash
    home_region: str
    status: AccountStatus
    revision: Annotated[int, Field(ge=1)]


class ReplicatedAccounts(TypedDict):
    accounts: Annotated[list[ReplicatedAccount], Field(max_length=MAX_ITEMS)]


class Received(TypedDict):
    heard: int
    introduced: NotRequired[bool]
    """Whether the sender has all accounts that the receiver had before it was added."""


class Claim(TypedDict):
    email_hash: EmailHash
    account_id: HexId


class ClaimResult(TypedDict):
    granted: bool


class SignUp(TypedDict):
    account_id: HexId


class SignUpResult(TypedDict):
    state: SignUpState


class ForgottenPassword(TypedDict):
    request_id: HexId
    account_id: HexId


class ResetReceived(TypedDict):
    heard: bool


class ReplicationClient(Client):
    async def send_accounts(self, accounts: Sequence[ReplicatedAccount]) -> Received:
        """Send the state of the sender's own accounts."""
        body: ReplicatedAccounts = {"accounts": list(accounts)}
        received: Received = await self._call("POST", ACCOUNTS_PATH, body)
        return received

    async def claim_email(self, email_hash: str, account_id: str) -> bool:
        """Ask the e-mail's arbiter whether a sign-up of the sender may have the e-mail."""
        body: Claim = {"email_hash": email_hash, "account_id": account_id}
        result: ClaimResult = await self._call("POST", CLAIMS_PATH, body)
        return result["granted"]

    async def sign_up_state(self, account_id: str) -> SignUpState:
        """Ask a sign-up's home region for its state."""
        body: SignUp = {"account_id": account_id}
        result: SignUpResult = await self._call("POST", SIGN_UPS_PATH, body)
        return result["state"]

    async def forward_password_reset(self, request_id: str, account_id: str) -> None:
        """Forward a password reset request to the home region of its account."""
        body: ForgottenPassword = {"request_id": request_id, "account_id": account_id}
        await self._call("POST", RESETS_PATH, body)
