"""Words of a what-if: distance, verdict and the venue's own number."""

import msgspec
import pytest

from hedgebot.console.margin_what_if import data, distance, lines, verdict_words, where
from hedgebot.domain.whatif import Numbers, VenueNumbers, Verdict, WhatIf


def numbers(**changes: object) -> Numbers:
    known: dict[str, object] = {"initial": 10.0, "maintenance": 5.0, "equity": 100.0, "use": 0.05}
    return Numbers(**known | changes)  # type: ignore[arg-type]


def answer(**changes: object) -> WhatIf:
    known: dict[str, object] = {
        "venue": "bybit",
        "mode": "cross",
        "source": "daemon",
        "account": "main",
        "order": "sell 2 BTC perp on bybit",
        "model": "m-1",
        "before": numbers(),
        "after": numbers(maintenance=8.0, use=0.08, distance_move=-0.2, distance_price=80.0, distance_underlying="BTC"),
        "hedges": True,
        "verdict": Verdict.PASS,
    }
    return WhatIf(**known | changes)  # type: ignore[arg-type]


def text(*answers: WhatIf) -> str:
    return " ".join(" ".join(lines(answers, 80)).split())


def test_differences_stand_beside_both_numbers() -> None:
    found = text(answer())
    assert "maintenance margin USD 5 8 +3" in found
    assert "margin use 5.0% 8.0% +3.0 pt" in found
    assert "to liquidation beyond 80% -20.0%" in found
    assert "judged by the daemon's own margin gate [m-1]" in found


@pytest.mark.parametrize(
    ("one", "far", "place"),
    [
        (numbers(equity=None, use=None), "unknown", "-"),
        (numbers(), "beyond 80%", "-"),
        (numbers(distance_move=0.1, distance_underlying=""), "+10.0%", "all together"),
        (numbers(distance_move=0.1, distance_price=2.5, distance_underlying="ETH"), "+10.0%", "ETH 2.5"),
        (numbers(distance_move=0.1, distance_underlying="ETH"), "+10.0%", "ETH at a price unknown"),
    ],
)
def test_distance_is_a_move_and_a_place(one: Numbers, far: str, place: str) -> None:
    assert (distance(one), where(one)) == (far, place)


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.PASS, "would let it pass"),
        (Verdict.CUT, "would cut it to 1.5"),
        (Verdict.REFUSE, "would refuse it"),
        (Verdict.UNKNOWN, "is unknown"),
    ],
)
def test_every_verdict_has_its_words(verdict: Verdict, words: str) -> None:
    assert words in verdict_words(answer(verdict=verdict, fits="1.5"))


def test_the_venues_number_stands_beside_ours() -> None:
    theirs = VenueNumbers(initial_before=0.1, initial_after=0.12, maintenance_before=0.05, maintenance_after=None)
    found = text(answer(theirs=theirs))
    assert (
        "initial 10.00% -> 12.00%, maintenance 5.00% -> unknown; ours, over equity: maintenance 5.00% -> 8.00%" in found
    )
    refused = text(answer(theirs=VenueNumbers(refused="not enough balance")))
    assert "it would REFUSE the order: not enough balance" in refused
    assert "the venue's own what-if: it has none" in text(answer(theirs_problem="it has none"))


def test_without_numbers_the_reason_is_told() -> None:
    none = answer(before=None, after=None, problem="no mark price", verdict=Verdict.UNKNOWN)
    assert "no number: no mark price" in text(none)
    apart = msgspec.structs.replace(none, mode="isolated")
    assert "isolated: no number, no mark price" in text(answer(), apart)
    assert data([none])[0]["difference"] is None
    assert data([answer()])[0]["difference"]["maintenance"] == 3.0
    assert data([answer()])[0]["before"]["buffer"] == 0.95


def test_a_watched_account_is_judged_by_its_line_and_never_ordered_on() -> None:
    watched = answer(
        source="watched", explanation="a use of 11.0% after it, 70% is the line; hedgebot never orders there"
    )
    found = text(watched)
    assert "judged by the daemon's own model on what the venue says is held" in found
    assert "the account, which is only watched, would stay within its line: a use of 11.0%" in found
    theirs = VenueNumbers(maintenance_before=0.1, maintenance_after=0.2)
    alone = text(answer(source="watched", before=None, after=None, problem="no model", theirs=theirs))
    assert "no number: no model" in alone
    assert "maintenance 10.00% -> 20.00%" in alone
    assert "would stay within its line" in alone
    unknown = answer(source="watched", before=None, after=None, verdict=Verdict.UNKNOWN, problem="no model")
    assert "line" not in text(unknown)
