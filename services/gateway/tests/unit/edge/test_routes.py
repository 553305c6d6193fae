"""Routes by path, and unknown paths."""

from importlib.resources import files

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openapi_document import operations

from docstore_gateway.edge.allowed_methods import allowed_methods
from docstore_gateway.edge.routes import Limit, clean_path, find_route, ignores_key, open_limit
from docstore_platform.errors import DomainError
from docstore_platform.http.body_limits import UNAUTHENTICATED_BYTES, body_limit
from docstore_platform.http.problems import problem_of


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/v1/accounts", "accounts"),
        ("/v1/sessions/refresh", "accounts"),
        ("/v1/me/plan", "accounts"),
        ("/v1/me/retention", "metadata"),
        ("/v1/me/sharing", "metadata"),
        ("/v1/share-invitations/s1/accept", "metadata"),
        ("/v1/blocked-people/eve@example.org", "metadata"),
        ("/v1/files/7/versions/2/restore", "metadata"),
        ("/v1/files/7/preview", "media"),
        ("/v1/files/7/media", "media"),
        ("/v1/files/preview", "metadata"),
        ("/v1/files/7/preview/8", "metadata"),
        ("/v1/trash", "metadata"),
        ("/v1/links/abc/open", "metadata"),
        ("/l/abc", "metadata"),
        ("/v1/uploads/7/redirect", "upload"),
        ("/v1/search", "indexer"),
        ("/v1/notifications/read", "notify"),
        ("/v1/admin/accounts/7", "accounts"),
        ("/v1/admin/search/rebuild", "indexer"),
        ("/v1/admin/overview", "quota"),
        ("/v1/admin/dead-letters", "gateway"),
        ("/v1/admin/events/republish", "gateway"),
    ],
)
def test_a_path_goes_to_the_service_with_the_longest_prefix(path: str, owner: str) -> None:
    """Each area of the API has one owner."""
    assert find_route(path).owner == owner


@pytest.mark.parametrize("path", ["/v1", "/v1/admin", "/v1/filesystem", "/v2/files", "/internal/keys", "/v1/nothing"])
def test_other_paths_lead_nowhere(path: str) -> None:
    """A prefix covers whole segments only, and nothing outside the table is passed on."""
    with pytest.raises(DomainError) as caught:
        find_route(path)
    assert problem_of(caught.value).status == 404


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (b"/v1/files", "/v1/files"),
        (b"/v1/files/", "/v1/files"),
        (b"//v1///files//7", "/v1/files/7"),
        (b"/v1/files/a%20b", "/v1/files/a%20b"),
        (b"/v1/links/abc.def", "/v1/links/abc.def"),
    ],
)
def test_a_path_is_passed_on_clean(raw: bytes, clean: str) -> None:
    """Doubled and final slashes make no difference."""
    assert clean_path(raw) == clean


@pytest.mark.parametrize(
    "raw",
    [
        b"/v1/files/../../internal/keys",
        b"/v1/files/%2e%2e/%2E%2E/internal/keys",
        b"/v1/files/..%2finternal",
        b"/v1/files/%252e%252e/internal",
        b"/v1/files/a%252fb",
        b"/v1/files/.",
        b"/v1/files\\..\\internal",
        b"/v1/files/%5c..%5cinternal",
        b"/v1/files/%00",
        b"/v1/files/%ff",
        b"/v1/files/\xc3\xa4",
        b"/v1/files/a%0d%0ab",
    ],
)
def test_a_path_with_something_hidden_is_refused(raw: bytes) -> None:
    """Encoded separators, dots and control characters have no meaning here that a service could take otherwise."""
    with pytest.raises(DomainError) as caught:
        clean_path(raw)
    assert problem_of(caught.value).status == 404


@given(st.lists(st.sampled_from(["v1", "files", "..", ".", "%2e", "%2f", "internal", "", "%5c", "%25"]), max_size=8))
@example(["v1", "files", "%2e%2e", "internal"])
def test_no_path_leaves_its_area(segments: list[str]) -> None:
    """Whatever is put together: what is routed has no step upwards left in it."""
    try:
        path = clean_path(("/" + "/".join(segments)).encode())
        route = find_route(path)
    except DomainError:
        return
    assert path.startswith(route.prefix)
    assert ".." not in path
    assert "%2e" not in path
    assert "%2f" not in path


def test_only_the_way_in_needs_no_login() -> None:
    """Signing up, logging in, refreshing, the form's redirect and what a link's token opens are open; nothing else."""
    assert open_limit("POST", "/v1/accounts") is Limit.SIGN_UP
    assert open_limit("POST", "/v1/sessions") is Limit.LOG_IN
    assert open_limit("POST", "/v1/sessions/refresh") is Limit.REFRESH
    assert open_limit("GET", "/v1/uploads/7/redirect") is Limit.ANONYMOUS
    assert open_limit("GET", "/v1/unsubscribe") is open_limit("POST", "/v1/unsubscribe") is Limit.ANONYMOUS
    assert open_limit("GET", "/v1/links/abc/content") is open_limit("POST", "/l/abc") is Limit.ANONYMOUS
    closed = [
        ("GET", "/v1/links"),
        ("POST", "/v1/files/7/links"),
        ("GET", "/v1/accounts"),
        ("GET", "/v1/sessions"),
        ("POST", "/v1/uploads/7/redirect"),
    ]
    closed += [("GET", "/v1/uploads/7"), ("GET", "/v1/uploads/7/8/redirect"), ("GET", "/v1/files/7/redirect")]
    assert [open_limit(*call) for call in closed] == [None] * len(closed)


def test_answers_with_a_secret_are_known() -> None:
    """They must not be kept for repeated calls."""
    assert ignores_key("/v1/sessions")
    assert ignores_key("/v1/sessions/refresh")
    assert ignores_key("/v1/blocks/missing")
    assert not ignores_key("/v1/files/7/links")
    assert ignores_key("/v1/links/abc/open")
    assert not ignores_key("/v1/files/7/links/8")
    assert not ignores_key("/v1/sessionsomething")
    assert not ignores_key("/v1/uploads")


def test_a_call_without_login_has_the_smallest_body() -> None:
    """Every operation that the description shows as open that takes a body is in the table of limits."""
    document = orjson.loads(files("docstore_gateway").joinpath("openapi.json").read_bytes())
    takes_body = [path for _, path, operation in operations(document) if "requestBody" in operation]
    open_paths = [path for path in takes_body if open_limit("POST", path) is not None]
    assert open_paths
    assert [path for path in open_paths if body_limit(path) > UNAUTHENTICATED_BYTES] == []


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/me", "GET, PATCH"),
        ("/v1/files/7", "DELETE, GET, PATCH"),
        ("/v1/files/by-path", "GET"),
        ("/v1/compare", "POST"),
        ("/v1/none", ""),
    ],
)
def test_a_path_names_its_own_methods(path: str, methods: str) -> None:
    """In `Allow` of a 405."""
    assert allowed_methods(path) == methods
