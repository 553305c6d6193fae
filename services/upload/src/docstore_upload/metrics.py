"""What the upload service tells Prometheus besides what every service does."""

from prometheus_client import Counter, Gauge

initiated_total = Counter("docstore_uploads_initiated_total", "Uploads begun", ["method"])
ended_total = Counter("docstore_uploads_ended_total", "Uploads that ended", ["state", "method", "by"])
completed_bytes_total = Counter("docstore_upload_bytes_total", "Bytes of completed uploads", ["method"])
republished_total = Counter("docstore_uploads_republished_total", "Events said again by the final check", ["service"])
stalled = Gauge("docstore_uploads_stalled", "Completed uploads that a service has not reacted to in time")
