"""A rule that import contracts can't express: only repositories use the driver's operators."""

import re
from pathlib import Path

import docstore_metadata

SOURCES = Path(docstore_metadata.__file__).parent
REPOSITORIES = re.compile(r"(^|_)(repository|documents|listing_filter)\.py$")
WIRING = {"app.py", "storage.py", "maintenance.py", "wiring.py"}
DRIVER = re.compile(r'"\$\$?[a-zA-Z]+"|\b(UpdateOne|IndexModel|Collection)\b|database\["')


def test_only_repositories_use_the_driver() -> None:
    """No other module names an operator, a collection or a class of the driver."""
    others = [path for path in SOURCES.rglob("*.py") if not REPOSITORIES.search(path.name) and path.name not in WIRING]
    assert len(others) > 50
    assert [str(path.relative_to(SOURCES)) for path in others if DRIVER.search(path.read_text())] == []
