"""What the archive is made of. Standard library only."""

from dataclasses import dataclass, field

PREFIX = "archive/events"


@dataclass(slots=True)
class Chunk:
    """Rows of one day that came together and wait for their segment."""

    id: str
    day: str
    lines: list[bytes] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Segment:
    """One Parquet file of one day (UTC, by the events' times)."""

    id: str
    day: str
    events: int
    size: int
    """Of the file, in bytes; of the rows while it is only planned."""

    @property
    def key(self) -> str:
        """Where it is in the bucket: folders as Hive, and so Athena, Spark and DuckDB, read partitions."""
        return f"{PREFIX}/day={self.day}/{self.id}.parquet"


@dataclass(frozen=True, slots=True)
class SegmentLimits:
    """When what waits is written: after so many seconds, or once so many events or bytes wait."""

    seconds: float
    events: int
    bytes: int
