"""The Python client's models accept every response that the API describes."""

import json
from collections.abc import Iterator
from typing import Any

import generate_openapi
import pytest
from json_refs import resolved

from docstore_client import models

Json = dict[str, Any]

ANSWERS: dict[type[models.Model], list[str]] = {
    models.Usage: ["Usage"],
    models.Account: ["Account", "Me"],
    models.Region: ["Region"],
    models.Session: ["Session"],
    models.ApiToken: ["ApiToken"],
    models.CreatedApiToken: ["CreatedApiToken"],
    models.File: ["File", "TrashedFile", "SharedFile"],
    models.Policy: ["RetentionPolicy"],
    models.Retention: ["Retention"],
    models.Media: ["Media"],
    models.ReadCredentials: ["ReadCredentials"],
    models.TemporaryKeys: ["TemporaryKeys"],
    models.ReadableObject: ["ReadableObject"],
    models.LeftOutFile: ["LeftOutFile"],
    models.Retrieval: ["Retrieval"],
    models.Version: ["Version"],
    models.Share: ["Share"],
    models.ShareInvitation: ["ShareInvitation"],
    models.BlockedPerson: ["BlockedPerson"],
    models.Link: ["Link", "CreatedLink"],
    models.Change: ["Change"],
    models.Changes: ["ChangeFeed"],
    models.Snapshot: ["Snapshot"],
    models.Comparison: ["CompareResult"],
    models.Hit: ["SearchHit"],
    models.Hits: ["SearchPage"],
    models.Languages: ["Languages"],
    models.SavedSearch: ["SavedSearch"],
    models.SavedFilters: ["SavedFilters"],
    models.FamilySums: ["FamilySums"],
    models.Subscription: ["Subscription", "CreatedSubscription"],
    models.Notification: ["Notification"],
    models.PushKey: ["PushKey"],
    models.PushSubscription: ["PushSubscription"],
}
"""What each model is read from."""
DOCUMENT: Json = json.loads(generate_openapi.TARGET.read_bytes())


def test_every_model_is_compared() -> None:
    """A new one is entered above; pages are of any of them."""
    known = {model for model in vars(models).values() if isinstance(model, type) and issubclass(model, models.Model)}
    assert known - ANSWERS.keys() == {models.Model, models.Page}


@pytest.mark.parametrize("model", ANSWERS, ids=lambda model: model.__name__)
def test_a_model_takes_what_is_answered(model: type[models.Model]) -> None:
    """It needs no field that may be missing, has none that nothing answers, and takes every value there may be."""
    own = model.model_json_schema()
    answers = [DOCUMENT["components"]["schemas"][name] for name in ANSWERS[model]]
    answered = {field for answer in answers for field in answer["properties"]}
    assert own["properties"].keys() <= answered
    refused = [each for answer in answers for each in _refused(Schema(own, own), Schema(DOCUMENT, answer), "")]
    assert not refused


class Schema:
    """A schema with the document that its references are about."""

    def __init__(self, document: Json, schema: Json) -> None:
        self._document = document
        self.schema = resolved(document, schema)

    def of(self, schema: Json) -> "Schema":
        return Schema(self._document, schema)

    def alternatives(self) -> list["Schema"]:
        return [self.of(one) for one in self.schema.get("anyOf", [self.schema])]

    @property
    def values(self) -> set[Any] | None:
        """None: any of its type."""
        return {self.schema["const"]} if "const" in self.schema else set(self.schema.get("enum", ())) or None


def _refused(model: Schema, answer: Schema, place: str) -> Iterator[str]:
    """What may be answered, and the model does not take."""
    for given in answer.alternatives():
        tries = [list(_not_taken(taken, given, place)) for taken in model.alternatives()]
        if all(tries):
            yield from min(tries, key=len)


def _not_taken(model: Schema, answer: Schema, place: str) -> Iterator[str]:
    taken, given = model.schema, answer.schema
    if "type" not in taken:  # anything
        return
    if given["type"] != taken["type"] and (given["type"], taken["type"]) != ("integer", "number"):
        yield f"{place}: {given['type']} for {taken['type']}"
    elif taken["type"] == "array":
        yield from _refused(model.of(taken["items"]), answer.of(given["items"]), f"{place}[]")
    elif taken["type"] == "object":
        yield from (f"{place}.{name} may be missing" for name in _needed(taken) - _needed(given))
        own, others = taken.get("properties", {}), given.get("properties", {})
        for name in own.keys() & others.keys():
            yield from _refused(model.of(own[name]), answer.of(others[name]), f"{place}.{name}")
    elif taken.get("format") != given.get("format") and "format" in taken:
        yield f"{place}: no {taken['format']}"
    elif model.values is not None and (answer.values is None or not answer.values <= model.values):
        yield f"{place}: {answer.values or 'any text'} for {model.values}"


def _needed(schema: Json) -> set[str]:
    return set(schema.get("required", ()))
