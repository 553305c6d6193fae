"""Texts at rest on a real MongoDB."""

from collections.abc import AsyncIterator

import pytest

from docstore_indexer.extraction.rules import ExtractedText
from docstore_indexer.indexing.text_repository import MongoTexts, pack
from docstore_platform.mongodb.client import Database, Mongo
from docstore_platform.security.cipher import Cipher
from docstore_platform.settings import InfraSettings

pytestmark = pytest.mark.connected

SENTENCES = ("A short sentence about a hedgehog.", "A long sentence about a hedgehog. " * 100)
TEXTS = {str(number): (number + 1, ExtractedText(text)) for number, text in enumerate(SENTENCES)}
WANTED = {file_id: (version, found.text) for file_id, (version, found) in TEXTS.items()}


@pytest.fixture
async def database(infra: InfraSettings) -> AsyncIterator[Database]:
    mongo = Mongo(infra.mongo_url.get_secret_value(), app_name="test")
    yield mongo.database(f"{infra.database_prefix}indexer")
    mongo.close()


async def stored(database: Database) -> list[bytes]:
    return [row["text"] async for row in database["texts"].find({}, sort=[("_id", 1)])]


async def test_texts_are_stored_encrypted(database: Database) -> None:
    """They come back as they were, and the database contains neither them nor their compressed form."""
    texts = MongoTexts(database, Cipher("texts", "secret"))
    await texts.put(TEXTS, None)
    assert await texts.get(list(TEXTS)) == WANTED
    for data, sentence in zip(await stored(database), SENTENCES, strict=True):
        assert b"hedgehog" not in data
        assert pack(sentence)[0] not in data


async def test_texts_of_an_earlier_version_are_encrypted_when_they_are_read(database: Database) -> None:
    """A document without the field `encrypted` contains the text itself."""
    for file_id, (version, text) in WANTED.items():
        data, packed = pack(text)
        await database["texts"].insert_one({"_id": file_id, "version": version, "text": data, "packed": packed})
    texts = MongoTexts(database, Cipher("texts", "secret"))
    assert await texts.get(list(TEXTS)) == WANTED
    assert not any(b"hedgehog" in data for data in await stored(database))
    before = await stored(database)
    assert await texts.get(list(TEXTS)) == WANTED
    assert await stored(database) == before  # once only


async def test_a_new_secret_replaces_the_earlier_one(database: Database) -> None:
    """What is read is encrypted again, so that the earlier secret can be removed; without either there is no text."""
    await MongoTexts(database, Cipher("texts", "old")).put(TEXTS, None)
    assert await MongoTexts(database, Cipher("texts", "new")).get(list(TEXTS)) == {}
    assert await MongoTexts(database, Cipher("texts", "new", "old")).get(list(TEXTS)) == WANTED
    assert await MongoTexts(database, Cipher("texts", "new")).get(list(TEXTS)) == WANTED
