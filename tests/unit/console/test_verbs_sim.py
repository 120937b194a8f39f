from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from hedgebot.lab import campaign
from hedgebot.lab.worldbooks import BookKind

Run = Callable[..., tuple[int, str, str]]


def test_a_world_is_played_and_scored(hedgebot: Run) -> None:
    code, out, _ = hedgebot("sim", "run", "--seed", "1", "--minutes", "5", "--only", "N05")
    assert code == 0
    assert "N05  3       1     1   orders are taken, their answers are lost" in out
    assert "score 100.0% of the weight that was played, 3 of 152" in out
    assert 'S03  2       make test ARGS="-k test_s03_"' in out
    assert "times real time" in out
    assert "not drawn by these seeds: N01, N02, N04, N06" in out


def test_programs_get_the_numbers(hedgebot: Run) -> None:
    code, out, _ = hedgebot("sim", "run", "--seed", "1", "--minutes", "5", "--only", "N06", "--json")
    card = orjson.loads(out)
    assert code == 0
    assert (card["runs"], card["failed"], card["score"]) == (1, [], 1.0)


@pytest.mark.parametrize(
    ("words", "book"),
    [
        (("--seed", "10"), BookKind.ONE),
        (("--seed", "10", "--book", "two"), BookKind.TWO),
        (("--first", "10", "--seeds", "1"), None),
        (("--first", "10", "--seeds", "1", "--book", "switch"), BookKind.SWITCH),
    ],
)
def test_a_seed_alone_has_one_hedge_and_a_campaign_draws(
    hedgebot: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], book: BookKind | None
) -> None:
    """Seed 10 is one for which two hedges are drawn."""
    asked: list[object] = []

    def played(*_: object, **given: object) -> campaign.Scorecard:
        asked.append(given["book"])
        return campaign.score([])

    monkeypatch.setattr(campaign, "campaign", played)
    hedgebot("sim", "run", *words)
    assert asked == [book]


def test_an_unknown_mishap_and_too_short_a_world_are_refused(hedgebot: Run) -> None:
    code, _, err = hedgebot("sim", "run", "--only", "X99")
    assert code == 2
    assert "there is no mishap 'X99'; known: N01, N01d, N02" in err
    code, _, err = hedgebot("sim", "run", "--book", "three")
    assert code == 2
    assert "there is no book 'three'; known: one, two, switch" in err
    code, _, err = hedgebot("sim", "run", "--minutes", "1")
    assert (code, "at least 4" in err) == (2, True)


def test_a_soak_wants_a_new_folder(hedgebot: Run, journal_dir: Path) -> None:
    code, _, err = hedgebot("sim", "soak", "--state-dir", str(journal_dir))
    assert code == 2
    assert "holds the journal of another run; a soak needs a new --state-dir" in err
