"""Configuration and navigation of the documentation site: tutorial, how-to guides, reference, explanation."""

import json
from collections.abc import Mapping
from fnmatch import fnmatch

CONFIGURATION = """\
[project]
site_name = "DocStore"
site_description = "Keep, sync, search and share files on machines that you run"
docs_dir = "pages"
site_dir = "site"
copyright = "DocStore is licensed under Apache-2.0."
theme = { features = ["navigation.tabs", "navigation.top", "search.highlight", "content.code.copy"], font = false }
"""
"""Without fonts of other sites; the search index is a file of the site, so that it works without a network."""
HOW_TO = ("install/*", "using.md", "deployment.md", "regions.md", "scale.md", "deploy/*", "runbook/*", "clients/*")
REFERENCE = ("reference/*", "api/*", "glossary.md", "benchmarks.md", "changelog.md")
EXPLANATION = ("architecture.md", "services/*", "libs/*", "adr/*")
PROJECT = ("contributing.md", "security.md", "code_of_conduct.md", "releasing.md", "tests/upgrade/index.md")
FOLDERS = {
    "install": "Install",
    "deploy": "Deploy",
    "runbook": "Runbook",
    "clients": "Clients",
    "reference": "Reference",
    "api": "Events",
    "services": "Services",
    "libs": "Libraries",
    "adr": "Decisions",
}


def nav(titles: Mapping[str, str]) -> str:
    """The navigation as TOML. Raises ValueError for a page that is in no part of it."""
    parts = {"How-to guides": HOW_TO, "Reference": REFERENCE, "Explanation": EXPLANATION, "Project": PROJECT}
    left = set(titles) - {"index.md", "tutorial.md"}
    entries: list[object] = [{"Home": "index.md"}, {"Tutorial": "tutorial.md"}]
    for part, patterns in parts.items():
        inside: list[object] = []
        for pattern in patterns:
            pages = [page for page in titles if fnmatch(page, pattern)]
            left -= set(pages)
            listed = [{titles[page]: page} for page in pages]
            folder = FOLDERS.get(pattern.removesuffix("/*"), "")
            inside += [{folder: listed}] if folder and folder != part else listed
        entries.append({part: inside})
    if left:
        raise ValueError(f"pages in no part of the navigation: {sorted(left)}")
    return _toml(entries)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(name)} = {_toml(each)}" for name, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)
