"""Which versions of MongoDB are used."""

import pytest
from structlog.testing import capture_logs

from docstore_platform.mongodb.version import check_server_version


def build(version: str) -> dict[str, object]:
    return {"version": version, "versionArray": [*map(int, version.split(".")), 0]}


@pytest.mark.parametrize("version", ["6.0.0", "6.0.27", "7.0.14", "8.0.4", "8.2.1"])
def test_supported_versions_are_used_in_silence(version: str) -> None:
    """6.0 to 8.x."""
    with capture_logs() as logs:
        check_server_version(build(version))
    assert logs == []


@pytest.mark.parametrize("version", ["4.4.29", "5.0.31"])
def test_an_older_one_is_refused_by_name(version: str) -> None:
    """What is missing would show much later, and less clearly."""
    with pytest.raises(ValueError, match=f"MongoDB {version} is too old: DocStore needs 6.0 or newer"):
        check_server_version(build(version))


def test_a_newer_one_is_used_with_a_warning() -> None:
    """It most likely works, and whoever looks for a reason finds this."""
    with capture_logs() as logs:
        check_server_version(build("9.0.1"))
    assert [(entry["event"], entry["version"]) for entry in logs] == [("mongodb_version_untried", "9.0.1")]
