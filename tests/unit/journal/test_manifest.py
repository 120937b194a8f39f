import platform

import msgspec
import pytest

from hedgebot.domain.errors import JournalCorrupt
from hedgebot.journal.manifest import (
    Manifest,
    RunHeader,
    RunRecord,
    build_manifest,
    cpu_features,
    decode_run,
    same_arithmetic,
)
from tests.unit.journal.world import SETTINGS


def test_a_manifest_describes_this_process() -> None:
    manifest = build_manifest(SETTINGS, version="1.0", git_sha="abc", operator="eve", lock_hash="def")
    assert manifest.python == platform.python_version()
    assert manifest.config_hash == SETTINGS.config_hash
    assert manifest.libraries["msgspec"] == msgspec.__version__
    assert "absent" not in manifest.libraries.values()
    assert (manifest.git_sha, manifest.operator, manifest.lock_hash) == ("abc", "eve", "def")


def test_a_run_record_survives() -> None:
    header = RunHeader(run_id="1-a", epoch=1, first_seq=1, started_at_ns=2)
    record = RunRecord(header=header, settled_seq=0, manifest=build_manifest(SETTINGS, version="1"))
    assert decode_run(msgspec.json.encode(record)) == record
    with pytest.raises(JournalCorrupt):
        decode_run(b"{}")


@pytest.mark.parametrize(
    "changed",
    [
        {"python": "3.13.0"},
        {"machine": "riscv"},
        {"cpu_features": ("mmx",)},
        {"libraries": {"numpy": "1", "scipy": "1"}},
    ],
)
def test_arithmetic_is_the_same_on_the_same_machine_only(changed: dict[str, object]) -> None:
    here = build_manifest(SETTINGS, version="1")
    newer = msgspec.structs.replace(here, version="2", sqlite="4.0", system="Plan 9")
    other: Manifest = msgspec.structs.replace(here, **changed)
    assert same_arithmetic(here, newer)
    assert not same_arithmetic(here, other)


def test_processor_features_are_sorted_and_repeat() -> None:
    assert list(cpu_features()) == sorted(cpu_features())
    assert cpu_features() == cpu_features()
