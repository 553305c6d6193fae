"""Collects the pages of the documentation site in dist/docs; `make docs` builds the site from them.

Pages stay where they are read beside the code: docs, the project's own, the READMEs of its parts. A link to a page
leads to that page of the site, one to another file or folder to the repository. Links to nothing are errors.
"""

import os
import re
import shutil
import sys
import tomllib
from pathlib import Path

from docs_site import CONFIGURATION, nav

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "dist/docs"
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(path for name in ("services", "libs", "clients", "deploy") for path in ROOT.glob(f"{name}/*/README.md")),
    ROOT / "tests/upgrade/README.md",
]
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]*)(#[^)\s]*)?(?=\))")
FENCE = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)


def page_of(path: Path) -> str:
    """Where a page is in the site: docs is its root, and a README the page of its folder."""
    name = path.relative_to(ROOT).as_posix().removeprefix("docs/")
    return re.sub(r"(^|/)readme\.md$", r"\1index.md", name.lower())


def build() -> list[str]:
    """Write pages, pictures and configuration; return links that lead nowhere."""
    shutil.rmtree(TARGET, ignore_errors=True)
    source = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]
    broken: list[str] = []
    for path in PAGES:
        page = TARGET / "pages" / page_of(path)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(_with_links(path, source, broken), "utf-8")
    for picture in [*ROOT.glob("docs/screenshots/*"), *ROOT.glob("docs/*.svg")]:
        copy = TARGET / "pages" / picture.relative_to(ROOT / "docs")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, copy)
    titles = {page_of(path): _title(path) for path in PAGES}
    (TARGET / "zensical.toml").write_text(CONFIGURATION + f"nav = {nav(titles)}\n", "utf-8")
    return broken


def _with_links(path: Path, source: str, broken: list[str]) -> str:
    """The text of a page with links as the site needs them; code is left alone."""

    def link(found: re.Match[str]) -> str:
        target = (path.parent / found[1]).resolve()
        if not target.exists():
            broken.append(f"{path.relative_to(ROOT)}: {found[1]}")
            return found[0]
        page = target / "README.md" if target.is_dir() else target
        name = target.relative_to(ROOT).as_posix()
        if page in PAGES:
            name = page_of(page)
        elif page.suffix not in (".png", ".svg"):
            return f"{source}/{name}"
        return os.path.relpath(name.removeprefix("docs/"), Path(page_of(path)).parent) + (found[2] or "")

    parts = FENCE.split(path.read_text("utf-8"))
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def _title(path: Path) -> str:
    return path.read_text("utf-8").partition("\n")[0].removeprefix("# ").strip()


if __name__ == "__main__":
    problems = build()
    print("\n".join(f"link to nothing: {each}" for each in problems), file=sys.stderr)
    raise SystemExit(1 if problems else 0)
