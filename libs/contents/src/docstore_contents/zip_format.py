"""The ZIP format (PKWARE APPNOTE 6.3.10) of a stream: stored entries, whose length is known before they are read.

The checksum of a file follows its bytes, in a data descriptor, since it is only known once they have been read. ZIP64
where sizes, offsets or the number of entries need it. Paths are UTF-8; that of a folder ends with a slash.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime

_LOCAL = struct.Struct("<4s5H3L2H")
_DESCRIPTOR = struct.Struct("<4s3L")
_DESCRIPTOR64 = struct.Struct("<4sL2Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")

_MAX32, _MAX16 = 0xFFFFFFFF, 0xFFFF
_STORED = 0
_VERSION, _VERSION64 = 20, 45
_MADE_BY_UNIX = 3 << 8
_DESCRIPTOR_FOLLOWS, _UTF8 = 1 << 3, 1 << 11
_FILE_MODE, _FOLDER_MODE = 0o100644 << 16, 0o40755 << 16 | 0x10
_EXTRA64, _EXTRA_TIME = 0x0001, 0x5455
_HAS_MODIFIED = 1
_FIRST_DAY, _LAST_DAY = datetime(1980, 1, 1, tzinfo=UTC), datetime(2107, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A file or folder; `size` in bytes, `modified_at` in seconds since 1970."""

    path: str
    size: int
    modified_at: int

    @property
    def is_folder(self) -> bool:
        return self.path.endswith("/")

    @property
    def _is_large(self) -> bool:
        return self.size >= _MAX32

    def local_header(self) -> bytes:
        """What precedes the bytes; sizes and checksum are 0 where the data descriptor has them."""
        path, extra, sizes = self.path.encode(), self._time_extra(), 0
        if self._is_large:
            extra = struct.pack("<2H2Q", _EXTRA64, 16, 0, 0) + extra
            sizes = _MAX32
        version = _VERSION64 if self._is_large else _VERSION
        clock, day = self._dos_time()
        return (
            _LOCAL.pack(b"PK\3\4", version, self._flags, _STORED, clock, day, 0, sizes, sizes, len(path), len(extra))
            + path
            + extra
        )

    def descriptor(self, crc: int) -> bytes:
        """What follows the bytes of a file."""
        if self.is_folder:
            return b""
        form = _DESCRIPTOR64 if self._is_large else _DESCRIPTOR
        return form.pack(b"PK\7\x08", crc, self.size, self.size)

    def central_header(self, crc: int, offset: int) -> bytes:
        """Its record in the central directory; `offset` is that of the local header."""
        large = [self.size, self.size] if self._is_large else []
        if offset >= _MAX32:
            large.append(offset)
        extra = struct.pack(f"<2H{len(large)}Q", _EXTRA64, 8 * len(large), *large) if large else b""
        extra += self._time_extra()
        path, size = self.path.encode(), min(self.size, _MAX32)
        version = _VERSION64 if large else _VERSION
        clock, day = self._dos_time()
        mode = _FOLDER_MODE if self.is_folder else _FILE_MODE
        numbers = (len(path), len(extra), 0, 0, 0, mode, min(offset, _MAX32))
        head = (b"PK\1\2", _MADE_BY_UNIX | version, version, self._flags, _STORED, clock, day)
        return _CENTRAL.pack(*head, crc, size, size, *numbers) + path + extra

    @property
    def _flags(self) -> int:
        return _UTF8 if self.is_folder else _UTF8 | _DESCRIPTOR_FOLLOWS

    def _dos_time(self) -> tuple[int, int]:
        """Time and day with a precision of two seconds, for programs that ignore the exact one; UTC."""
        low, high = int(_FIRST_DAY.timestamp()), int(_LAST_DAY.timestamp())
        moment = datetime.fromtimestamp(min(max(self.modified_at, low), high), UTC)
        day = (moment.year - 1980) << 9 | moment.month << 5 | moment.day
        return moment.hour << 11 | moment.minute << 5 | moment.second // 2, day

    def _time_extra(self) -> bytes:
        """The extended timestamp; none outside its 32 bits."""
        if not -(1 << 31) <= self.modified_at < 1 << 31:
            return b""
        return struct.pack("<2HBl", _EXTRA_TIME, 5, _HAS_MODIFIED, self.modified_at)


def end_records(entries: int, directory_offset: int, directory_bytes: int) -> bytes:
    """What follows the central directory."""
    end64 = b""
    if entries >= _MAX16 or directory_offset >= _MAX32 or directory_bytes >= _MAX32:
        version = _MADE_BY_UNIX | _VERSION64
        places = (entries, entries, directory_bytes, directory_offset)
        end64 = _END64.pack(b"PK\6\6", _END64.size - 12, version, _VERSION64, 0, 0, *places)
        end64 += _LOCATOR64.pack(b"PK\6\7", 0, directory_offset + directory_bytes, 1)
    count = min(entries, _MAX16)
    offset, size = min(directory_offset, _MAX32), min(directory_bytes, _MAX32)
    return end64 + _END.pack(b"PK\5\6", 0, 0, count, count, size, offset, 0)
