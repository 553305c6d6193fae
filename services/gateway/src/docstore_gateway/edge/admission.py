"""Who may make a public call, and how often: login, cookie, CSRF token, rate limits."""

from starlette.types import Scope

from docstore_contracts.accounts import AccountsClient
from docstore_gateway.edge.authentication import Authenticator, Identity
from docstore_gateway.edge.client_ip import limit_group
from docstore_gateway.edge.limits.rate_limits import Policy, RateLimiter
from docstore_gateway.edge.requests import Exchange
from docstore_gateway.edge.routes import MUTATING, Limit, open_limit
from docstore_gateway.settings import GatewaySettings
from docstore_gateway.web.session import CSRF_HEADER, WebSessions, with_authorization
from docstore_platform.errors import DomainError
from docstore_platform.http.problems import problem_of
from docstore_platform.security.tokens import TokenVerifier

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND"})


class Admission:
    """Checks login and limits, and notes them in the exchange."""

    def __init__(
        self,
        settings: GatewaySettings,
        verifier: TokenVerifier,
        accounts: AccountsClient,
        limiter: RateLimiter,
        web: WebSessions,
    ) -> None:
        self._authenticator = Authenticator(verifier, accounts, self._spend_exchange)
        self._limiter = limiter
        self._web = web
        self._policies = {
            Limit.SIGN_UP: Policy.strict("sign_up", settings.sign_up_per_minute),
            Limit.LOG_IN: Policy.strict("log_in", settings.log_in_per_minute),
            Limit.REFRESH: Policy.strict("refresh", settings.refresh_per_minute),
            Limit.ANONYMOUS: Policy.cheap("anonymous", settings.anonymous_per_minute),
            Limit.ACCOUNT: Policy.cheap("account", settings.account_per_minute),
            Limit.EXCHANGE: Policy.cheap("exchange", settings.exchange_per_minute),
            Limit.DAV: Policy.cheap("dav", settings.dav_per_minute),
            Limit.PEER: Policy.cheap("peer", settings.peer_per_minute),
        }

    def with_cookie(self, exchange: Exchange, scope: Scope, path: str) -> Scope:
        """Return the request with the access token of the page's cookie, unless it has its own."""
        cookies = exchange.headers.get(b"cookie")
        if cookies is None or b"authorization" in exchange.headers or open_limit(exchange.method, path) is not None:
            return scope
        token = self._web.access_token(cookies)
        if token is None:
            return scope
        exchange.by_cookie = True
        exchange.headers[b"authorization"] = b"Bearer " + token.encode()
        return with_authorization(scope, token)

    async def admit(self, exchange: Exchange, path: str, scope: Scope) -> tuple[str, Scope]:
        """Check login and limits; return the caller for Idempotency-Keys, and the request with its access token."""
        limit = open_limit(exchange.method, path)
        if limit is not None:
            await self.spend(exchange, limit, limit_group(exchange.client))
            return f"address:{limit_group(exchange.client)}", scope
        identity = await self.identify(exchange)
        principal = identity.principal
        await self.spend(exchange, Limit.ACCOUNT, principal.account_id)
        if exchange.by_cookie and exchange.method in MUTATING:
            self._web.require_csrf(principal, exchange.headers.get(CSRF_HEADER))
        if principal.scopes is None:
            return f"account:{principal.account_id}", scope
        return f"token:{principal.session_id}", with_authorization(scope, identity.access_token)

    async def identify(self, exchange: Exchange) -> Identity:
        """Return who makes a request; 401 without valid credentials."""
        authorization = exchange.headers.get(b"authorization")
        identity = await self._authenticator.identify(
            authorization.decode("latin-1") if authorization else None, exchange.client
        )
        exchange.principal = identity.principal
        if identity.by_basic and exchange.method not in SAFE:
            self._web.require_same_origin(exchange.headers)
        return identity

    async def spend(self, exchange: Exchange, limit: Limit, who: str) -> None:
        """Count a call of `who`; 429 above the limit."""
        exchange.rate_limit = []  # an error has headers of its own
        exchange.rate_limit = await self._limiter.spend(self._policies[limit], who)

    def show_rest(self, exchange: Exchange, error: DomainError) -> None:
        """Add the rest of the caller's limit to a refusal that comes before any is spent, and spend nothing.

        A client renews an expired token after a 401, and several of its calls may get one at once. Counted by address,
        the clients of an office would use up the limit that they share and get 429, which tells none of them to renew.
        """
        if exchange.rate_limit or problem_of(error).status == 429:  # which has headers of its own
            return
        limit, who = Limit.ANONYMOUS, limit_group(exchange.client)
        if exchange.principal is not None:
            limit, who = Limit.ACCOUNT, exchange.principal.account_id
        exchange.rate_limit = self._limiter.rest(self._policies[limit], who)

    async def _spend_exchange(self, client: str) -> None:
        await self._limiter.spend(self._policies[Limit.EXCHANGE], limit_group(client))
