"""Canary secrets: planted where real ones stand, and looked for in everything that a run leaves behind (fault S01).

Knows no redaction of ours: what is looked for, and in which writings, is written here a second time.
"""

import base64
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import zstandard

FOLDER = "secrets"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Canaries:
    """A key, a secret and a passphrase that no run before had, in `folder/secrets`."""

    def __init__(self, folder: Path) -> None:
        self.key, self.secret, self.passphrase = (f"Canary/{word}+{secrets.token_hex(10)}" for word in ("k", "s", "p"))
        self.folder = folder / FOLDER
        self.folder.mkdir(mode=0o700)
        for name, value in (("key", self.key), ("secret", self.secret)):
            (self.folder / name).write_text(value, "utf-8")
            (self.folder / name).chmod(0o600)

    @property
    def values(self) -> tuple[str, ...]:
        return (self.key, self.secret, self.passphrase)

    def plant_scenario(self, scenario: Path) -> Path:
        """The same scenario with our keys for those of the demo."""
        text = scenario.read_text("utf-8").replace('"demo-key"', f'"{self.key}"')
        planted = self.folder / scenario.name
        planted.write_text(text.replace('"demo-secret"', f'"{self.secret}"'), "utf-8")
        return planted

    def plant_config(self, text: str) -> str:
        """The same configuration with our key files beside the address of the exchange."""
        lines = [f'{name}_file = "{FOLDER}/{name.removeprefix("api_")}"' for name in ("api_key", "api_secret")]
        first, found, rest = text.partition("endpoint = ")
        address, newline, after = rest.partition("\n")
        return first + found + address + newline + "\n".join([*lines, after]) if found else text

    def leaks(self, *places: Path) -> list[str]:
        """Each file below the places that holds a canary in any writing, but for the folder of secrets itself."""
        wanted = {shape: value[:8] for value in self.values for shape in writings(value)}
        found = []
        for place in places:
            for path in sorted(one for one in place.rglob("*") if one.is_file() and self.folder not in one.parents):
                for where, data in contents(path):
                    found += [f"{path}{where}: {name}" for shape, name in wanted.items() if shape in data]
        return found


def writings(value: str) -> set[bytes]:
    """The ways in which a secret may be written into a file."""
    raw = value.encode()
    shapes = {
        raw,
        quote(value, safe="").encode(),
        quote(value).encode(),
        raw.hex().encode(),
        raw.hex().upper().encode(),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            # Somewhere inside a longer text: only the characters that depend on the secret alone.
            text = encode(bytes(shift) + raw + bytes(3))
            shapes.add(text[4 if shift else 0 : (shift + len(raw)) * 8 // 6])
    return shapes


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file's bytes, and what is packed in it: rows of a database, compressed states and frames of the tape."""
    data = path.read_bytes()
    yield "", data
    if path.suffix == ".db":
        yield from _database(path)
    for number, piece in enumerate(data.split(ZSTD_MAGIC)[1:]):
        yield f" (packed {number})", _unpacked(ZSTD_MAGIC + piece)


def _database(path: Path) -> Iterator[tuple[str, bytes]]:
    link = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        tables = [name for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for number, row in enumerate(link.execute(f"SELECT * FROM {table}")):
                yield f" ({table} {number})", b"\0".join(_bytes(row))
    finally:
        link.close()


def _bytes(row: Iterable[object]) -> Iterator[bytes]:
    for value in row:
        if isinstance(value, bytes):
            yield value
            if value.startswith(ZSTD_MAGIC):
                yield _unpacked(value)
        else:
            yield str(value).encode()


def _unpacked(data: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    except zstandard.ZstdError:
        return b""
