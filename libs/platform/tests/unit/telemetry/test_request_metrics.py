"""Requests are counted in a bounded number of series, as Prometheus reads them."""

import time

from prometheus_client.parser import text_string_to_metric_families

from docstore_platform.telemetry.metrics import REQUEST
from docstore_platform.telemetry.request_metrics import MAX_SERIES, RequestHistogram

BUCKETS = (0.01, 0.1, 1)


def samples(histogram: RequestHistogram) -> dict[tuple[str, str], float]:
    """Values by the sample's name and its bucket, of a histogram with one set of labels."""
    [family] = text_string_to_metric_families(histogram.text().decode())
    assert family.type == "histogram"
    return {(sample.name, sample.labels.get("le", "")): sample.value for sample in family.samples}


def test_buckets_count_and_sum_are_those_of_prometheus() -> None:
    """Buckets are cumulative; a value on a bound belongs below it."""
    histogram = RequestHistogram("h", "help", BUCKETS)
    for seconds in (0.005, 0.1, 0.5, 30):
        histogram.observe("metadata", "GET", "/v1/files/{file_id}", 200, seconds)
    assert samples(histogram) == {
        ("h_bucket", "0.01"): 1,
        ("h_bucket", "0.1"): 2,
        ("h_bucket", "1.0"): 3,
        ("h_bucket", "+Inf"): 4,
        ("h_count", ""): 4,
        ("h_sum", ""): 30.605,
    }


def test_labels_are_exposed_unchanged() -> None:
    """Whatever a path template has in it."""
    histogram = RequestHistogram("h", "help", BUCKETS)
    histogram.observe("metadata", "GET", '/a"b\\c/{id}', 200, 0.1)
    [family] = text_string_to_metric_families(histogram.text().decode())
    labels = {"method": "GET", "route": '/a"b\\c/{id}', "service": "metadata", "status": "200"}
    assert family.samples[-1].labels == labels


def test_unknown_methods_share_one_label() -> None:
    """However many they make up."""
    histogram = RequestHistogram("h", "help", BUCKETS)
    for number in range(1000):
        histogram.observe("gateway", f"M{number}", "unmatched", 405, 0.1)
    assert len(histogram) == 1
    assert 'method="OTHER"' in histogram.text().decode()


def test_there_are_never_more_series_than_the_bound() -> None:
    """What comes after it is counted all the same."""
    histogram = RequestHistogram("h", "help", BUCKETS)
    for number in range(2 * MAX_SERIES):
        histogram.observe("gateway", "GET", f"/{number}", 200, 0.1)
    assert len(histogram) == MAX_SERIES + 1
    assert samples_of_all(histogram) == 2 * MAX_SERIES


def samples_of_all(histogram: RequestHistogram) -> float:
    [family] = text_string_to_metric_families(histogram.text().decode())
    return sum(sample.value for sample in family.samples if sample.name == "h_count")


def test_a_route_is_a_dozen_lines_and_rendered_only_when_it_was_called() -> None:
    """What an exposition takes grows with the lines that have changed."""
    histogram = RequestHistogram("h", "help", REQUEST)
    for number in range(750):
        histogram.observe("gateway", "GET", f"/{number}%", 200, 0.1)
    text = histogram.text()
    assert len(text.splitlines()) == 2 + 750 * 13
    unchanged = histogram._series["gateway", "GET", "/1%", 200]
    rendered = unchanged.rendered
    histogram.observe("gateway", "GET", "/0%", 200, 0.1)
    again = histogram.text()
    assert again != text
    assert unchanged.rendered is rendered


def test_the_largest_exposition_takes_less_than_20_milliseconds() -> None:
    """As many series as there can be, all of them called since the last one; processor time, the least of several."""
    histogram = RequestHistogram("h", "help", REQUEST)
    taken = []
    for _ in range(9):
        for number in range(MAX_SERIES):
            histogram.observe("gateway", "GET", f"/{number}", 200, 0.1)
        begin = time.process_time()
        histogram.text()
        taken.append(time.process_time() - begin)
    assert min(taken) < 0.02
