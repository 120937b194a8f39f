"""What the shell has against an unkill: each thing alone, and nothing when all is well."""

from pathlib import Path

import pytest

from hedgebot.config.loader import Config, load_config
from hedgebot.daemon import sanity
from hedgebot.domain.errors import JournalError
from hedgebot.journal.verify import VerifyReport
from tests.unit.daemon.fakes import CONFIG, write_config

SOUND = VerifyReport(
    problems=(),
    notes=("a torn end",),
    rows=1,
    runs=1,
    market_events=0,
    orders=0,
    anchors=0,
    head_row=1,
    head_hash="00",
    last_seq=1,
    tape_last_seq=0,
)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(sanity, "verify", lambda _folder: SOUND)
    return load_config(write_config(tmp_path), state_dir=tmp_path)


async def unmet(config: Config, *, asking: str = "1.0", running: str = "", problem: str = "") -> tuple[str, ...]:
    return await sanity.unmet({"version": asking}, config, running or config.hash, "1.0", problem)


async def test_nothing_stands_against_a_sound_book(config: Config) -> None:
    assert await unmet(config) == ()


async def test_a_journal_that_cannot_be_written(config: Config) -> None:
    assert await unmet(config, problem="no space left") == (
        "the journal does not hold what is in force: no space left",
    )


async def test_another_version_asks(config: Config) -> None:
    assert "version 2.0" in (await unmet(config, asking="2.0"))[0]


async def test_another_configuration_runs(config: Config) -> None:
    assert "runs by configuration beef" in (await unmet(config, running="beef"))[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [(CONFIG.replace("band_coin = 0.25", "band_coin = 0.3"), "put it back"), ("nonsense", "cannot be read")],
)
async def test_another_configuration_is_on_disk(config: Config, text: str, words: str) -> None:
    config.path.write_text(text)
    assert words in (await unmet(config))[0]


async def test_a_chain_that_is_broken_or_cannot_be_read(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    broken = msgspec.structs.replace(SOUND, problems=("row 3 was edited",))
    monkeypatch.setattr(sanity, "verify", lambda _folder: broken)
    assert await unmet(config) == ("the journal's chain is not sound: row 3 was edited",)

    def absent(_folder: Path) -> VerifyReport:
        raise JournalError("no key")

    monkeypatch.setattr(sanity, "verify", absent)
    assert "cannot be verified: no key" in (await unmet(config))[0]
