"""How long requests took, by service, method, route and status: a histogram of its own, bounded and cheap to expose.

There are thousands of its lines in a process that runs every service. Prometheus' client renders each anew, which takes
microseconds; here the text around a series' numbers is made once, and a series in which nothing was counted since the
last exposition is not rendered again.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "OTHER"
UNMATCHED = "unmatched"
"""The route of whatever is no route of ours."""
MAX_SERIES = 2000
"""Sets of labels. Routes are in the source, so that this is reached by a mistake alone."""

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
        """Its lines; rendered anew only if something was counted since."""
        if self.rendered is None:
            sums = tuple(accumulate(self.counts))
            self.rendered = self.template % (*sums, sums[-1], self.seconds)
        return self.rendered


class RequestHistogram:
    """Seconds by service, method, route and status, as Prometheus' text."""

    def __init__(self, name: str, documentation: str, buckets: Sequence[float]) -> None:
        self._name = name
        self._head = f"# HELP {name} {documentation}\n# TYPE {name} histogram\n".encode()
        self._buckets = tuple(buckets)
        self._series: dict[Labels, _Series] = {}

    def observe(self, service: str, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. A method that no route has, and a route that is none of ours, come from strangers."""
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
        """Behind `before`, which is cheaper than adding to it: with thousands of lines, copies are what takes time."""
        return b"".join([before, self._head, *(series.text() for series in self._series.values())])

    def __len__(self) -> int:
        """Sets of labels."""
        return len(self._series)


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
