"""Request durations by service, method, route and status: a bounded histogram of its own that is cheap to expose.

A process with all services has thousands of its lines. Prometheus' client renders each of them every time, which takes
microseconds. Here the text around a series' numbers is built once, and a series without new values since the last
exposition is not rendered again.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "OTHER"
UNMATCHED = "unmatched"
"""Route label of unknown paths."""
MAX_SERIES = 2000
"""Sets of labels. Routes are in the source, so only a mistake can reach this."""

Labels = tuple[str, str, str, int]


class _Series:
    __slots__ = ("counts", "rendered", "seconds", "template")

    def __init__(self, name: str, labels: str, buckets: Sequence[float]) -> None:
        bounds = [*map(str, map(float, buckets)), "+Inf"]
        labels = labels.replace("%", "%%")
        lines = [f'{name}_bucket{{le="{bound}",{labels}}} %d\n' for bound in bounds]
        lines += [f"{name}_count{{{labels}}} %d\n", f"{name}_sum{{{labels}}} %r\n"]
        self.template = "".join(lines).encode()
        self.counts = [0] * len(bounds)
        self.seconds = 0.0
        self.rendered: bytes | None = None

    def text(self) -> bytes:
        """Return its lines, rendered again only after new values."""
        if self.rendered is None:
            sums = tuple(accumulate(self.counts))
            self.rendered = self.template % (*sums, sums[-1], self.seconds)
        return self.rendered


class RequestHistogram:
    """Seconds by service, method, route and status, as Prometheus text."""

    def __init__(self, name: str, documentation: str, buckets: Sequence[float]) -> None:
        self._name = name
        self._head = f"# HELP {name} {documentation}\n# TYPE {name} histogram\n".encode()
        self._buckets = tuple(buckets)
        self._series: dict[Labels, _Series] = {}

    def observe(self, service: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. Unknown methods and routes come from arbitrary clients."""
        labels = (service, method if method in METHODS else OTHER, route, status)
        series = self._series.get(labels)
        if series is None:
            series = self._new(labels)
        series.counts[bisect_left(self._buckets, seconds)] += 1
        series.seconds += seconds
        series.rendered = None

    def _new(self, labels: Labels) -> _Series:
        if len(self._series) >= MAX_SERIES:
            labels = (labels[0], OTHER, OTHER, labels[3] // 100 * 100)
        if labels not in self._series:
            service, method, route, status = labels
            text = f'method="{method}",route="{_escaped(route)}",service="{service}",status="{status}"'
            self._series[labels] = _Series(self._name, text, self._buckets)
        return self._series[labels]

    def text(self, before: bytes = b"") -> bytes:
        """Append to `before`, since copying thousands of lines is what takes time."""
        return b"".join([before, self._head, *(series.text() for series in self._series.values())])

    def __len__(self) -> int:
        """Number of label sets."""
        return len(self._series)


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
