"""Use cases of languages: show and choose those of an account."""

from collections.abc import Sequence
from dataclasses import dataclass

from docstore_indexer.extraction.languages import LanguagesMissing, TrainedData
from docstore_indexer.indexing.service import IndexService
from docstore_platform.errors import invalid


@dataclass(slots=True)
class LanguageService:
    """The indexer has this setting, since it alone knows which languages there is data for."""

    index: IndexService
    trained: TrainedData

    async def languages_of(self, account_id: str) -> tuple[list[str], bool]:
        """Return the languages in use, and whether they are the default."""
        chosen = (await self.index.accounts.languages([account_id])).get(account_id, ())
        return self.trained.chosen(chosen).split("+"), not chosen

    async def choose(self, account_id: str, languages: Sequence[str]) -> None:
        """Store the choice, none for the default, and have pictures read again. Problem 422 `language_unavailable`."""
        chosen = list(dict.fromkeys(languages))
        try:
            self.trained.check(chosen)
        except LanguagesMissing as error:
            raise invalid(str(error), "language_unavailable", available=self.trained.available) from error
        await self.index.change_languages(account_id, chosen)
