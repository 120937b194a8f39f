from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from hedgebot.core.step import Step
from hedgebot.domain import commands as cmd
from hedgebot.lab import campaign, longforms
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


def test_a_failure_is_made_small_and_its_one_line_repeats_it(hedgebot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build whose kill is not latched: of three mishaps only the kill matters."""
    words = ("sim", "run", "--seed", "1", "--minutes", "5", "--only", "O05k", "--only", "N06", "--only", "V05")
    line = " ".join(("hedgebot", *words, "--keep", "O05k"))
    with monkeypatch.context() as broken:
        broken.setattr(Step, "hold", lambda self, latch: self.set_mode(cmd.Mode.RECOVERING, latch.reason))
        code, out, err = hedgebot(*words, "--minimise")
        assert code == 1
        assert f"I7 fails with O05k without V05, N06: {line}" in err
        assert f"I7 fails with O05k without V05, N06: {line}" in out
        code, out, _ = hedgebot(*line.split()[1:])
        assert code == 1
        assert f"FAILED: {line}" in out
        assert "  I7: " in out
    code, out, _ = hedgebot(*line.split()[1:])
    assert (code, "N06" in out.partition("\n\n")[0]) == (0, False)


def test_only_what_one_seed_draws_can_be_kept(hedgebot: Run) -> None:
    code, _, err = hedgebot("sim", "run", "--seed", "1", "--only", "N05", "--keep", "M03")
    assert (code, "seed 1 does not draw 'M03'; it draws N05" in err) == (2, True)
    code, _, err = hedgebot("sim", "run", "--seeds", "3", "--keep", "M03")
    assert (code, "say which with --seed" in err) == (2, True)
    code, out, _ = hedgebot("sim", "run", "--seed", "1", "--minutes", "5", "--only", "N05", "--keep", "none")
    assert (code, "0 of 152" in out) == (0, True)


def test_an_unknown_mishap_and_too_short_a_world_are_refused(hedgebot: Run) -> None:
    code, _, err = hedgebot("sim", "run", "--only", "X99")
    assert code == 2
    assert "there is no mishap 'X99'; known: N01, N01d, N02" in err
    code, _, err = hedgebot("sim", "run", "--book", "three")
    assert code == 2
    assert "there is no book 'three'; known: one, two, switch" in err
    code, _, err = hedgebot("sim", "run", "--minutes", "1")
    assert (code, "at least 4" in err) == (2, True)


def test_long_forms_are_listed_with_their_verdicts(hedgebot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = longforms.Verdict(id="N05", title="lost answers", figures="12 orders", problem="I1: twice", cpu_s=3.0)
    good = longforms.Verdict(id="C04", title="fast clock", figures="24 h", problem="", cpu_s=540.4)

    def played(names: list[str], _load: object, told: Callable[[object], None], _workers: int) -> list[object]:
        found = [{"C04": good, "N05": bad}[name] for name in names]
        for one in found:
            told(one)
        return list(found)

    monkeypatch.setattr(longforms, "play", played)
    code, out, err = hedgebot("sim", "long", "--only", "C04")
    assert (code, out) == (0, "C04  fast clock: held (24 h; 540 s of a core)\n")
    assert "C04  fast clock: held" in err
    code, out, _ = hedgebot("sim", "long", "--only", "C04", "--only", "N05")
    assert (code, "N05  lost answers: FAILED: I1: twice (12 orders; 3 s of a core)" in out) == (1, True)
    code, _, err = hedgebot("sim", "long", "--only", "X99")
    assert (code, "there is no long form 'X99'; known: C04, N05, N05n, P11" in err) == (2, True)


def test_a_soak_wants_a_new_folder(hedgebot: Run, journal_dir: Path) -> None:
    code, _, err = hedgebot("sim", "soak", "--state-dir", str(journal_dir))
    assert code == 2
    assert "holds the journal of another run; a soak needs a new --state-dir" in err
