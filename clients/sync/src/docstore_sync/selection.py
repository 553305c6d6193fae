"""What of an account is synced with a folder: selected folders, and files by patterns as in .gitignore."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

from pathspec import GitIgnoreSpec


class BadPattern(ValueError):
    """A pattern, or the path of a folder, is invalid."""


@dataclass(frozen=True)
class Filters:
    """Files to include, by default all, without those to exclude. A folder is left out only by `exclude`."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pattern in (*self.include, *self.exclude):
            if not is_pattern(pattern):
                raise BadPattern(f"{pattern!r} is no pattern")

    @cached_property
    def _included(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines(self.include)

    @cached_property
    def _excluded(self) -> GitIgnoreSpec:
        return GitIgnoreSpec.from_lines(self.exclude)

    def leaves_out(self, path: str, is_folder: bool) -> bool:
        """Whether a path, as in `a/b`, is left out; what is in an excluded folder is, too."""
        if self.exclude and self._excluded.match_file(f"{path}/" if is_folder else path):
            return True
        return bool(self.include) and not is_folder and not self._included.match_file(path)


@dataclass(frozen=True)
class Selection:
    """What is synced. `folders`: as in `a/b`; if there are any, nothing outside of them is synced."""

    folders: tuple[str, ...] = ()
    filters: Filters = field(default_factory=Filters)

    def is_outside(self, path: str, is_folder: bool) -> bool:
        """Whether a path is outside of the selected folders. A folder with a selected one in it is not."""
        if not self.folders:
            return False
        inside = f"{path}/"
        return not any(
            inside.startswith(f"{each}/") or (is_folder and each.startswith(inside)) for each in self.folders
        )

    def changed(
        self,
        folders: Sequence[str] | None = None,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
    ) -> "Selection":
        """Replace the lists that are given; one that holds only "" becomes empty. BadPattern."""
        filters = Filters(
            self.filters.include if include is None else _without_empty(include),
            self.filters.exclude if exclude is None else _without_empty(exclude),
        )
        return Selection(self.folders if folders is None else tuple(map(_folder, _without_empty(folders))), filters)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Selection":
        if not text:
            return cls()
        stored = json.loads(text)
        filters = {name: tuple(patterns) for name, patterns in stored["filters"].items()}
        return cls(tuple(stored["folders"]), Filters(**filters))


def is_pattern(line: str) -> bool:
    """Whether a line is a valid pattern, or a comment."""
    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True


def _without_empty(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(each for each in given if each)


def _folder(path: str) -> str:
    names = path.strip("/").split("/")
    if not all(names) or not {".", ".."}.isdisjoint(names):
        raise BadPattern(f"{path!r} is no folder of the account: name it as in /work/photos")
    return "/".join(names)
