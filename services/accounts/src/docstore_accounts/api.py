"""HTTP routes: `/v1/accounts`, `/v1/sessions`, `/v1/me`, `/v1/admin/accounts`, and `/internal` for the services."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field

from docstore_accounts import answers
from docstore_accounts.device_names import device_name, shown_name
from docstore_accounts.domain import (
    MAX_EMAIL_CHARS,
    MAX_NAME_CHARS,
    MAX_PASSWORD_CHARS,
    MIN_PASSWORD_CHARS,
    Account,
    Change,
    Plan,
    Refusal,
    Role,
    Status,
    email_key,
)
from docstore_accounts.domain import Session as DeviceSession
from docstore_accounts.service import AccountService
from docstore_accounts.sessions import SessionService, Tokens
from docstore_accounts.storage import Filter
from docstore_platform.bodies import Body
from docstore_platform.clock import rfc3339
from docstore_platform.mailed_links import MAX_TOKEN_CHARS
from docstore_platform.paging import decode_cursor, encode_cursor
from docstore_platform.problems import invalid
from docstore_platform.service_identity import any_service, callers
from docstore_platform.throttle import client_address
from docstore_platform.tokens import Principal, current_principal
from docstore_platform.values import Cursor, Email, Id, Text, described
from docstore_platform.web import json_response

router = APIRouter()
internal_router = APIRouter(tags=["accounts"])

DISPLAY_NAME_PATTERN = r"^[^\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]*$"
NOT_BLANK = "On one line, not of blanks alone, without control characters; else 422 `invalid_display_name`."
NOT_KEPT = {"Cache-Control": "no-store"}
"""Of answers with tokens in them: no cache on the way keeps one (RFC 6749, 5.1)."""


def _accounts(request: Request) -> AccountService:
    service: AccountService = request.app.state.accounts
    return service


def _sessions(request: Request) -> SessionService:
    service: SessionService = request.app.state.sessions
    return service


Accounts = Annotated[AccountService, Depends(_accounts)]
Sessions = Annotated[SessionService, Depends(_sessions)]
Address = Annotated[str, Depends(client_address)]
Caller = Annotated[Principal, Depends(current_principal)]
PathId = Annotated[Id, Path()]
Limit = Annotated[int, Query(ge=1, le=500)]


KnownEmail = Annotated[Text, Field(max_length=MAX_EMAIL_CHARS)]
"""Of an account that there may be: whatever is somebody's address here."""
GivenPassword = Annotated[Text, Field(max_length=2 * MAX_PASSWORD_CHARS)]
"""One that is compared."""
NewPassword = Annotated[
    GivenPassword,
    described(
        minLength=MIN_PASSWORD_CHARS,
        maxLength=MAX_PASSWORD_CHARS,
        description="Neither common nor leaked nor easily guessed; else 422 `weak_password`.",
    ),
]
DisplayName = Annotated[
    Text,
    Field(max_length=500),
    described(minLength=1, maxLength=MAX_NAME_CHARS, pattern=DISPLAY_NAME_PATTERN, description=NOT_BLANK),
]


class SignUp(Body):
    email: Email = Field(max_length=MAX_EMAIL_CHARS)
    password: NewPassword
    display_name: DisplayName | None = None
    invitation: Text | None = Field(
        None, max_length=MAX_TOKEN_CHARS, description="what stands behind the # of the link of an invitation"
    )


class LogIn(Body):
    email: KnownEmail
    password: GivenPassword
    device_name: Text | None = Field(None, max_length=500)
    device_token: Text | None = Field(
        None, max_length=100, description="what this device was answered at its last log-in: it is then no new one"
    )


class Refresh(Body):
    refresh_token: Text = Field(max_length=500)


class OwnChange(Body):
    display_name: DisplayName | None = None
    password: NewPassword | None = Field(None, description="with the current one; else 422 `current_password_needed`")
    current_password: GivenPassword | None = None


class PlanChoice(Body):
    plan: Plan


class AdminChange(Body):
    plan: Plan | None = None
    role: Role | None = None
    status: Status | None = None
    email_verified: Literal[True] | None = Field(None, description="vouch for the address, where no mail reaches it")


@router.post("/accounts", status_code=201, response_model=answers.Account, tags=["accounts"])
async def sign_up(body: SignUp, accounts: Accounts, address: Address) -> Response:
    """Make an account. 409 `email_taken`; 422 `invalid_email`, `weak_password`; 503 `region_unreachable`.

    A link and a code are mailed by which the address is verified; an `invitation` to the address verifies it at once.
    403 `sign_up_closed`, `invitation_required`, `invitation_not_valid`.
    """
    account = await accounts.sign_up(
        body.email, body.password, body.display_name, invitation=body.invitation, address=address
    )
    return json_response(account_json(account), 201)


@router.post(
    "/sessions",
    status_code=201,
    response_model=answers.LogIn,
    tags=["sessions"],
    responses={307: {"description": "To the home region"}},
)
async def log_in(
    body: LogIn, sessions: Sessions, address: Address, user_agent: Annotated[str | None, Header()] = None
) -> Response:
    """Log a device in. 401 `invalid_credentials`, 403 `account_suspended`, 429 after too many failures.

    307 to the home region of an account that has it elsewhere: send the same there.
    """
    device = device_name(body.device_name, user_agent)
    tokens = await sessions.log_in(body.email, body.password, device, address=address, device_token=body.device_token)
    return json_response(tokens_json(tokens) | {"device_token": tokens.device_token}, 201, NOT_KEPT)


