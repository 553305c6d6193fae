"""Rotated secrets: a setting lists them by commas; the first signs, all verify."""

from pydantic import SecretStr

from docstore_platform.settings import InfraSettings


def secret_list(variable: str, setting: SecretStr, infra: InfraSettings) -> tuple[str, ...]:
    """Return the secrets of one purpose, the signing one first.

    The shared secret of the previous version comes last while it is set, so that its signatures stay valid. ValueError
    if there is none at all, since anyone could sign then.
    """
    own = [secret.strip() for secret in setting.get_secret_value().split(",")]
    found = tuple(secret for secret in (*own, infra.internal_secret.get_secret_value()) if secret)
    if not found:
        raise ValueError(f"{variable} is not set: give it a random secret (openssl rand -hex 32)")
    return found
