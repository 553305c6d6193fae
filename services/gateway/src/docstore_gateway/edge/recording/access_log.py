"""Access log: one line for each request. It writes to stderr itself, since the other logs take twice as long."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict

from docstore_platform.settings import InfraSettings
from docstore_platform.telemetry.logs import add_trace_ids

AccessLog = Callable[..., Any]


def _as_line(_: Any, __: str, event: EventDict) -> bytes:
    return orjson.dumps(event, default=str)


def open_access_log(infra: InfraSettings) -> AccessLog | None:
    """Return a writer at INFO in the format of the other logs; None if that level is off."""
    if logging.getLevelNamesMapping().get(infra.log_level.upper(), logging.INFO) > logging.INFO:
        return None
    if not infra.log_json:
        console: AccessLog = structlog.get_logger("docstore_gateway.access").info
        return console
    logger = structlog.wrap_logger(
        structlog.BytesLogger(sys.stderr.buffer),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_trace_ids,
            _as_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    write: AccessLog = logger.bind(logger="docstore_gateway.access", service="gateway").info
    return write
