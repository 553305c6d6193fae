"""Completes CycloneDX SBOMs: the same bytes for the same packages, and only licences that ADR 8 accepts.

`python tools/sbom.py FILE...` rewrites the files; exit status 1 and a line for each package under another licence.
The time of the SBOM is SOURCE_DATE_EPOCH.
"""

import json
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]

REFUSED = re.compile(r"\b(AGPL|GPL|SSPL|BUSL|Commons-Clause|CC-BY-NC|GNU (Affero )?General Public)", re.IGNORECASE)
"""Licences with conditions for the whole of what a package is part of, or for who may use it."""


def reproducible(sbom: Json, epoch: int) -> Json:
    """The document without what differs from run to run."""
    moment = datetime.fromtimestamp(epoch, UTC).isoformat().replace("+00:00", "Z")
    kept = {key: value for key, value in sbom.items() if key != "serialNumber"}
    kept["metadata"] = {**sbom.get("metadata", {}), "timestamp": moment}
    components = map(_without_local_paths, sbom.get("components", []))
    kept["components"] = sorted(components, key=lambda each: (each["name"], each.get("version", "")))
    return kept


def _without_local_paths(component: Json) -> Json:
    """A package without the folder that it was installed from, which our own have."""
    references = component.get("externalReferences", [])
    return {**component, "externalReferences": [each for each in references if not each["url"].startswith("file:")]}


def refused(sbom: Json) -> list[str]:
    """Packages under licences that need a decision, each with its licences."""
    found = {each["name"]: _licences(each) for each in sbom.get("components", [])}
    return [f"{name}: {licences}" for name, licences in found.items() if _is_refused(licences)]


def _licences(component: Json) -> str:
    """An SPDX expression or the names of the licences, joined by AND."""
    names = []
    for choice in component.get("licenses", []):
        licence = choice.get("license", {})
        names.append(choice.get("expression") or licence.get("id") or licence.get("name", ""))
    return " AND ".join(dict.fromkeys(name for name in names if len(name) < 200))


def _is_refused(licences: str) -> bool:
    """Whether each alternative has a refused licence; LGPL is not GPL."""
    alternatives = licences.split(" OR ")
    return all(REFUSED.search(each) for each in alternatives)


def main(paths: list[Path]) -> int:
    problems: list[str] = []
    for path in paths:
        sbom = json.loads(path.read_text("utf-8"))
        text = json.dumps(reproducible(sbom, int(os.environ["SOURCE_DATE_EPOCH"])), indent=1, sort_keys=True)
        path.write_text(text + "\n", "utf-8")
        problems += [f"{path.name}: a licence that needs a decision: {line}" for line in refused(sbom)]
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main([Path(name) for name in sys.argv[1:]]))
