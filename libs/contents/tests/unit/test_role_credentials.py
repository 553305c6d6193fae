"""Keys of a role: had from where AWS puts them, renewed before they end, and never used after."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials as BotoCredentials
from botocore.credentials import RefreshableCredentials
from role_endpoints import RoleKeys, container_endpoint, web_identity_endpoint

from docstore_contents.s3.role_credentials import CredentialsUnavailable, RoleCredentials
from docstore_contents.s3.signing import Credentials, Signer
from docstore_platform.testing import eventually

ROLE = "arn:aws:iam::111122223333:role/docstore-upload"
HOUR = timedelta(hours=1)


def keys(name: str, life: timedelta = HOUR) -> RoleKeys:
    return RoleKeys(name, f"{name}-secret", f"{name}-token", datetime.now(UTC) + life)


@pytest.fixture(autouse=True)
def nothing_of_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No keys, no profile, and no machine to ask."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


class Chain:
    """Finds the given keys."""

    def __init__(self, *lives: timedelta) -> None:
        self.lives = list(lives)
        self.asked = 0

    def __call__(self) -> Any:
        if not self.lives:
            return None
        self.asked += 1
        name, ends_at = f"key-{self.asked}", datetime.now(UTC) + self.lives.pop(0)
        made = {"access_key": name, "secret_key": f"{name}-secret", "token": f"{name}-token"}
        again = {**made, "expiry_time": ends_at.isoformat()}
        return RefreshableCredentials(*made.values(), ends_at, lambda: again, "test")


def test_a_container_has_the_keys_of_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    """ECS and EKS Pod Identity: an address in the environment answers with them."""
    with container_endpoint(keys("ASIATASK")) as endpoint:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url)
        assert RoleCredentials()() == Credentials("ASIATASK", "ASIATASK-secret", "ASIATASK-token")


def test_a_service_account_has_the_keys_of_its_role(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """IRSA: a token file and a role's name in the environment, exchanged at STS."""
    token = tmp_path / "token"
    token.write_text("a-signed-token")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    with web_identity_endpoint(keys("ASIAPOD")) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        assert RoleCredentials()() == Credentials("ASIAPOD", "ASIAPOD-secret", "ASIAPOD-token")
    (asked,) = sts.requested
    assert (asked["RoleArn"], asked["WebIdentityToken"]) == (ROLE, "a-signed-token")


def test_without_keys_and_without_a_role_there_is_a_clear_error() -> None:
    """A service that can't sign ends at its start, with what to do about it."""
    with pytest.raises(CredentialsUnavailable, match="DOCSTORE_S3_ACCESS_KEY_ID"):
        RoleCredentials()()


async def test_keys_are_renewed_half_an_hour_before_they_end() -> None:
    """So a URL signed at any time is good for half an hour at least."""
    chain = Chain(timedelta(minutes=29))
    role = RoleCredentials(chain, poll_seconds=0.01)
    assert role().access_key_id == "key-1"
    chain.lives += [HOUR, HOUR]

    async def renewed() -> bool:
        return role().access_key_id == "key-2"

    await eventually(renewed)
    assert chain.asked == 2


async def test_keys_that_cant_be_renewed_are_used_to_their_end_and_no_longer() -> None:
    """An outage of STS is nothing until then; after it signing fails, and recovers by itself."""
    chain = Chain(timedelta(seconds=1))
    role = RoleCredentials(chain, poll_seconds=0.01)
    assert role().access_key_id == "key-1"

    async def ended() -> bool:
        try:
            return role().access_key_id != "key-1"
        except CredentialsUnavailable:
            return True

    await eventually(ended)
    chain.lives.append(HOUR)

    async def recovered() -> bool:
        try:
            return role().access_key_id == "key-2"
        except CredentialsUnavailable:
            return False

    await eventually(recovered)


def test_keys_without_an_expiry_are_fetched_once() -> None:
    """Plain keys of the environment or a profile."""
    asked = []

    def find() -> Any:
        asked.append(1)
        return BotoCredentials("AKIA", "secret")

    role = RoleCredentials(find)
    assert [role(), role()] == [Credentials("AKIA", "secret")] * 2
    assert len(asked) == 1


def test_a_signer_signs_by_the_keys_of_the_moment() -> None:
    """Keys that are renewed need no new signer."""
    held = Credentials("first", "secret", "first-token")
    signer = Signer("https://s3.example.com", lambda: held, "us-west-2")
    assert "Credential=first/" in signer.sign("GET", "/b/k", payload_sha256="-")[1]["authorization"]
    held = replace(held, access_key_id="second", session_token="second-token")
    assert "X-Amz-Security-Token=second-token" in signer.presign("GET", "/b/k", expires_in=60)
    assert signer.presign_post("b", "k", expires_in=60)["x-amz-credential"].startswith("second/")
