"""Evaluates alerting rules without Prometheus: the part of PromQL that they use, as Prometheus 3 evaluates it.

Anything else in an expression raises Unsupported. Times and windows are in seconds. No package evaluates PromQL, and
Prometheus itself is a long build: where it is, `make alert-test` has it run the same tests of the rules.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import add, eq, ge, gt, le, lt, mul, ne, sub

from scraped_metrics import Expression, Labels, Metrics, Selector, Value, Vector, without

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {"==": eq, "!=": ne, ">": gt, "<": lt, ">=": ge, "<=": le}
BINDING = {"or": 1, "and": 2, **dict.fromkeys(COMPARISONS, 3), "+": 4, "-": 4, "*": 5, "/": 5}
_TOKEN = re.compile(r'("[^"\\]*"|\d+[smhd]\b|\d+(?:\.\d+)?\b|[a-zA-Z_:][\w:]*|[=!]~|[=!<>]=|[-+*/(){}\[\],=<>])\s*')


class Unsupported(Exception):
    """An expression needs more of PromQL than there is here."""


def evaluate(expression: str, metrics: Metrics, at: float) -> Vector:
    """The series that an expression results in, with their values."""
    return _vector(parse(expression)(metrics, at))


def parse(text: str) -> Expression:
    return _Parser(text).whole()


def duration(text: str) -> int:
    """The seconds of a duration such as 5m."""
    return int(text[:-1]) * UNITS[text[-1]]


def _increase(times: Sequence[float], values: Sequence[float], start: float, end: float) -> float | None:
    """A counter's increase in a window, extrapolated to its ends as Prometheus' `extrapolatedRate` does."""
    if len(times) < 2:
        return None
    pairs = list(pairwise(values))
    increase = values[-1] - values[0] + sum(before for before, after in pairs if after < before)
    sampled = times[-1] - times[0]
    between = sampled / (len(times) - 1)
    to_start, to_end = (gap if gap < 1.1 * between else between / 2 for gap in (times[0] - start, end - times[-1]))
    if increase > 0:
        to_start = min(to_start, sampled * values[0] / increase)  # a counter was never below zero
    return increase * (sampled + to_start + to_end) / sampled


def _over_time(name: str, selector: Selector, seconds: float) -> Expression:
    """A function of each series' window."""

    def value(times: list[float], values: list[float], at: float) -> float | None:
        if name == "sum_over_time":
            return math.fsum(values)
        if name == "avg_over_time":
            return math.fsum(values) / len(values)
        increase = _increase(times, values, at - seconds, at)
        return increase / seconds if increase is not None and name == "rate" else increase

    def evaluate(metrics: Metrics, at: float) -> Vector:
        found = ((labels, value(*each, at)) for labels, each in metrics.window(selector, seconds, at).items())
        return {labels: result for labels, result in found if result is not None}

    return evaluate


def _aggregated(name: str, by: Sequence[str], inner: Expression) -> Expression:
    total: Callable[[list[float]], float] = math.fsum if name == "sum" else max

    def evaluate(metrics: Metrics, at: float) -> Vector:
        groups: dict[Labels, list[float]] = {}
        for labels, value in _vector(inner(metrics, at)).items():
            groups.setdefault(frozenset(each for each in labels if each[0] in by), []).append(value)
        return {labels: total(values) for labels, values in groups.items()}

    return evaluate


def _quantile(share: float, inner: Expression) -> Expression:
    def evaluate(metrics: Metrics, at: float) -> Vector:
        histograms: dict[Labels, dict[float, float]] = {}
        for labels, count in _vector(inner(metrics, at)).items():
            histograms.setdefault(without(labels, {"le"}), {})[float(dict(labels)["le"])] = count
        return {labels: quantile_of(share, buckets) for labels, buckets in histograms.items() if math.inf in buckets}

    return evaluate


def quantile_of(share: float, buckets: Mapping[float, float]) -> float:
    """The quantile of a histogram: counts by upper limit, each with those below it. Linear within a bucket."""
    limits = sorted(buckets)
    rank = share * buckets[math.inf]
    if rank <= 0 or len(limits) == 1:
        return math.nan
    upper = next(limit for limit in limits if buckets[limit] >= rank)
    if upper == math.inf:
        return limits[-2]
    below = max((limit for limit in limits if limit < upper), default=0.0)
    counted = buckets.get(below, 0.0)
    return below + (upper - below) * (rank - counted) / (buckets[upper] - counted)


def _vector(value: Value) -> Vector:
    if not isinstance(value, dict):
        raise Unsupported("a number in place of a vector")
    return value


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)


