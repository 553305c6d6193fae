"""Chunks of pending rows, and the segments written from them. Standard library only."""

from dataclasses import dataclass, field

from docstore_analytics.archive.columns import EVENTS, Table


@dataclass(slots=True)
class Chunk:
    """Rows of one day that arrived together and wait for a segment."""

    id: str
    day: str
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """A Parquet file of one day (UTC, by the events' times)."""

    id: str
    day: str
    events: int
    size: int
    """Bytes of the file; of the rows while it is only planned."""
    table: Table = EVENTS

    @property
    def key(self) -> str:
        """Object key: folders as Hive, and so Athena, Spark and DuckDB, read partitions."""
        return f"{self.table.prefix}/day={self.day}/{self.id}.parquet"


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """When pending rows are written: after so many seconds, events or bytes."""

    seconds: float
    events: int
    bytes: int
