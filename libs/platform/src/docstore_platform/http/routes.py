"""Prefixes of the routes of a service. A router names its own: `APIRouter(prefix=PUBLIC_PREFIX)`.

FastAPI's `include_router` with a prefix would build every route twice and search it twice for each request.
"""

PUBLIC_PREFIX = "/v1"
"""Clients call these through the gateway; each checks the access token."""
INTERNAL_PREFIX = "/internal"
"""Services call these; each declares the allowed callers."""
