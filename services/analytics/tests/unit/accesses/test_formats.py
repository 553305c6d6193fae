"""Lines of access logs, as AWS documents them and as the embedded store writes them."""

from datetime import UTC, datetime

import orjson
import pytest
from access_lines import CLOUDFRONT_HEAD, KEY, cloudfront_line, s3_line

from docstore_analytics.accesses.formats import CloudFrontLines, EmbeddedLines, S3Lines
from docstore_analytics.accesses.rows import access_id, access_row
from docstore_analytics.accesses.rules import EDGE, Access, owner_of
from docstore_analytics.archive.columns import ACCESSES


def s3(line: str) -> Access:
    access = S3Lines().parse(line.rstrip("\n"))
    assert access is not None
    return access


def test_a_line_of_s3_is_a_download_of_an_account() -> None:
    """With its bytes, who received them, and what asked for them."""
    access = s3(s3_line())
    assert access.at == datetime(2026, 2, 6, 0, 0, 38, tzinfo=UTC)
    assert (access.bucket, access.key, access.status) == ("docstore-content-us-west-2", KEY, 200)
    assert (access.bytes, access.object_bytes, access.downloaded) == (1000, 1000, 1000)
    assert (access.client, access.user_agent, access.request_id) == ("192.0.2.3", "curl/8.5", "3E57427F33A59F07")
    assert owner_of(access.key) == ("content", "ann")


def test_the_signature_of_a_url_is_not_archived() -> None:
    """Nor its other parameters: the log contains them, and whoever has them can download."""
    assert b"abcdef" not in access_row("i", s3(s3_line()))


def test_a_row_has_every_column() -> None:
    """In their order, so that all files have one form."""
    row = orjson.loads(access_row(access_id("s3://logs/", "k", 3), s3(s3_line())))
    assert list(row) == list(ACCESSES.columns)
    assert row["id"] == access_id("s3://logs/", "k", 3) != access_id("s3://logs/", "k", 4)


@pytest.mark.parametrize(
    "line",
    [
        s3_line(authentication="AuthHeader"),
        s3_line(operation="REST.PUT.OBJECT"),
        s3_line(status=403),
        s3_line("archive/events/day=2026-02-06/x.parquet"),
        s3_line("previews/ann/r/small.webp"),
        s3_line().replace("arn:aws:sts::111122223333:assumed-role/docstore-metadata/s", EDGE),
    ],
    ids=["a service", "an upload", "refused", "the archive", "a preview", "the edge"],
)
def test_other_requests_are_not_counted_as_downloads(line: str) -> None:
    """It is archived as an access; what the edge fetched is counted where the edge sent it."""
    assert s3(line).downloaded == 0


@pytest.mark.parametrize("agent", ['a "quoted" agent', '"', '" "', "-", "", 'x" - - - "y', "a\x00b\x1b[31m"])
def test_a_user_agent_can_contain_anything(agent: str) -> None:
    """Without moving the fields behind it, and without control characters in the archive."""
    access = s3(s3_line(agent=agent))
    assert access.by_url
    assert all(char.isprintable() for char in access.user_agent)


def test_an_ipv6_address_is_cut_to_its_network() -> None:
    """As everywhere: the rest changes daily, or names one device."""
    assert s3(s3_line(client="2001:db8:1:2:3:4:5:6")).client == "2001:db8:1:2::/64"


@pytest.mark.parametrize(
    "line", ["", "nonsense", s3_line()[:120], s3_line().replace("06/Feb/2026", "66/Feb/2026"), s3_line(sent="9" * 30)]
)
def test_a_malformed_line_of_s3_is_refused(line: str) -> None:
    """With the error that the reader counts."""
    with pytest.raises(ValueError, match=r".+"):
        S3Lines().parse(line)


def test_a_line_of_cloudfront_is_read_by_the_fields_of_its_file() -> None:
    """Whatever their order; the bytes are those that the edge sent."""
    lines = CloudFrontLines()
    for comment in CLOUDFRONT_HEAD.splitlines():
        assert lines.parse(comment) is None
    access = lines.parse(cloudfront_line().rstrip("\n"))
    assert access is not None
    assert (access.key, access.bucket, access.downloaded) == (KEY, "cdn.example.org", 1500)
    assert (access.client, access.user_agent) == ("2001:db8:1:2::/64", "Mozilla/5.0 (X11)")


def test_a_read_by_signed_cookies_counts_as_one_by_url() -> None:
    """Its line has no signature; the edge serves an account's contents to no one without one."""
    lines = CloudFrontLines()
    for comment in CLOUDFRONT_HEAD.splitlines():
        lines.parse(comment)
    for line, downloaded in ((cloudfront_line(query="-"), 1500), (cloudfront_line(query="-").replace("206", "403"), 0)):
        access = lines.parse(line.rstrip("\n"))
        assert access is not None
        assert (access.by_url, access.downloaded) == (downloaded > 0, downloaded)


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("", cloudfront_line()),
        ("#Fields: date time", cloudfront_line()),
        ("#Fields: date time\n", "2026-02-06\t00:00:00\n"),
        (CLOUDFRONT_HEAD, cloudfront_line().replace("206", "x")),
    ],
    ids=["no fields", "too few fields", "fields missing", "no status"],
)
def test_a_malformed_line_of_cloudfront_is_refused(head: str, line: str) -> None:
    """As in every format."""
    lines = CloudFrontLines()
    for comment in head.splitlines():
        lines.parse(comment)
    with pytest.raises(ValueError, match=r".+"):
        lines.parse(line.rstrip("\n"))


EMBEDDED = {
    "time": 1795475952,
    "bucket": "b",
    "key": KEY,
    "operation": "REST.GET.OBJECT",
    "status": 206,
    "client": "127.0.0.1",
    "request_id": "18EA",
    "user_agent": "curl",
    "by_url": True,
}


def test_a_range_of_the_embedded_store_has_no_known_size() -> None:
    """Its log does not tell, so it adds nothing to the figures."""
    access = EmbeddedLines().parse(orjson.dumps(EMBEDDED).decode())
    assert access is not None
    assert (access.bytes, access.downloaded, access.by_url) == (None, 0, True)


@pytest.mark.parametrize("line", ["", "[]", "{}", "nonsense", '{"time": 1e99}'])
def test_a_malformed_line_of_the_embedded_store_is_refused(line: str) -> None:
    """One that was cut off when the machine stopped, for example."""
    with pytest.raises(ValueError, match=r".+"):
        EmbeddedLines().parse(line)
