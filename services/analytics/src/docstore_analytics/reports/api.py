"""HTTP routes of reports, for administrators."""

from fastapi import APIRouter, Depends, Response

from docstore_analytics.parameters import From, Limit, To, period_of
from docstore_analytics.reports.rules import Step
from docstore_analytics.reports.schemas import Report
from docstore_analytics.reports.service import FROM_ARCHIVE, NAMES, SERIES, Period, ReportService
from docstore_platform.clock import Clock, utc_now
from docstore_platform.errors import not_found
from docstore_platform.http.routes import PUBLIC_PREFIX
from docstore_platform.security.tokens import administrator
from docstore_platform.service.app import json_response


def reports_router(reports: ReportService, *, clock: Clock = utc_now) -> APIRouter:
    router = APIRouter(prefix=PUBLIC_PREFIX, tags=["operators"], dependencies=[Depends(administrator)])

    @router.get("/admin/reports/{name}", response_model=Report)
    async def get_report(
        name: str, begin: From = None, to: To = None, step: Step = "day", limit: Limit = 20
    ) -> Response:
        """Get a report. Over time: `times` and a line of `values` in each of `series`. Lists: `items`, up to `limit`.

        Over time: accounts, documents, storage, average-size, uploads, uploaded-bytes, failed-uploads, downloads,
        downloaded-bytes (from access logs), shares, link-opens, sign-ups, log-ins, calls, notifications. Lists:
        most-shared, most-downloaded, and from the archive: usage (by account), access (by file).
        """
        if name not in NAMES:
            raise not_found("report")
        period = Period(*period_of(begin, to, clock()), step)
        if name in SERIES:
            return json_response(await reports.series(name, period))
        if name in FROM_ARCHIVE:
            return json_response(await reports.from_archive(name, period, limit))
        return json_response(await reports.top(name, limit))

    return router
