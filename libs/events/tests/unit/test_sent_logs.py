"""Detection of a lost log by its producer."""

import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from docstore_events.outbox.sent_logs import existing_partitions

FILES = {"error_code": 0, "topic": "files", "partitions": [{"partition": 0}, {"partition": 1}]}


def test_only_an_unknown_topic_has_no_partitions() -> None:
    """A log that is unreachable is not lost: otherwise all its events would be republished for nothing."""
    gone = {"error_code": 3, "topic": "shares", "partitions": []}
    assert existing_partitions([FILES, gone]) == {"files": {0, 1}, "shares": set()}
    forbidden = {"error_code": 29, "topic": "shares", "partitions": []}
    with pytest.raises(TopicAuthorizationFailedError):
        existing_partitions([FILES, forbidden])
