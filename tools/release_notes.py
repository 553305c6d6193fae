"""Prints what CHANGELOG.md says of a version, as notes of its release: `python tools/release_notes.py 1.0.0`."""

import re
import sys
from pathlib import Path

CHANGELOG = Path(__file__).parents[1] / "CHANGELOG.md"
VERIFICATION = """
## Verify

`SHA256SUMS.sig` is an SSH signature of the checksums, by the key in the repository's `release-keys`:

```sh
ssh-keygen -Y verify -f release-keys -I release -n docstore-release -s SHA256SUMS.sig < SHA256SUMS
sha256sum --check --ignore-missing SHA256SUMS
```
"""


def notes(changelog: str, version: str) -> str:
    """What has changed in a version, with its date.

    Raises ValueError if the changelog does not have it, or has an empty section.
    """
    found = re.search(rf"^## {re.escape(version)} - (\S+)\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None or not found[2].strip():
        raise ValueError(f"CHANGELOG.md has no part `## {version} - DATE` with changes")
    changes = re.sub(r"^###", "##", found[2].strip(), flags=re.MULTILINE)
    return f"DocStore {version}, {found[1]}\n\n{changes}\n{VERIFICATION}"


if __name__ == "__main__":
    print(notes(CHANGELOG.read_text("utf-8"), sys.argv[1]), end="")
