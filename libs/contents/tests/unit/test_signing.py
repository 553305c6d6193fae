"""Our signatures are botocore's, for any key, header and query a caller may come up with."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from docstore_contents.s3.presigned import Presigner, S3Config, attachment, object_headers
from docstore_contents.s3.signing import Credentials, Signer, encode_key, host_header
from docstore_platform.http.client_origins import ClientOrigins, client_at

NOW = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
BUCKET, REGION = "docstore-content", "us-west-2"
PLAIN = Credentials("docstoreaccess", "docstore/secret+key")
TEMPORARY = Credentials("docstoreaccess", "docstore/secret+key", "token/with+signs==")

keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda key: "${" not in key)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12).map("x{}".format)
endpoints = st.sampled_from(
    ["http://127.0.0.1:8333", "https://s3.example.com", "https://s3.example.com:443", "http://[::1]:80"]
)
credentials = st.sampled_from([PLAIN, TEMPORARY])


@pytest.fixture(autouse=True, scope="module")
def boto_time() -> Iterator[None]:
    """Botocore signs at the moment that our signer is given."""
    with (
        patch("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None)),
        patch("botocore.signers.get_current_datetime", lambda: NOW.replace(tzinfo=None)),
    ):
        yield


def signer(endpoint: str, who: Credentials = PLAIN) -> Signer:
    return Signer(endpoint, who, REGION, clock=lambda: NOW)


def boto_credentials(who: Credentials) -> BotoCredentials:
    return BotoCredentials(who.access_key_id, who.secret_access_key, who.session_token)


@given(
    endpoint=endpoints,
    who=credentials,
    method=st.sampled_from(["GET", "HEAD", "PUT"]),
    key=keys,
    query=st.dictionaries(names, printable, max_size=3),
    headers=st.dictionaries(names, printable, max_size=3),
    expires_in=st.integers(1, 604800),
)
def test_presigned_urls_equal_botocores(
    endpoint: str,
    who: Credentials,
    method: str,
    key: str,
    query: dict[str, str],
    headers: dict[str, str],
    expires_in: int,
) -> None:
    """The same URL, but for the order of the query's parameters."""
    path = f"/{BUCKET}/{encode_key(key)}"
    ours = signer(endpoint, who).presign(method, path, expires_in=expires_in, query=query, headers=headers)
    request = AWSRequest(method, endpoint + path, headers=headers, params=query)
    botocore.auth.S3SigV4QueryAuth(boto_credentials(who), "s3", REGION, expires_in).add_auth(request)
    theirs = urlsplit(request.url)
    assert parse_qs(urlsplit(ours).query) == parse_qs(theirs.query)
    assert urlsplit(ours).path == theirs.path


@given(
    endpoint=endpoints,
    who=credentials,
    method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]),
    key=keys,
    query=st.dictionaries(names, printable, max_size=3),
    headers=st.dictionaries(names, printable, max_size=3),
    body=st.binary(max_size=50),
)
def test_signed_headers_equal_botocores(
    endpoint: str,
    who: Credentials,
    method: str,
    key: str,
    query: dict[str, str],
    headers: dict[str, str],
    body: bytes,
) -> None:
    """The same Authorization header for a request with a signed body."""
    path = f"/{BUCKET}/{encode_key(key)}"
    request = AWSRequest(method, endpoint + path, headers=headers, params=query, data=body)
    botocore.auth.S3SigV4Auth(boto_credentials(who), "s3", REGION).add_auth(request)
    url, ours = signer(endpoint, who).sign(
        method, path, payload_sha256=request.headers["X-Amz-Content-SHA256"], query=query, headers=headers
    )
    theirs = {name.lower(): value for name, value in request.headers.items()}
    assert ours == theirs
    assert {name: values[0] for name, values in parse_qs(urlsplit(url).query, True).items()} == query


