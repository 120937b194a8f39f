"""Which bytes of an SQLite file say something: an independent reading of the file format, for tests that damage files.

After the published description of the database file format (sqlite.org/fileformat2.html): b-tree pages, their cell
pointers and cells, and overflow pages are live; gaps between cells and pages on the free list are not.
"""

import sqlite3
from pathlib import Path

HEADER_BYTES = 100
TABLE_LEAF, TABLE_INSIDE, INDEX_LEAF, INDEX_INSIDE = 13, 5, 10, 2


def live_bytes(path: Path) -> list[int]:
    """Offsets of every live byte of a closed database without a write-ahead log."""
    link = sqlite3.connect(path)
    roots = [1, *(row[0] for row in link.execute("SELECT rootpage FROM sqlite_master WHERE rootpage"))]
    link.close()
    reader = _Reader(path.read_bytes())
    for root in roots:
        reader.tree(root)
    return sorted(reader.live)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        size = int.from_bytes(data[16:18], "big")
        self._page = 65_536 if size == 1 else size
        self._usable = self._page - data[20]
        self.live: set[int] = set()

    def tree(self, number: int) -> None:
        base = (number - 1) * self._page
        head = base + (HEADER_BYTES if number == 1 else 0)
        kind, cells = self._data[head], int.from_bytes(self._data[head + 3 : head + 5], "big")
        inside = kind in {TABLE_INSIDE, INDEX_INSIDE}
        pointers = head + (12 if inside else 8)
        self.live.update(range(head, pointers + 2 * cells))
        if inside:
            self.tree(int.from_bytes(self._data[head + 8 : head + 12], "big"))
        for place in range(pointers, pointers + 2 * cells, 2):
            self._cell(kind, base + int.from_bytes(self._data[place : place + 2], "big"), inside=inside)

    def _cell(self, kind: int, start: int, *, inside: bool) -> None:
        place = start
        if inside:
            self.tree(int.from_bytes(self._data[place : place + 4], "big"))
            place += 4
        if kind == TABLE_INSIDE:
            self.live.update(range(start, self._varint(place)[1]))
            return
        payload, place = self._varint(place)
        if kind == TABLE_LEAF:
            _, place = self._varint(place)
        local = self._local(kind, payload)
        self.live.update(range(start, place + local))
        if local < payload:
            self.live.update(range(place + local, place + local + 4))
            self._overflow(int.from_bytes(self._data[place + local : place + local + 4], "big"), payload - local)

    def _overflow(self, number: int, left: int) -> None:
        while number and left > 0:
            base = (number - 1) * self._page
            used = min(left, self._usable - 4)
            self.live.update(range(base, base + 4 + used))
            number, left = int.from_bytes(self._data[base : base + 4], "big"), left - used

    def _local(self, kind: int, payload: int) -> int:
        """How much of a payload stands in the cell itself."""
        usable = self._usable
        most = usable - 35 if kind == TABLE_LEAF else (usable - 12) * 64 // 255 - 23
        if payload <= most:
            return payload
        least = (usable - 12) * 32 // 255 - 23
        some = least + (payload - least) % (usable - 4)
        return some if some <= most else least

    def _varint(self, place: int) -> tuple[int, int]:
        value = 0
        for count in range(9):
            byte = self._data[place + count]
            if count == 8:
                return value << 8 | byte, place + 9
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, place + count + 1
        raise AssertionError("a varint has at most nine bytes")
