"""Detection of a lost log by its consumer."""

from typing import Any

from aiokafka import TopicPartition

from docstore_events.consuming.read_logs import ReadLogs

FILES = TopicPartition("files", 0)


class FakeConsumer:
    """Has read up to `at`; `answer` is the broker's end of the log."""

    def __init__(self, at: int) -> None:
        self.at, self.end, self.answers = at, at, 0

    def answer(self, end: int) -> None:
        self.end, self.answers = end, self.answers + 1

    def assignment(self) -> set[TopicPartition]:
        return {FILES}

    def highwater(self, _: TopicPartition) -> int:
        return self.end

    def last_poll_timestamp(self, _: TopicPartition) -> int:
        return self.answers

    async def position(self, _: TopicPartition) -> int:
        return self.at


async def test_a_log_is_lost_once_two_answers_end_before_our_position() -> None:
    """The second check must have a second answer: the same one seen twice proves nothing."""
    kafka: Any = FakeConsumer(at=10)
    logs = ReadLogs(kafka)
    kafka.answer(3)
    assert await logs.lost() == []
    assert logs.suspected
    assert await logs.lost() == []
    kafka.answer(3)
    assert await logs.lost() == [FILES]


async def test_one_old_answer_makes_no_log_lost() -> None:
    """The embedded broker may answer with the end from before what we have read: nothing is read again for that."""
    kafka: Any = FakeConsumer(at=10)
    logs = ReadLogs(kafka)
    kafka.answer(9)
    assert await logs.lost() == []
    kafka.answer(10)
    assert await logs.lost() == []
    assert not logs.suspected
    kafka.at = 12
    kafka.answer(11)
    assert await logs.lost() == []
    kafka.at = 13
    kafka.answer(12)
    assert await logs.lost() == []


async def test_lag_is_what_is_behind_and_never_less_than_nothing() -> None:
    """An old answer about one partition does not hide what waits in another."""
    kafka: Any = FakeConsumer(at=10)
    kafka.answer(14)
    assert await ReadLogs(kafka).lag({}) == {"files": 4}
    kafka.answer(8)
    assert await ReadLogs(kafka).lag({}) == {"files": 0}


async def test_a_batch_that_is_not_handled_yet_counts_as_behind() -> None:
    """Else a consumer that fails at the same batch again and again would seem to be up to date."""
    kafka: Any = FakeConsumer(at=10)
    kafka.answer(14)
    assert await ReadLogs(kafka).lag({FILES: 7, TopicPartition("usage", 0): 1}) == {"files": 7}