@given(endpoint=endpoints, who=credentials, key=keys, metadata=st.dictionaries(names, printable, max_size=3))
def test_post_forms_equal_botocores(endpoint: str, who: Credentials, key: str, metadata: dict[str, str]) -> None:
    """Field for field the same form, the policy among them, once its conditions are put in our order."""
    fields = {f"x-amz-meta-{name}": value for name, value in metadata.items()}
    limits: list[str | int] = ["content-length-range", 1, 1000]
    form = signer(endpoint, who).presign_post(BUCKET, key, expires_in=600, fields=fields, conditions=[limits])
    policy = json.loads(base64.b64decode(form["policy"]))
    request = AWSRequest("POST", f"{endpoint}/{BUCKET}")
    request.context["s3-presign-post-fields"] = {**fields, "key": key}
    given_conditions = [limits, {"bucket": BUCKET}, *({name: value} for name, value in fields.items())]
    request.context["s3-presign-post-policy"] = {
        "expiration": policy["expiration"],
        "conditions": [*given_conditions, {"key": key}],
    }
    botocore.auth.S3SigV4PostAuth(boto_credentials(who), "s3", REGION).add_auth(request)
    assert form == request.context["s3-presign-post-fields"]
    assert policy["expiration"] == "2026-11-22T00:09:59Z"


ENDPOINT, KEY = "http://127.0.0.1:8333", "accounts/ü 1/+&=/content"
SHA256 = "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
SHA256_HEADER = "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="
PRESIGNER = Presigner(
    S3Config(ENDPOINT, ENDPOINT, REGION, PLAIN.access_key_id, PLAIN.secret_access_key, BUCKET), lambda: NOW
)


@pytest.mark.parametrize(
    ("ours", "operation", "parameters"),
    [
        (
            PRESIGNER.presign_get(KEY, filename="ä.pdf", content_type="application/pdf", expires_in=60),
            "get_object",
            {
                "ResponseContentDisposition": attachment("ä.pdf"),
                "ResponseContentType": "application/pdf",
            },
        ),
        (
            PRESIGNER.presign_put(
                KEY, size=11, content_type="text/plain", sha256=SHA256, metadata={"a": "b"}, expires_in=60
            ).url,
            "put_object",
            {
                "ContentLength": 11,
                "ContentType": "text/plain",
                "ChecksumSHA256": SHA256_HEADER,
                "Metadata": {"a": "b"},
            },
        ),
        (
            PRESIGNER.presign_part(KEY, "upload+id", 7, size=11, expires_in=60),
            "upload_part",
            {"UploadId": "upload+id", "PartNumber": 7, "ContentLength": 11},
        ),
    ],
)
def test_client_urls_equal_boto3s(ours: str, operation: str, parameters: dict[str, Any]) -> None:
    """What a boto3 client presigns for a download, an upload and a part is what we issue."""
    client = boto3.session.Session().client(
        "s3",
        region_name=REGION,
        endpoint_url=ENDPOINT,
        aws_access_key_id=PLAIN.access_key_id,
        aws_secret_access_key=PLAIN.secret_access_key,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
        ),
    )
    theirs = client.generate_presigned_url(operation, Params={"Bucket": BUCKET, "Key": KEY, **parameters}, ExpiresIn=60)
    assert parse_qs(urlsplit(ours).query) == parse_qs(urlsplit(theirs).query)
    assert urlsplit(ours).path == urlsplit(theirs).path


def test_a_days_key_is_not_used_on_the_next_day() -> None:
    """The cached signing key goes with the day in the clock, not with the day it was made."""
    moment = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
    clock = iter([moment, datetime(2026, 11, 22, tzinfo=UTC), moment])
    ours = Signer(ENDPOINT, PLAIN, REGION, clock=lambda: next(clock))
    first, next_day, again = (ours.presign("GET", "/b/k", expires_in=60) for _ in range(3))
    assert first == again != next_day
    assert "20261122%2Fus-west-2" in next_day


