"""Records that a relay of this process has just sent, for consumers in the same process.

On one machine all services share a process, and each reads nearly every topic. They get the records that the broker has
acknowledged from memory, under the broker's offsets. Other records are fetched as usual: those from before the consumer
started, of other processes, or too old.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord, TopicPartition

MAX_RECORDS = 2000
MAX_BYTES = 2_000_000
"""Size limit of each log."""


class LocalLog:
    """The latest records of one log, by offset."""

    def __init__(self) -> None:
        self._records: dict[int, ConsumerRecord] = {}
        self._bytes = 0
        self.end = 0
        """Offset after the last record."""

    def append(self, records: Sequence[ConsumerRecord]) -> None:
        first = records[0].offset
        if first in self._records or first < self.end - MAX_RECORDS:  # the broker has lost the log and begun another
            self._records.clear()
            self._bytes = self.end = 0
        for record in records:
            self._records[record.offset] = record
            self._bytes += len(record.value)
        self.end = max(self.end, records[-1].offset + 1)
        while self._records and (len(self._records) > MAX_RECORDS or self._bytes > MAX_BYTES):
            self._bytes -= len(self._records.pop(next(iter(self._records))).value)

    def since(self, offset: int) -> list[ConsumerRecord]:
        """Return the records from `offset` on, without a gap."""
        found: list[ConsumerRecord] = []
        while (record := self._records.get(offset)) is not None:
            found.append(record)
            offset += 1
        return found


class LocalLogs:
    """The logs of one broker that this process reads."""

    def __init__(self) -> None:
        self._readers: defaultdict[str, int] = defaultdict(int)
        self._logs: defaultdict[TopicPartition, LocalLog] = defaultdict(LocalLog)

    def open(self, topics: Iterable[str]) -> None:
        """Keep records of `topics` until `close` was called as often as `open`."""
        for topic in topics:
            self._readers[topic] += 1

    def close(self, topics: Iterable[str]) -> None:
        for topic in topics:
            self._readers[topic] -= 1
        for at in [at for at in self._logs if not self._readers[at.topic]]:
            del self._logs[at]

    def is_read(self, topic: str) -> bool:
        return self._readers.get(topic, 0) > 0

    def append(self, records: Sequence[ConsumerRecord]) -> None:
        """Store records of one log that the broker has acknowledged."""
        self._logs[TopicPartition(records[0].topic, records[0].partition)].append(records)

    def since(self, at: TopicPartition, offset: int) -> list[ConsumerRecord]:
        """Return the known records of a log from `offset` on."""
        log = self._logs.get(at)
        return log.since(offset) if log is not None else []

    def end(self, at: TopicPartition) -> int:
        """Return the offset after the last record that this process sent, 0 if there is none."""
        log = self._logs.get(at)
        return log.end if log is not None else 0


_by_broker: defaultdict[str, LocalLogs] = defaultdict(LocalLogs)


def local_logs(bootstrap: str) -> LocalLogs:
    """Return the logs of a broker in this process."""
    return _by_broker[bootstrap]
