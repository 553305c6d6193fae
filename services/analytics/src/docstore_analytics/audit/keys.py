"""Keys that sign the audit log's chain: from the settings, or derived from a shared secret."""

import hashlib
import hmac

from docstore_analytics.settings import AnalyticsSettings
from docstore_platform.security.secret_list import secret_list


def chain_keys(settings: AnalyticsSettings) -> list[bytes]:
    """Return the signing key, then those that only verify: as configured, and as derived from a shared secret."""
    first, *older = secret_list("ANALYTICS_AUDIT_KEY", settings.audit_key, settings.infra)
    own = bool(settings.audit_key.get_secret_value())
    keys = [first.encode() if own else derived_from_shared_secret(first)]
    for secret in older:
        keys += [secret.encode(), derived_from_shared_secret(secret)]
    return keys


def derived_from_shared_secret(secret: str) -> bytes:
    """Return the key of a chain that began without a key of its own."""
    return hmac.new(secret.encode(), b"docstore audit log", hashlib.sha256).digest()