@router.post("/sessions/refresh", response_model=answers.Tokens, tags=["sessions"])
async def refresh(body: Refresh, sessions: Sessions) -> Response:
    """New tokens for a refresh token, which works once: used again, it ends its session."""
    return json_response(tokens_json(await sessions.refresh(body.refresh_token)), headers=NOT_KEPT)


@router.get("/sessions", response_model=answers.SessionPage, tags=["sessions"])
async def list_sessions(sessions: Sessions, caller: Caller, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """Where the caller is logged in, newest first."""
    before = decode_cursor(cursor, str)[0] if cursor else ""
    page = await sessions.page(caller, before, limit + 1)
    items = [session_json(session, caller) for session in page[:limit]]
    return json_response({"items": items, "next_cursor": encode_cursor(page[limit - 1].id) if page[limit:] else None})


@router.delete("/sessions/current", status_code=204, tags=["sessions"])
async def log_out(sessions: Sessions, caller: Caller) -> None:
    """End the session of this token."""
    await sessions.end_current(caller)


@router.delete("/sessions/{session_id}", status_code=204, tags=["sessions"])
async def end_session(session_id: PathId, sessions: Sessions, caller: Caller) -> None:
    """Log another device out."""
    await sessions.end(caller, session_id)


@router.get("/me", response_model=answers.Me, tags=["accounts"])
async def me(request: Request, accounts: Accounts, caller: Caller) -> Response:
    """The caller's account and what it uses, in bytes."""
    account = await accounts.own(caller)
    usage = await request.app.state.quota.call("GET", f"/internal/accounts/{account.id}/usage")
    shown = {name: usage[name] for name in ("used", "reserved", "limit", "over_quota")}
    own = {"usage": shown, "self_service_plans": accounts.self_service_plans}
    return json_response(account_json(account) | own)


@router.patch("/me", response_model=answers.Account, tags=["accounts"])
async def update_me(body: OwnChange, accounts: Accounts, caller: Caller, address: Address) -> Response:
    """Change the name or, with `current_password`, the password, which logs every other device out."""
    return json_response(account_json(await accounts.update_own(caller, address, **body.model_dump())))


@router.put("/me/plan", response_model=answers.Account, tags=["accounts"])
async def choose_plan(body: PlanChoice, accounts: Accounts, caller: Caller) -> Response:
    """Change one's own plan; 403 `plans_not_self_service` unless that is switched on."""
    return json_response(account_json(await accounts.choose_plan(caller, body.plan)))


@router.get("/admin/accounts", response_model=answers.AccountPage, tags=["admin"])
async def list_accounts(
    accounts: Accounts,
    caller: Caller,
    q: Annotated[str, Query(max_length=MAX_EMAIL_CHARS, description="how the e-mail begins")] = "",
    plan: Plan | None = None,
    status: Status | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """All accounts by e-mail."""
    after = decode_cursor(cursor, str)[0] if cursor else ""
    page = await accounts.page(caller, Filter(q, plan, status), after, limit + 1)
    last = email_cursor(page[limit - 1]) if page[limit:] else None
    return json_response({"items": [account_json(account) for account in page[:limit]], "next_cursor": last})


@router.patch("/admin/accounts/{account_id}", response_model=answers.Account, tags=["admin"])
async def administer(account_id: PathId, body: AdminChange, accounts: Accounts, caller: Caller) -> Response:
    """Change plan, role or status, or vouch for the e-mail address.

    Suspending ends every session of the account, and closes its public links.
    """
    return json_response(account_json(await accounts.administer(caller, account_id, Change(**body.model_dump()))))


@internal_router.get("/keys", dependencies=[any_service()])
async def keys(request: Request) -> dict[str, Any]:
    """The public keys of access tokens, as a JWK set."""
    answer: dict[str, Any] = await request.app.state.keys.public_keys()
    return answer


@internal_router.get("/accounts/{account_id}", dependencies=[callers("indexer", "metadata", "quota")])
async def account(account_id: PathId, accounts: Accounts) -> Response:
    """One account with the revision of its last event."""
    found = await accounts.get(account_id)
    return json_response(account_json(found) | {"revision": found.revision})


def account_json(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "display_name": account.display_name,
        "plan": account.plan,
        "role": account.role,
        "status": account.status,
        "email_verified": account.email_verified,
        "home_region": account.home_region,
        "created_at": rfc3339(account.created_at),
    }


def tokens_json(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_type": "Bearer",
        "expires_in": tokens.expires_in,
        "account": account_json(tokens.account),
    }


def session_json(session: DeviceSession, caller: Principal) -> dict[str, Any]:
    return {
        "id": session.id,
        "device_name": shown_name(session.device),
        "created_at": rfc3339(session.created_at),
        "last_used_at": rfc3339(session.last_used_at),
        "expires_at": rfc3339(session.expires_at),
        "current": session.id == caller.session_id,
    }


def email_cursor(account: Account) -> str:
    return encode_cursor(email_key(account.email))


def install_refusals(app: FastAPI) -> None:
    """A broken rule is a 422 with the rule's code."""

    async def on_refusal(_: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return invalid(error.detail, error.code).response()

    app.add_exception_handler(Refusal, on_refusal)