@pytest.mark.parametrize("value", ["a\r\nx-amz-acl: public-read", "a\nb", "a\0b", "a\x7fb"])
def test_control_characters_in_a_header_are_refused(value: str) -> None:
    """No one adds a header, or a line, by way of a value."""
    with pytest.raises(ValueError, match="control characters"):
        signer(ENDPOINT).presign("PUT", "/b/k", expires_in=60, headers={"x-amz-meta-a": value})
    with pytest.raises(ValueError, match="printable ASCII"):
        object_headers(value)
    with pytest.raises(ValueError, match="printable ASCII"):
        object_headers("text/plain", metadata={"a": value})


@pytest.mark.parametrize("name", ["a b", "a:b", "ä", "", "a\r\nb"])
def test_metadata_names_are_header_names(name: str) -> None:
    """A metadata name that no header may have is refused."""
    with pytest.raises(ValueError, match="printable ASCII"):
        object_headers("text/plain", metadata={name: "x"})


@pytest.mark.parametrize("expires_in", [0, -1, 604801])
def test_expiry_outside_what_s3_takes_is_refused(expires_in: int) -> None:
    """A URL is good for a second to seven days."""
    with pytest.raises(ValueError, match="expires_in"):
        signer(ENDPOINT).presign("GET", "/b/k", expires_in=expires_in)


def test_a_form_whose_key_the_browser_could_choose_is_refused() -> None:
    """S3 puts the file's own name for ${filename}: such a key would not be fixed."""
    with pytest.raises(ValueError, match="filename"):
        signer(ENDPOINT).presign_post(BUCKET, "a/${filename}", expires_in=60)


@given(filename=st.text(max_size=60))
def test_a_filename_never_leaves_its_quotes(filename: str) -> None:
    """Any name gives one printable ASCII header, always an attachment; a decent name comes back whole."""
    header = attachment(filename)
    assert header.isascii()
    assert header.isprintable()
    assert header.startswith('attachment; filename="')
    assert header.count('"') == 2
    assert "\\" not in header
    extended = unquote(header.rpartition("filename*=UTF-8''")[2])
    if filename.isprintable() and filename and not set(filename) & set('/\\"'):
        assert extended == filename
    assert extended.isprintable()


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("http://127.0.0.1:8333", "127.0.0.1:8333"),
        ("https://S3.Example.com:443", "s3.example.com"),
        ("http://[::1]:9000", "[::1]:9000"),
        ("http://s3:80", "s3"),
    ],
)
def test_host_is_what_clients_send(endpoint: str, host: str) -> None:
    """The signed Host leaves out the scheme's default port, as every HTTP client does."""
    assert host_header(endpoint) == host


def test_secrets_do_not_show() -> None:
    """Neither secret nor token gets into a log by way of repr."""
    config = S3Config("http://a", "", REGION, "id", "s3cr3t", BUCKET, session_token="t0k3n")
    shown = repr(config) + repr(Credentials("id", "s3cr3t", "t0k3n"))
    assert "s3cr3t" not in shown
    assert "t0k3n" not in shown


def test_urls_name_the_store_that_the_client_uses() -> None:
    """The signature is of that host, too; a replica's address is never replaced."""
    config = S3Config("http://s3", "http://public", REGION, "id", "secret", BUCKET, follows_client=True)
    with client_at(ClientOrigins("https://here", "https://192.168.1.5:8444")):
        here = Presigner(config, lambda: NOW).presign_put("k", size=1, content_type="a/b", expires_in=60).url
        replica = Presigner(replace(config, follows_client=False), lambda: NOW)
        there = replica.presign_put("k", size=1, content_type="a/b", expires_in=60).url
    signed = replace(config, public_endpoint="https://192.168.1.5:8444", follows_client=False)
    assert here == Presigner(signed, lambda: NOW).presign_put("k", size=1, content_type="a/b", expires_in=60).url
    assert there.startswith("http://public/")
