from pathlib import Path

import pytest

from hedgebot.console.replaying import engine_factory, replay_journal
from hedgebot.core.state import encode_state
from hedgebot.domain.errors import JournalError
from tests.unit.console.conftest import recorded_book


def test_a_replay_is_the_same_engine_again(journal_dir: Path) -> None:
    seen = []
    report = replay_journal(journal_dir, observer=lambda stamped, commands, engine: seen.append(engine))
    assert report.problems == ()
    assert report.events == len(seen) == len(recorded_book().log)
    assert encode_state(seen[-1].state) == encode_state(recorded_book().state)


def test_an_engine_can_start_from_a_snapshot(journal_dir: Path) -> None:
    state = encode_state(recorded_book().state)
    assert encode_state(engine_factory(journal_dir)(state).state) == state


def test_an_absent_journal_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal here"):
        replay_journal(tmp_path)
