"""What is shown: everything red names what to do, the newest decision first, the worst alert first."""

from typing import Any

import msgspec
import pytest

from hedgebot.console.dashboard.view import build_view
from hedgebot.console.snapshot import read_snapshot

Answer = dict[str, Any]


def reds(answer: Answer) -> dict[str, str]:
    return {one.key: one.action for one in build_view(read_snapshot(answer), "", 0.1).reds}


def test_a_good_book_has_nothing_red(answer: Answer) -> None:
    view = build_view(read_snapshot(answer), "", 0.25)
    assert (view.reachable, view.age_ms, view.reds) == (True, 250.0, ())
    assert set(view.triggers) == {"BTC", "ETH"}
    moments = [one.at_ns for one in view.decisions]
    assert moments == sorted(moments, reverse=True)
    assert view.decisions[0].line


def test_without_an_answer_the_state_is_unknown_and_says_what_to_do() -> None:
    view = build_view(None, "the daemon did not answer", 3.0)
    assert not view.reachable
    (red,) = view.reds
    assert "the daemon did not answer" in red.what
    assert "kill --direct" in red.action


@pytest.mark.parametrize(
    ("change", "key", "action"),
    [
        (("book", {"mode": "halted", "mode_reason": "eve: drill"}), "mode", "hedgebot unkill"),
        (("daemon", {"kill_file": True}), "mode", "hedgebot unkill"),
        (("daemon", {"journal_failing": True}), "journal", "RB-25"),
        (("daemon", {"loop_lag_ms": 900.0, "loop_lag_ms_max": 900.0}), "loop", "RB-23"),
        (
            ("daemon", {"alert_delivery": {"channels": [{"name": "ops", "problem": "status 500"}]}}),
            "channel.ops",
            "RB-30",
        ),
        (("book", {"funding_usd_per_day": 9.0, "funding_limit_usd_per_day": 1.0}), "funding", "RB-14"),
        (("book", {"orders": [{"status": "unknown"}]}), "orders", "RB-07"),
    ],
)
def test_what_is_wrong_is_red(answer: Answer, change: tuple[str, Answer], key: str, action: str) -> None:
    part, fields = change
    answer[part] |= fields
    assert action in reds(answer)[key]


def test_a_delta_that_is_unknown_or_beyond_its_limit_is_red(answer: Answer) -> None:
    first, second = answer["book"]["underlyings"][:2]
    first |= {"delta_coin": None, "why_not": "the exposure is unknown: no mark"}
    second |= {"delta_coin": second["limit_coin"] * 2, "worst_case_coin": second["limit_coin"] * 3}
    found = reds(answer)
    assert found["BTC.delta"] == "the exposure is unknown: no mark"
    assert found["ETH.delta"] == found["ETH.worst"] == "RB-01"


def test_an_account_in_the_dark_is_red(answer: Answer) -> None:
    account = answer["book"]["accounts"][0]
    account |= {"reconciled": False, "differences": ["BTC: venue 3"], "clock_offset_ms": -900.0}
    for one in account["streams"]:
        one["up"] = False
    found = reds(answer)
    name = account["account"]
    assert found[f"{name}.private"] == "RB-05"
    assert found[f"{name}.recon"] == "RB-08"
    assert found[f"{name}.clock"] == "RB-22"


def test_the_worst_alert_stands_first(answer: Answer) -> None:
    answer["book"]["alerts"] = [
        {"kind": "ClockSkew", "severity": "warn", "runbook": "RB-22", "subject": "main"},
        {"kind": "ReconBreak", "severity": "crit", "runbook": "RB-08", "subject": "main"},
    ]
    view = build_view(read_snapshot(answer), "", 0.0)
    assert [one.kind for one in view.alerts] == ["ReconBreak", "ClockSkew"]
    assert msgspec.json.decode(msgspec.json.encode(view))["alerts"][0]["runbook"] == "RB-08"
