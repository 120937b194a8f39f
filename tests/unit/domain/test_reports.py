"""Reports keep unknown numbers unknown, through every encoding."""

import msgspec
import pytest

from hedgebot.domain.reports import OrderReport, PositionReport, WalletReport
from tests.unit.domain.samples import sample


def test_reports_survive_json_with_their_unknowns() -> None:
    wallet = msgspec.structs.replace(sample(WalletReport, full=True), equity_usd=None, maintenance_margin_usd=None)
    position = msgspec.structs.replace(sample(PositionReport, full=True), entry_price=None)
    order = msgspec.structs.replace(sample(OrderReport, full=True), client_id=None, limit_price=None)
    for report in (wallet, position, order):
        assert msgspec.json.decode(msgspec.json.encode(report), type=type(report)) == report


def test_a_report_cannot_be_changed() -> None:
    report = sample(PositionReport, full=True)
    for field in report.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(report, field, None)
