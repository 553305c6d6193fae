"""Records each call once it is answered: in the metrics, the access log and, if it belongs there, the audit log."""

from docstore_gateway.dav.service import is_change
from docstore_gateway.edge.recording.access_log import AccessLog
from docstore_gateway.edge.recording.call_log import CallLog, is_audited
from docstore_gateway.edge.requests import Exchange
from docstore_gateway.edge.routes import DAV_ROUTE
from docstore_platform.telemetry.logs import loggable_path
from docstore_platform.telemetry.metrics import http_seconds


class CallRecorder:
    """Records calls of one gateway. `access_log`: None if it is off."""

    def __init__(self, call_log: CallLog, access_log: AccessLog | None) -> None:
        self._call_log = call_log
        self._access_log = access_log

    def record(self, exchange: Exchange, path: str, seconds: float, *, public: bool) -> None:
        """Record an answered request. `public`: its path belongs to a service's public API."""
        if not exchange.own:
            http_seconds.observe("gateway", exchange.method, exchange.route, exchange.status, seconds)
        if not public and exchange.route != DAV_ROUTE:
            return
        self.audit(exchange, path, exchange.status)
        if self._access_log is not None:
            self._access_log(
                "request",
                request_id=exchange.request_id.decode(),
                method=exchange.method,
                path=loggable_path(path),
                status=exchange.status,
                ms=round(seconds * 1000, 2),
                client=exchange.client,
                account=exchange.account,
            )

    def audit(self, exchange: Exchange, path: str, status: int) -> None:
        """Add a call to the audit log, if it belongs there."""
        of_dav = exchange.route == DAV_ROUTE and (is_change(exchange.method) or exchange.read)
        if of_dav or is_audited(exchange.method, path):
            self._call_log.note(
                request_id=exchange.request_id.decode(),
                method=exchange.method,
                route=exchange.route,
                path=loggable_path(path),
                status=status,
                account_id=exchange.account,
                session_id=exchange.session,
                client=exchange.client,
                read=exchange.read,
            )
