"""Scraped samples as Prometheus keeps them, and the series that recording rules derive. Times are in seconds."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

MINUTE = 60.0
"""Recording rules are evaluated once in it."""
LOOKBACK = 5 * MINUTE
"""A sample that is older is none of now."""

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Window = tuple[list[float], list[float]]
"""Times and values of the samples of one series, in the order of their times."""
Value = float | Vector
Expression = Callable[["Metrics", float], Value]
"""Its value at a time."""
Recording = Mapping[str, list[tuple[Expression, Labels]]]
"""The rules of each recorded series: an expression, and labels that are added to its results."""


@dataclass(slots=True)
class Series:
    """Samples of one series."""

    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def between(self, after: float, until: float) -> Window:
        """The samples of a window, which excludes its start."""
        window = slice(bisect_right(self.times, after), bisect_right(self.times, until))
        return self.times[window], self.values[window]


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name and conditions on labels: label, operator, value."""

    name: str
    conditions: tuple[tuple[str, str, str], ...] = ()

    def takes(self, labels: Labels) -> bool:
        known = dict(labels)
        return all(_holds(known.get(label, ""), sign, value) for label, sign, value in self.conditions)


def _holds(found: str, sign: str, value: str) -> bool:
    same = re.fullmatch(value, found) is not None if sign.endswith("~") else found == value
    return same is not sign.startswith("!")


def without(labels: Labels, names: Iterable[str]) -> Labels:
    return frozenset(each for each in labels if each[0] not in names)


class Metrics:
    """All samples so far. What is asked for may not be later than the last scrape."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._series: dict[str, dict[Labels, Series]] = {}
        self._scrapes: list[float] = []
        self._recorded: dict[tuple[str, float], Vector] = {}

    def scrape(self, at: float, samples: Iterable[tuple[str, Mapping[str, str], float]]) -> None:
        """Add the samples of one scrape: name, labels and value of each."""
        self._scrapes.append(at)
        for name, labels, value in samples:
            series = self._series.setdefault(name, {}).setdefault(frozenset(labels.items()), Series())
            series.times.append(at)
            series.values.append(value)

    def now(self, selector: Selector, at: float) -> Vector:
        """Each series' sample of the last scrape; a series that is missing there has ended."""
        if selector.name in self._recording:
            return self._derived(selector, at - at % MINUTE)
        last = self._scrapes[: bisect_right(self._scrapes, at)][-1:]
        windows = ((labels, series.between(at - LOOKBACK, at)) for labels, series in self._selected(selector))
        return {labels: values[-1] for labels, (times, values) in windows if values and times[-1:] == last}

    def window(self, selector: Selector, seconds: float, at: float) -> dict[Labels, Window]:
        """The samples of each series within the time before `at`."""
        if selector.name in self._recording:
            return self._derived_window(selector, seconds, at)
        windows = ((labels, series.between(at - seconds, at)) for labels, series in self._selected(selector))
        return {labels: window for labels, window in windows if window[0]}

    def _selected(self, selector: Selector) -> Iterable[tuple[Labels, Series]]:
        return (each for each in self._series.get(selector.name, {}).items() if selector.takes(each[0]))

    def _derived_window(self, selector: Selector, seconds: float, at: float) -> dict[Labels, Window]:
        found: dict[Labels, Window] = {}
        last = int(at // MINUTE)
        first = max(int((at - seconds) // MINUTE) + 1, int(self._scrapes[0] // MINUTE))
        for minute in range(first, last + 1):
            for labels, value in self._derived(selector, minute * MINUTE).items():
                times, values = found.setdefault(labels, ([], []))
                times.append(minute * MINUTE)
                values.append(value)
        return found

    def _derived(self, selector: Selector, at: float) -> Vector:
        """The results of the recording rules at a full minute."""
        key = selector.name, at
        if key not in self._recorded:
            self._recorded[key] = dict(self._evaluated(selector.name, at))
        return {labels: value for labels, value in self._recorded[key].items() if selector.takes(labels)}

    def _evaluated(self, name: str, at: float) -> Iterable[tuple[Labels, float]]:
        for rule, added in self._recording[name]:
            value = rule(self, at)
            assert isinstance(value, dict), name
            replaced = {label for label, _ in added}
            yield from ((without(labels, replaced) | added, each) for labels, each in value.items())