ARITHMETIC: dict[str, Callable[[float, float], float]] = {"+": add, "-": sub, "*": mul, "/": _divide}


def _combined(sign: str, left: Expression, right: Expression) -> Expression:
    def evaluate(metrics: Metrics, at: float) -> Value:
        return _of_two(sign, left(metrics, at), right(metrics, at))

    return evaluate


def _of_two(sign: str, left: Value, right: Value) -> Value:
    """Vectors are matched by all their labels; a comparison keeps what it is true of."""
    if sign == "and":
        return {labels: value for labels, value in _vector(left).items() if labels in _vector(right)}
    if sign == "or":
        return {**_vector(right), **_vector(left)}
    if not isinstance(left, dict) and not isinstance(right, dict):
        if sign in COMPARISONS:
            raise Unsupported("two numbers are compared")
        return ARITHMETIC[sign](left, right)
    pairs = _pairs(left, right)
    if sign in ARITHMETIC:
        return {labels: ARITHMETIC[sign](*pair) for labels, pair in pairs.items()}
    kept = 0 if isinstance(left, dict) else 1
    return {labels: pair[kept] for labels, pair in pairs.items() if COMPARISONS[sign](*pair)}


def _pairs(left: Value, right: Value) -> dict[Labels, tuple[float, float]]:
    if not isinstance(left, dict):
        return {labels: (left, value) for labels, value in _vector(right).items()}
    if not isinstance(right, dict):
        return {labels: (value, right) for labels, value in left.items()}
    return {labels: (value, right[labels]) for labels, value in left.items() if labels in right}


def _words(text: str) -> Iterator[str]:
    place = len(text) - len(text.lstrip())
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise Unsupported(f"{text[place:]!r} in {text}")
        yield found[1]
        place = found.end()


class _Parser:
    """Reads one expression; a word that it does not expect raises Unsupported."""

    def __init__(self, text: str) -> None:
        self._text, self._words = text, list(_words(text))

    def whole(self) -> Expression:
        parsed = self._operation()
        if self._words:
            raise Unsupported(f"{self._words[0]} in {self._text}")
        return parsed

    def _operation(self, binding: int = 0) -> Expression:
        left = self._operand()
        while BINDING.get(self._peek(), 0) > binding:
            sign = self._words.pop(0)
            left = _combined(sign, left, self._operation(BINDING[sign]))
        return left

    def _operand(self) -> Expression:
        word = self._take(r"\(|[\d.]+|[a-zA-Z_:][\w:]*")
        if word == "(":
            return self._closed(self._operation())
        if word[0].isdigit():
            return lambda _metrics, _at: float(word)
        if word in ("sum", "max"):
            by = self._names() if self._peek() == "by" else ()
            self._take(r"\(")
            return _aggregated(word, by, self._closed(self._operation()))
        if word in ("rate", "increase", "sum_over_time", "avg_over_time"):
            self._take(r"\(")
            return self._closed(_over_time(word, self._selector(self._take(r"[\w:]+")), self._duration()))
        if word == "histogram_quantile":
            self._take(r"\(")
            share = float(self._take(r"[\d.]+"))
            self._take(",")
            return self._closed(_quantile(share, self._operation()))
        selector = self._selector(word)
        return lambda metrics, at: metrics.now(selector, at)

    def _selector(self, name: str) -> Selector:
        conditions: list[tuple[str, str, str]] = []
        while self._peek() == ("," if conditions else "{"):
            self._words.pop(0)
            conditions.append((self._take(r"\w+"), self._take("=|!=|=~|!~"), self._take('".*"')[1:-1]))
        if conditions:
            self._take("}")
        return Selector(name, tuple(conditions))

    def _duration(self) -> float:
        self._take(r"\[")
        word = self._take(r"\d+[smhd]")
        self._take(r"\]")
        return duration(word)

    def _names(self) -> tuple[str, ...]:
        self._take("by")
        self._take(r"\(")
        names = [self._take(r"\w+")]
        while self._take(r"[,)]") == ",":
            names.append(self._take(r"\w+"))
        return tuple(names)

    def _closed(self, inner: Expression) -> Expression:
        self._take(r"\)")
        return inner

    def _peek(self) -> str:
        return self._words[0] if self._words else ""

    def _take(self, pattern: str) -> str:
        if not re.fullmatch(pattern, self._peek()):
            raise Unsupported(f"{self._peek() or 'the end'} in {self._text}")
        return self._words.pop(0)
