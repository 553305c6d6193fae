"""Whoever can write to the database alone can't hide what they did to the audit log, up to its last anchor."""

from dataclasses import replace

from audit_fakes import Database, World, entry
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from docstore_analytics.audit.rules import NO_HEAD
from docstore_analytics.metrics import audit_contradicted


async def written(*counts: int) -> World:
    """A log that grew by so many entries at a time, and was sealed and anchored each time."""
    world = World()
    for count in counts:
        world.append(count)
        await world.sealer.seal_due()
        await world.sealer.anchor_due()
    return world


def cut(database: Database, number: int, heads: dict[int, Database]) -> None:
    """Cut off what follows, and put the head back that there was then: it is well signed."""
    database.entries = {each: chained for each, chained in database.entries.items() if each <= number}
    database.head = heads[number].head
    database.seals = {first: seal for first, seal in database.seals.items() if seal.last <= number}


async def test_a_log_that_grows_verifies() -> None:
    """From the first entry on, sealed or not, also after a restart, with how far it is anchored."""
    assert (await World().verify()).broken is None
    world = await written(3, 4, 1)
    found = await world.verify()
    assert (found.broken, found.anchor and found.anchor.number, found.not_compared) == (None, 8, "")
    world.restart()
    world.append(1)
    assert (await world.verify()).broken is None
    assert await world.sealer.anchor_due()
    assert not await world.sealer.anchor_due()


async def test_a_log_of_an_earlier_version_is_anchored_as_it_is() -> None:
    """It has seals and no anchor yet."""
    world = World()
    world.append(9)
    await world.sealer.seal_due()
    assert (await world.verify()).anchor is None
    await world.sealer.anchor_due()
    found = await world.verify()
    assert (found.broken, found.anchor and found.anchor.sealed_to) == (None, 8)


async def test_an_unsealed_tail_that_is_cut_off_with_its_earlier_head_is_missed() -> None:
    """What only the chain would not show, since that head was signed once."""
    world = await written(2)
    earlier = world.snapshot()
    world.append(1)
    await world.sealer.anchor_due()
    world.database = earlier
    broken = (await world.verify()).broken
    assert broken is not None
    assert (broken.number, broken.reason) == (3, "cut_off")


async def test_new_entries_do_not_cover_a_cut() -> None:
    """The log grows past its anchor again, with other entries; it is neither anchored nor sealed any more."""
    world = await written(2)
    earlier = world.snapshot()
    world.append(1)
    await world.sealer.anchor_due()
    world.database = earlier
    world.append(9)
    objects = dict(world.objects.kept)
    assert (await world.verify()).broken is not None
    with capture_logs() as logs:
        await world.sealer.seal_due()
        await world.sealer.anchor_due()
    assert world.objects.kept == objects
    assert [line["event"] for line in logs] == ["audit_log_tampered"]
    assert audit_contradicted._value.get() == 1


async def test_deleted_seals_are_missed() -> None:
    """All, the last, one in the middle; or one that names another object."""
    world = await written(4, 4, 4, 1)
    whole = world.snapshot()
    for gone in ([1, 5, 9], [9], [5]):
        world.database = Database(**vars(whole) | {"seals": {n: s for n, s in whole.seals.items() if n not in gone}})
        broken = (await world.verify()).broken
        assert (broken and broken.reason) == "seal_missing"
    world.database.seals = whole.seals | {5: replace(whole.seals[5], key="contents/mine")}
    broken = (await world.verify()).broken
    assert (broken and broken.number) == 5


async def test_a_wiped_database_is_no_empty_log() -> None:
    """Nothing of it is left: the object store knows how many entries there were."""
    world = await written(4, 3)
    world.database = Database()
    world.restart()
    broken = (await world.verify()).broken
    assert broken is not None
    assert (broken.number, broken.reason) == (1, "cut_off")


