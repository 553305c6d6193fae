"""Requests of the routes for other regions."""

from typing import Annotated

from pydantic import BaseModel, Field

from docstore_accounts.account.rules import Status

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
EmailHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ReplicatedAccount(BaseModel):
    account_id: Id
    email_hash: EmailHash
    home_region: str
    status: Status
    revision: int = Field(ge=1)


class ReplicatedAccounts(BaseModel):
    accounts: list[ReplicatedAccount] = Field(max_length=1_000)


class Claim(BaseModel):
    email_hash: EmailHash
    account_id: Id


class SignUp(BaseModel):
    account_id: Id


class ForgottenPassword(BaseModel):
    request_id: Id
    account_id: Id
