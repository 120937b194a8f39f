"""Every kind of alert says how soon to act and which page to open."""

import re

import pytest

from hedgebot.domain.alerts import AlertKind, Severity


@pytest.mark.parametrize("kind", AlertKind)
def test_each_kind_has_a_severity_and_a_runbook(kind: AlertKind) -> None:
    assert isinstance(kind.severity, Severity)
    assert re.fullmatch(r"RB-\d\d", kind.runbook)


def test_no_two_kinds_share_a_runbook() -> None:
    pages = [kind.runbook for kind in AlertKind]
    assert len(set(pages)) == len(pages)


@pytest.mark.parametrize(
    "kind",
    [
        AlertKind.DELTA_OUTSIDE_LIMIT,
        AlertKind.UNKNOWN_ORDER_AGE,
        AlertKind.RECON_BREAK,
        AlertKind.KILL_ACTIVE,
        AlertKind.JOURNAL_WRITE_FAILED,
        AlertKind.MARGIN_BUFFER_LOW,
    ],
)
def test_what_stops_hedging_is_critical(kind: AlertKind) -> None:
    assert kind.severity is Severity.CRIT
