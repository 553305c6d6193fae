"""Setting names of the release before, by the prefix of their environment variables.

They work in this release, with a warning; the next one drops them.
"""

from collections.abc import Mapping
from typing import Final

OLD_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "DOCSTORE_": {
        "idle_park_ms": "idle_interval_ms",
        "outbox_poll_ms": "outbox_interval_ms",
    },
    "ACCOUNTS_": {
        "access_token_seconds": "access_token_lifetime_seconds",
        "session_seconds": "session_lifetime_seconds",
        "key_rotation_seconds": "key_rotation_interval_seconds",
        "login_failure_seconds": "login_failure_window_seconds",
        "reset_poll_seconds": "reset_interval_seconds",
        "invitations_a_day": "invitations_per_day",
        "invitations_to_address_a_day": "invitations_to_address_per_day",
        "peer_call_seconds": "peer_timeout_seconds",
        "replication_retry_seconds": "replication_retry_delay_seconds",
        "replication_poll_seconds": "replication_interval_seconds",
    },
    "ANALYTICS_": {
        "linger_seconds": "linger_delay_seconds",
        "sweep_seconds": "sweep_interval_seconds",
        "segment_seconds": "segment_delay_seconds",
        "audit_segment_seconds": "audit_segment_delay_seconds",
        "child_memory": "child_memory_bytes",
        "child_seconds": "child_timeout_seconds",
    },
    "GATEWAY_": {
        "connect_seconds": "connect_timeout_seconds",
        "answer_seconds": "answer_timeout_seconds",
        "idempotency_hours": "idempotency_lifetime_hours",
        "heartbeat_seconds": "heartbeat_interval_seconds",
        "journal_check_seconds": "journal_check_interval_seconds",
    },
    "INDEXER_": {
        "commit_ms": "commit_interval_ms",
        "opensearch_refresh_ms": "opensearch_refresh_interval_ms",
        "poll_seconds": "poll_interval_seconds",
        "worker_idle_seconds": "worker_idle_timeout_seconds",
        "seconds": "document_timeout_seconds",
    },
    "MEDIA_": {
        "preview_seconds": "preview_url_lifetime_seconds",
        "poll_seconds": "poll_interval_seconds",
        "worker_idle_seconds": "worker_idle_timeout_seconds",
        "seconds": "picture_timeout_seconds",
    },
    "METADATA_": {
        "cold_poll_seconds": "cold_interval_seconds",
        "retention_poll_seconds": "retention_interval_seconds",
        "download_seconds": "download_url_lifetime_seconds",
        "job_poll_ms": "job_interval_ms",
        "link_failure_seconds": "link_failure_window_seconds",
        "link_sweep_seconds": "link_interval_seconds",
    },
    "NOTIFY_": {
        "digest_seconds": "digest_interval_seconds",
        "upload_quiet_seconds": "upload_quiet_delay_seconds",
        "give_up_seconds": "give_up_after_seconds",
        "max_texts_a_day": "max_texts_per_day",
        "max_tests_an_hour": "max_tests_per_hour",
        "poll_seconds": "poll_interval_seconds",
        "send_seconds": "send_timeout_seconds",
        "webhook_seconds": "webhook_timeout_seconds",
    },
    "QUOTA_": {
        "sweep_seconds": "sweep_interval_seconds",
        "reconcile_seconds": "reconcile_interval_seconds",
        "drift_confirm_seconds": "drift_confirm_delay_seconds",
    },
    "UPLOAD_": {
        "expiry_seconds": "lifetime_seconds",
        "multipart_expiry_seconds": "multipart_lifetime_seconds",
        "open_form_expiry_seconds": "open_form_lifetime_seconds",
        "credentials_seconds": "credentials_lifetime_seconds",
        "block_url_seconds": "block_url_lifetime_seconds",
        "unsized_seconds": "unsized_interval_seconds",
        "unclaimed_sweep_seconds": "unclaimed_interval_seconds",
        "stray_page_seconds": "stray_page_delay_seconds",
        "stray_pass_seconds": "stray_pass_delay_seconds",
        "poll_seconds": "poll_interval_seconds",
        "check_first_seconds": "check_first_delay_seconds",
        "check_longest_seconds": "check_longest_delay_seconds",
        "commit_retry_seconds": "commit_retry_delay_seconds",
        "sweep_seconds": "sweep_delay_seconds",
        "settle_first_seconds": "settle_first_delay_seconds",
        "settle_longest_seconds": "settle_longest_delay_seconds",
    },
}
