"""Settings for a stack whose callers all come from one address."""

MANY_CALLERS = {
    "GATEWAY_SIGN_UP_PER_MINUTE": "100000",
    "GATEWAY_LOG_IN_PER_MINUTE": "100000",
    "GATEWAY_ANONYMOUS_PER_MINUTE": "100000",
    "GATEWAY_ACCOUNT_PER_MINUTE": "1000000",
    "ACCOUNTS_ARGON2_MEMORY_KIB": "64",
    "ACCOUNTS_ARGON2_PASSES": "1",
}
"""Rate limits that no test reaches, and password hashes that cost little. The limits are tested beside the gateway."""
