"""Ports for the gateways of stacks that tests start."""

import random

from docstore_standalone.ports import is_free


def free_gateway_port() -> int:
    """Return one below those of outgoing connections, which come and go, and of servers; runs side by side differ."""
    return next(port for port in iter(lambda: random.randrange(10_000, 20_000), None) if is_free(port))
