"""What is not known refuses: no rule takes the missing for the good."""

import math
from collections.abc import Callable
from decimal import Decimal

import pytest

from hedgebot.core.candidate import Candidate
from hedgebot.core.gate import judge
from hedgebot.domain.orders import Refused
from hedgebot.domain.settings import AccountRole
from tests.unit.core.test_gate import _candidate, _intent


def _unknown_clock() -> Candidate:
    one = _candidate()
    one.account.clock_offset_ms = None
    return one


def _book_role() -> Candidate:
    one = _candidate()
    one.account.role = AccountRole.BOOK
    return one


def _stream_down() -> Candidate:
    one = _candidate()
    one.account.private.up = False
    return one


def _suspect_book() -> Candidate:
    one = _candidate()
    one.quote.book_problem = "crossed"
    return one


def _one_sided() -> Candidate:
    one = _candidate()
    one.quote.ask = None
    return one


def _no_sizes() -> Candidate:
    one = _candidate()
    one.quote.bid_qty = None
    return one


def _no_mark() -> Candidate:
    one = _candidate()
    one.quote.mark = None
    return one


def _half_a_lot() -> Candidate:
    return _intent(_candidate(), qty_contracts=Decimal("0.1005"))


def _unknown_funding() -> Candidate:
    one = _candidate()
    one.quote.funding_rate = None
    return one


def _nan_funding() -> Candidate:
    one = _candidate()
    one.quote.funding_rate = math.nan
    return one


def _stopping() -> Candidate:
    one = _candidate()
    one.state.stopping = True
    return one


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (_unknown_clock, "clock_offset_ms"),
        (_book_role, "account"),
        (_stream_down, "account"),
        (_suspect_book, "book_age_ms"),
        (_no_sizes, "order_top_ratio"),
        (_one_sided, "spread_bps"),
        (_no_mark, "book_mark_gap_bps"),
        (_half_a_lot, "order_qty_coin"),
        (_unknown_funding, "funding_usd_per_day"),
        (_nan_funding, "funding_usd_per_day"),
        (_stopping, "mode"),
    ],
)
def test_the_unknown_refuses(make: Callable[[], Candidate], rule: str) -> None:
    refused = judge(make())
    assert isinstance(refused, Refused)
    assert refused.check.rule == rule
