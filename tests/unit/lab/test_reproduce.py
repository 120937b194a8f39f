"""Cases, tolerances and verdicts; the shipped cases against the experiments and against the reference's own file."""

import csv
from pathlib import Path

import pytest

from hedgebot.domain.errors import DataError
from hedgebot.lab import reproduce
from hedgebot.lab.experiment import Experiment, Figures, Setting
from hedgebot.lab.reproduce import CASES, EXPERIMENTS, Case, chosen, find_recordings, read_cases


def _case(value: float, tolerance: str, name: str = "one") -> Case:
    return Case(name, "", value, tolerance, "")


@pytest.mark.parametrize(
    ("value", "tolerance", "inside", "outside"),
    [
        (100.0, "abs:2", 101.9, 102.1),
        (-100.0, "rel:0.02", -98.1, -97.9),
        (-24.5, "pp:2", -26.4, -26.6),
        (-38.0, "max", -38.0, -37.9),
        (0.35, "exact", 0.1 + 0.25, 0.35001),
        (1.0, "abs:0.1", 1.05, float("nan")),
        (1.0, "max", 0.0, float("nan")),
    ],
)
def test_a_figure_is_judged_by_its_tolerance(value: float, tolerance: str, inside: float, outside: float) -> None:
    assert _case(value, tolerance).holds(inside)
    assert not _case(value, tolerance).holds(outside)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no row"),
        ("id,value\na,1\n", "line 2: tolerance is missing"),
        ("id,value,tolerance\na,much,abs:1\n", "line 2: value is 'much'; it must be a number"),
        ("id,value,tolerance\na,1,abs:1\nb,1,about:1\n", "line 3: tolerance is 'about:1'; it must be abs:"),
        ("id,value,tolerance\na,1,abs:\n", "tolerance is 'abs:'"),
        ("id,value,tolerance\na,1,max\na,2,max\n", "'a' stands there twice"),
    ],
)
def test_a_bad_file_of_cases_is_told_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "cases.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"cases .*cases\.csv") as caught:
        read_cases(path)
    assert sentence in str(caught.value)


def test_a_missing_file_of_cases_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file"):
        read_cases(tmp_path / "none.csv")


def test_every_shipped_case_is_computed_and_has_its_source() -> None:
    cases = read_cases(CASES)
    computed = [name for one in EXPERIMENTS for name in one.ids]
    assert len(computed) == len(set(computed))
    assert {one.id for one in cases} == set(computed)
    assert all(one.source and one.quantity for one in cases)


@pytest.mark.needs_data
def test_the_shipped_cases_are_the_references(shared_data: Path) -> None:
    """Each row of the acceptance file with its value and tolerance; ours has the tables beside them."""
    path = shared_data.parent / "domain" / "hedging_acceptance.csv"
    if not path.exists():
        pytest.skip("the reference's acceptance file is not beside the recorded data")
    ours = {one.id: one for one in read_cases(CASES)}
    theirs = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert len(theirs) == 56
    for row in theirs:
        assert (ours[row["id"]].value, ours[row["id"]].tolerance) == (float(row["value"]), row["tolerance"])


def test_cases_are_chosen_by_pattern() -> None:
    cases = [_case(1.0, "max", "modelA-time"), _case(1.0, "max", "modelA-ww"), _case(1.0, "max", "example-w")]
    assert [one.id for one in chosen(cases, ())] == ["modelA-time", "modelA-ww", "example-w"]
    assert [one.id for one in chosen(cases, ("modelA-*",))] == ["modelA-time", "modelA-ww"]
    assert [one.id for one in chosen(cases, ("example-w", "modelA-time"))] == ["modelA-time", "example-w"]
    with pytest.raises(DataError, match="no case is named 'modelB-"):
        chosen(cases, ("modelB-*",))


def test_recordings_are_found_beside_a_folder_or_one_above(tmp_path: Path) -> None:
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert find_recordings((tmp_path / "checkout",)) == tmp_path / "shared" / "data"
    assert find_recordings((tmp_path / "wt" / "checkout",)) == tmp_path / "shared" / "data"
    assert find_recordings((tmp_path / "a" / "b" / "c",)) is None


def _found(_: Setting) -> Figures:
    return {"good": 1.0, "bad": 2.0}


def _broken(_: Setting) -> Figures:
    raise DataError("the sweep is too narrow")


def test_verdicts_say_what_came_of_each_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiments = (
        Experiment(ids=("good", "bad", "unasked"), find=_found),
        Experiment(ids=("broken",), find=_broken),
        Experiment(ids=("absent",), find=_found, folder="m25"),
        Experiment(ids=("never",), find=_broken),
    )
    monkeypatch.setattr(reproduce, "EXPERIMENTS", experiments)
    cases = [_case(1.0, "abs:0.1", name) for name in ("good", "bad", "broken", "absent", "strange")]
    verdicts = [one for some in reproduce.reproduce(cases, Setting(data=tmp_path), workers=1) for one in some]
    assert [(one.case.id, one.found, one.passed) for one in verdicts] == [
        ("strange", None, False),
        ("good", 1.0, True),
        ("bad", 2.0, False),
        ("broken", None, False),
        ("absent", None, None),
    ]
    assert [one.note for one in verdicts[:1]] == ["nothing here computes it"]
    assert verdicts[3].note == "the sweep is too narrow"
    assert verdicts[4].note == f"needs m25: not in {tmp_path}"


def test_several_processes_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = chosen(read_cases(CASES), ("example-*", "kupiec-*", "btc-real-*"))
    alone = [one for some in reproduce.reproduce(cases, Setting(), workers=1) for one in some]
    together = [one for some in reproduce.reproduce(cases, Setting(), workers=2) for one in some]
    assert together == alone
    assert [one.passed for one in alone].count(True) == 5
    assert [one.note for one in alone if one.passed is None] == [
        "needs m25_binance_hourly_daily_closes: no folder of recorded data was given or found"
    ] * 2
