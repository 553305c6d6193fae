"""URLs of a CDN open one object, as one file name, until they expire."""

from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from edge_cache import Refused, check_cookies, check_signature

from docstore_contents.s3.cdn import Cdn
from docstore_contents.s3.presigned import Presigner, S3Config, attachment
from docstore_platform.settings import InfraSettings

NOW = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
URL, KEY_ID = "https://d1.cloudfront.net", "K2JCJMDEHXQW5F"
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KINDS = ("rsa", "p-256")


@cache
def new_key(kind: str) -> PrivateKey:
    """Made when a test needs it: an RSA key takes as long as many tests."""
    return rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())


def pem(key: PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def presigner(key: PrivateKey) -> Presigner:
    cdn = Cdn(URL, KEY_ID, pem(key))
    return Presigner(S3Config("http://s3", "", "us-west-2", "id", "secret", "contents", cdn=cdn), lambda: NOW)


def signed(key: PrivateKey, object_key: str = "accounts/ü 1/+&=/content") -> str:
    return presigner(key).presign_get(object_key, filename="ä b.pdf", content_type="application/pdf", expires_in=60)


@pytest.mark.parametrize("kind", KINDS)
def test_a_url_is_valid_for_its_object_name_and_time(kind: str) -> None:
    """The edge accepts it unchanged, and asks the bucket for exactly what was signed."""
    key = new_key(kind)
    url, public = signed(key), key.public_key()
    resource = check_signature(url, public, KEY_ID, NOW.timestamp())
    parts = urlsplit(resource)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{URL}/accounts/%C3%BC%201/%2B%26%3D/content"
    assert parse_qs(parts.query) == {
        "response-content-disposition": [attachment("ä b.pdf")],
        "response-content-type": ["application/pdf"],
    }
    with pytest.raises(Refused, match="Expired"):
        check_signature(url, public, KEY_ID, (NOW + timedelta(seconds=60)).timestamp())
    changes = {"/content?": "/other?", "Expires=": "Expires=9", "application": "text", KEY_ID: "K0", "Signature": "S"}
    for old, new in changes.items():
        with pytest.raises(Refused):
            check_signature(url.replace(old, new), public, KEY_ID, NOW.timestamp())
    with pytest.raises(Refused, match="Access denied"):
        check_signature(url, ec.generate_private_key(ec.SECP256R1()).public_key(), KEY_ID, NOW.timestamp())


@pytest.mark.parametrize("kind", KINDS)
def test_cookies_are_valid_below_their_prefix_until_they_expire(kind: str) -> None:
    """For whatever query; not for a prefix that begins alike, nor with another key."""
    key = new_key(kind)
    given = presigner(key).cookies("accounts/a*/", expires_in=60)
    assert given is not None
    assert (given.prefix, given.expires_at) == (f"{URL}/accounts/a%2A/", NOW + timedelta(seconds=60))
    allowed, public = f"{given.prefix}uploads/u/content?response-content-type=a%2Fb", key.public_key()
    assert check_cookies(allowed, given.cookies, public, KEY_ID, NOW.timestamp()) == allowed
    for refused in (f"{URL}/accounts/a%2Ab/content", f"{URL}/accounts/ab/content", f"{URL}/previews/a%2A/content"):
        with pytest.raises(Refused, match="Access denied"):
            check_cookies(refused, given.cookies, public, KEY_ID, NOW.timestamp())
    with pytest.raises(Refused, match="Expired"):
        check_cookies(allowed, given.cookies, public, KEY_ID, (NOW + timedelta(seconds=60)).timestamp())
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(Refused, match="Access denied"):
        check_cookies(allowed, given.cookies, stranger, KEY_ID, NOW.timestamp())
    assert (
        Presigner(S3Config("http://s3", "", "us-west-2", "id", "secret", "contents")).cookies("a/", expires_in=1)
        is None
    )


def test_only_downloads_of_contents_and_previews_go_through_the_cdn() -> None:
    """Uploads go to the store, and so do the operators' archives."""
    signer = presigner(new_key("p-256"))
    assert signed(new_key("p-256"), "previews/a/b/small.webp").startswith(f"{URL}/previews/")
    assert signed(new_key("p-256"), "archive/a.parquet").startswith("http://s3/contents/archive/")
    put = signer.presign_put("accounts/a", size=1, content_type="text/plain", expires_in=60)
    assert put.url.startswith("http://s3/contents/accounts/a?")


def test_the_settings_name_a_whole_cdn() -> None:
    """A key may have its lines joined; without its id, of another kind, or for a path, nothing starts."""
    joined = pem(new_key("p-256")).replace("\n", "\\n")
    settings = InfraSettings(cdn_url=URL, cdn_key_id=KEY_ID, cdn_private_key=joined)
    url = Presigner(S3Config.of(settings)).presign_get("accounts/a", filename="a", content_type="a/b", expires_in=60)
    assert url.startswith(f"{URL}/accounts/a?")
    assert "PRIVATE" not in repr(settings) + repr(S3Config.of(settings))
    assert S3Config.of(InfraSettings(cdn_url=URL)).cdn is None
    with pytest.raises(ValueError, match="cdn_key_id"):
        InfraSettings(cdn_url=URL, cdn_private_key=joined)
    with pytest.raises(ValueError, match="cdn_url"):
        InfraSettings(cdn_url=f"{URL}/files")
    with pytest.raises(ValueError, match="P-256"):
        presigner(rsa.generate_private_key(65537, 1024))
