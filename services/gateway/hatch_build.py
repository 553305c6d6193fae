"""Adds the web page to the packages of a release. `make wheels` has built it."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebPage(BuildHookInterface[Any]):
    """Puts web/dist of the project into the package `docstore_gateway`, unless it is installed for editing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        page = Path(self.root).parents[1] / "web/dist"
        if version != "editable" and page.is_dir():
            folder = "docstore_gateway" if self.target_name == "wheel" else "src/docstore_gateway"
            build_data["force_include"][str(page)] = f"{folder}/built_page"