async def test_an_anchor_that_is_gone_or_changed_is_named() -> None:
    """The database knows that it was written; the key, that it was not written so."""
    world = await written(1, 1, 1)
    *_, last = [key for key in world.objects.kept if "anchors" in key]
    kept = world.objects.kept.pop(last)
    assert (await world.verify()).broken.reason == "anchor_missing"  # type: ignore[union-attr]
    for forged in (b"nonsense", b"[]", kept.replace(b'"number":3', b'"number":2')):
        world.objects.kept[last] = forged
        assert (await world.verify()).broken.reason == "anchor_changed"  # type: ignore[union-attr]


async def test_without_the_object_store_nothing_is_reported_as_verified() -> None:
    """The chain is checked, and the answer states that nothing else is."""
    world = await written(4, 1)
    world.objects.away = True
    found = await world.verify()
    assert (found.broken, found.number) == (None, 5)
    assert "is unavailable" in found.not_compared
    world.database.entries[2] = replace(world.database.entries[2], entry=entry(7))
    assert (await world.verify()).broken is not None


@st.composite
def tamperings(draw: st.DrawFn) -> tuple[str, int, int]:
    how = draw(st.sampled_from(["cut", "replay", "wipe", "seals", "edit", "swap", "delete", "head", "note"]))
    return how, draw(st.integers(0, 30)), draw(st.integers(0, 30))


def tamper(world: World, how: str, one: int, two: int, past: dict[int, Database]) -> None:
    """What someone does who can write to the database, knows all its earlier states, and has not the key."""
    database = world.database
    numbers = sorted(database.entries)
    if how == "wipe" or not numbers:
        world.database = Database()
    elif how == "replay":
        world.database = world_of(past, one)
    elif how == "cut":
        cut(database, sorted(past)[one % len(past)], past)
    elif how == "seals":
        database.seals = {first: seal for first, seal in database.seals.items() if first % 4 != one % 4 and one % 2}
    elif how == "edit":
        number = numbers[one % len(numbers)]
        database.entries[number] = replace(database.entries[number], entry=entry(1000 + two))
    elif how == "swap":
        first, second = numbers[one % len(numbers)], numbers[two % len(numbers)]
        kept = database.entries
        kept[first], kept[second] = (
            replace(kept[second], number=first),
            replace(kept[first], number=second),
        )
    elif how == "delete":
        del database.entries[numbers[one % len(numbers)]]
    elif how == "head":
        database.head = world_of(past, one).head if two % 2 else NO_HEAD
    elif how == "note":
        database.anchor_seq = one % (database.anchor_seq + 2)


def world_of(past: dict[int, Database], one: int) -> Database:
    state = past[sorted(past)[one % len(past)]]
    return Database(dict(state.entries), state.head, dict(state.seals), state.anchor_seq)


@settings(max_examples=4 * settings().max_examples, deadline=None)
@given(
    growth=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    unanchored=st.integers(0, 3),
    attacks=st.lists(tamperings(), min_size=0, max_size=4),
    after=st.integers(0, 5),
)
async def test_all_tampering_before_the_last_anchor_is_detected(
    growth: list[int], unanchored: int, attacks: list[tuple[str, int, int]], after: int
) -> None:
    """However it is combined, and whatever the service does afterwards; and what is as it was is not suspected."""
    world = World()
    past: dict[int, Database] = {0: world.snapshot()}
    for count in growth:
        world.append(count)
        await world.sealer.seal_due()
        await world.sealer.anchor_due()
        past[world.database.head.number] = world.snapshot()
    anchored = world.snapshot()
    if unanchored:
        world.append(unanchored)
        past[world.database.head.number] = world.snapshot()
    for how, one, two in attacks:
        tamper(world, how, one, two, past)
    touched = {number: world.database.entries.get(number) for number in anchored.entries} != anchored.entries
    unsealed = any(world.database.seals.get(first) != seal for first, seal in anchored.seals.items())
    untouched = world.database == past[max(past)]
    world.restart()
    if after:
        world.append(after)
        await world.sealer.seal_due()
        await world.sealer.anchor_due()
    found = await world.verify()
    if touched or unsealed or world.database.head.number < anchored.head.number:
        assert found.broken is not None
    if untouched:
        assert found.broken is None
