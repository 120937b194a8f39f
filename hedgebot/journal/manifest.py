"""The run manifest: which program, on which machine, with which settings wrote the rows that follow.

It tells a replay whether it may expect the same bits (same interpreter, numpy and processor features) or only the same
decisions within a tolerance. Holds no secret: settings are the engine's, which never see one.
"""

import platform
import sqlite3
import sys
from importlib import metadata
from pathlib import Path

import msgspec

from hedgebot.domain.errors import JournalCorrupt
from hedgebot.domain.settings import EngineSettings
from hedgebot.journal.schema import SCHEMA_VERSION

_LIBRARIES = ("aiosqlite", "ccxt", "msgspec", "numpy", "scipy", "zstandard")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """One run's header row. `cpu_features` are the processor's flags as the system names them, sorted."""

    version: str
    config_hash: str
    settings: EngineSettings
    python: str
    sqlite: str
    libraries: dict[str, str]
    system: str
    machine: str
    cpu_features: tuple[str, ...]
    schema_version: int
    git_sha: str | None = None
    operator: str | None = None
    lock_hash: str | None = None


class RunHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A run as the journal knows it: `epoch` is larger than any before it, `first_seq` is the seq of RunStarted."""

    run_id: str
    epoch: int
    first_seq: int
    started_at_ns: int


class RunRecord(msgspec.Struct, frozen=True, kw_only=True, tag="RunManifest"):
    """Payload of the row that opens a run. `settled_seq` is where the run before it ends for every replay."""

    header: RunHeader
    settled_seq: int
    manifest: Manifest


def decode_run(payload: bytes) -> RunRecord:
    """Read a run's opening row; raises JournalCorrupt where it is something else."""
    try:
        return msgspec.json.decode(payload, type=RunRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise JournalCorrupt(f"the opening row of a run cannot be read ({error})") from error


def build_manifest(
    settings: EngineSettings,
    *,
    version: str,
    git_sha: str | None = None,
    operator: str | None = None,
    lock_hash: str | None = None,
) -> Manifest:
    """Describe this process."""
    return Manifest(
        version=version,
        config_hash=settings.config_hash,
        settings=settings,
        python=sys.version.split()[0],
        sqlite=sqlite3.sqlite_version,
        libraries={name: _library(name) for name in _LIBRARIES},
        system=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        cpu_features=cpu_features(),
        schema_version=SCHEMA_VERSION,
        git_sha=git_sha,
        operator=operator,
        lock_hash=lock_hash,
    )


def same_arithmetic(one: Manifest, other: Manifest) -> bool:
    """Whether floats may be expected to agree to the last bit."""
    names = ("numpy", "scipy")
    return (
        one.python == other.python
        and one.machine == other.machine
        and one.cpu_features == other.cpu_features
        and all(one.libraries.get(name) == other.libraries.get(name) for name in names)
    )


def cpu_features() -> tuple[str, ...]:
    """Vector features of the processor that decide how numpy sums; empty where the system does not tell."""
    path = Path("/proc/cpuinfo")
    if not path.exists():
        return ()
    wanted = ("sse", "ssse", "avx", "fma", "asimd", "sve", "neon")
    for line in path.read_text("utf-8", "replace").splitlines():
        name, _, flags = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return tuple(sorted(flag for flag in flags.split() if flag.startswith(wanted)))
    return ()


def _library(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "absent"
