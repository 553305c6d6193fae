"""The audit log's chain: verification names the first entry that was tampered with."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from analytics_events import AT
from hypothesis import given
from hypothesis import strategies as st

from docstore_analytics.audit.rules import BEGINNING, NO_HEAD, Break, Chain, Chained, Entry, Head, chained_of, row_of

CHAIN = Chain(b"key")
NUMBERS = st.integers(0, 9)


def entry(number: int) -> Entry:
    return Entry(
        at=AT + timedelta(milliseconds=number),
        kind="call",
        action="GET /v1/files",
        actor_id="ann",
        object_id=f"file-{number}",
        status=200,
        client="203.0.113.7",
        session_id="session",
        source_id=f"request-{number}",
        detail="/v1/files/f/content",
    )


def chain(length: int = 10) -> tuple[list[Chained], Head]:
    chained = CHAIN.append([entry(number) for number in range(length)], NO_HEAD)
    return chained, CHAIN.head(chained[-1])


def first_break(chained: list[Chained], head: Head) -> Break | None:
    number, signature = 0, BEGINNING
    for each in chained:
        broken = CHAIN.check(each, number + 1, signature)
        if broken:
            return broken
        number, signature = each.number, each.signature
    return CHAIN.check_head(head, number, signature)


def test_a_chain_as_it_was_written_is_whole() -> None:
    """Also one that was written in several goes, and one without an entry."""
    begun, head = chain(3)
    more = CHAIN.append([entry(3), entry(4)], head)
    assert first_break([*begun, *more], CHAIN.head(more[-1])) is None
    assert first_break([], NO_HEAD) is None


OTHER: dict[str, Any] = {
    "at": AT + timedelta(days=1),
    "kind": "change",
    "action": "GET /v1/search",
    "actor_id": "bob",
    "object_id": "other",
    "status": 403,
    "client": "",
    "session_id": "other",
    "source_id": "other",
    "detail": "/v1/files/g/content",
}


@pytest.mark.parametrize("field", OTHER)
@given(number=NUMBERS)
def test_a_changed_field_is_found_in_its_entry(field: str, number: int) -> None:
    """Every field is signed."""
    chained, head = chain()
    chained[number] = replace(chained[number], entry=replace(chained[number].entry, **{field: OTHER[field]}))
    assert first_break(chained, head) == Break(number + 1, "changed", "its signature does not match its contents")


@pytest.mark.parametrize("field", ["signature", "previous"])
@given(number=NUMBERS)
def test_a_changed_signature_is_found_in_its_entry(field: str, number: int) -> None:
    """Both that of the entry and that of the one before."""
    chained, head = chain()
    chained[number] = replace(chained[number], **{field: "f" * 64})
    broken = first_break(chained, head)
    assert broken is not None
    assert (broken.number, broken.reason) == (number + 1, "changed")


@given(number=NUMBERS)
def test_an_entry_that_is_gone_is_named(number: int) -> None:
    """By its number; of the last one, the head knows."""
    chained, head = chain()
    del chained[number]
    broken = first_break(chained, head)
    assert broken is not None
    assert (broken.number, broken.reason) == (number + 1, "cut_off" if number == 9 else "missing")


@given(number=NUMBERS, key=st.binary(min_size=1).filter(lambda key: key != b"key"))
def test_entries_written_anew_without_the_key_are_found(number: int, key: bytes) -> None:
    """The first of them is named, though all that follows is consistent in itself, the head too."""
    chained, _ = chain()
    forger = Chain(key)
    before = Head(number, chained[number - 1].signature if number else BEGINNING, "", "")
    forged = forger.append([entry(99 + each) for each in range(10 - number)], before)
    broken = first_break([*chained[:number], *forged], forger.head(forged[-1]))
    assert broken is not None
    assert (broken.number, broken.reason) == (number + 1, "changed")


@given(first=NUMBERS, second=NUMBERS)
def test_entries_that_changed_places_are_found(first: int, second: int) -> None:
    """With their numbers, or renumbered."""
    chained, head = chain()
    low, high = sorted((first, second))
    chained[low], chained[high] = chained[high], chained[low]
    broken = first_break(chained, head)
    assert (broken and broken.number) == (low + 1 if low != high else None)
    renumbered = [replace(each, number=number) for number, each in enumerate(chained, 1)]
    broken = first_break(renumbered, head)
    assert (broken and broken.number) == (low + 1 if low != high else None)


def test_a_valid_entry_behind_another_one_is_unlinked() -> None:
    """Two chains of one key can't be put together."""
    chained, head = chain()
    other = CHAIN.append([entry(number + 50) for number in range(10)], NO_HEAD)
    broken = first_break([*other[:5], *chained[5:]], head)
    assert broken is not None
    assert (broken.number, broken.reason) == (6, "unlinked")


@given(length=st.integers(1, 9))
def test_a_log_that_is_cut_off_with_its_head_set_back_is_found(length: int) -> None:
    """The end has a seal of its own: the last entry's signature does not make one."""
    chained, head = chain()
    last = chained[length - 1]
    cut = Head(last.number, last.signature, head.seal, head.key)
    broken = first_break(chained[:length], cut)
    assert broken is not None
    assert broken.reason == "head_changed"


def test_a_row_is_stored_and_read_as_it_is() -> None:
    """Nothing is lost on the way to the database."""
    chained, _ = chain(2)
    assert [chained_of(row_of(each)) for each in chained] == chained


@pytest.mark.parametrize("value", [None, 7, b"bytes", ["list"], {"a": 1}])
def test_something_else_in_a_field_is_a_change_and_no_error(value: Any) -> None:
    """The verifier goes through whatever it finds."""
    chained, head = chain(2)
    for field in ("at", "action", "status", "detail"):
        row = {**row_of(chained[0]), field: value}
        broken = first_break([chained_of(row), chained[1]], head)
        assert broken is not None
        assert (broken.number, broken.reason) == (1, "changed")
