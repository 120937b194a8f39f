"""What Deribit's instruments are; whole readings are in tests/wire/test_watched.py."""

import time
from decimal import Decimal

import pytest

from hedgebot.domain.health import Holding
from hedgebot.domain.instrument import InstrumentKind, OptionType
from hedgebot.venues.reading import FrameProblem
from hedgebot.venues.watched.deribit import DeribitReader, instrument_of
from tests.support.stub_venue import PERPETUAL

LINEAR = PERPETUAL | {"instrument_name": "BTC_USDC-PERPETUAL", "instrument_type": "linear"}
LINEAR |= {"settlement_currency": "USDC", "quote_currency": "USDC", "min_trade_amount": "0.0001"}
OPTION = PERPETUAL | {"kind": "option", "instrument_name": "BTC-27MAR27-120000-C", "settlement_period": "month"}
OPTION |= {"strike": 120_000, "option_type": "call", "expiration_timestamp": 1_806_134_400_000, "tick_size": "0.0001"}


@pytest.mark.parametrize(
    ("row", "kind", "settle"),
    [
        (PERPETUAL, InstrumentKind.INVERSE_PERP, "BTC"),
        (LINEAR, InstrumentKind.LINEAR_PERP, "USDC"),
        (PERPETUAL | {"settlement_period": "month"}, InstrumentKind.INVERSE_FUTURE, "BTC"),
        (LINEAR | {"settlement_period": "month"}, InstrumentKind.LINEAR_FUTURE, "USDC"),
        (OPTION, InstrumentKind.COIN_OPTION, "BTC"),
    ],
)
def test_kinds(row: dict[str, object], kind: InstrumentKind, settle: str) -> None:
    found = instrument_of(_exact(row))
    assert (found.kind, found.settle, found.contract_size) == (kind, settle, Decimal(1))
    assert (found.expiry_ns is None) is found.kind.is_perp


def test_an_option_has_its_strike() -> None:
    found = instrument_of(_exact(OPTION))
    assert (found.strike, found.option_type, found.expiry_ns) == (
        Decimal(120_000),
        OptionType.CALL,
        1_806_134_400 * 10**9,
    )


def test_a_combination_is_none_of_ours() -> None:
    with pytest.raises(FrameProblem, match="is a future_combo"):
        instrument_of(_exact(PERPETUAL | {"kind": "future_combo"}))


async def test_a_position_without_a_mark_is_refused_and_the_dollar_is_a_dollar() -> None:
    reader = DeribitReader(_Client(), time.time_ns)
    with pytest.raises(FrameProblem, match="has no mark price"):
        await reader.position(Holding(instrument="BTC-PERPETUAL", contracts=1.0))
    assert await reader.price_usd("USDC") == 1.0
    assert await reader.price_usd("BTC") == 99_000.5


def _exact(row: dict[str, object]) -> dict[str, object]:
    """As the client hands it over: what has a point stays the venue's text."""
    return {name: str(value) if isinstance(value, float) else value for name, value in row.items()}


class _Client:
    """Answers two public questions."""

    async def publicGetGetInstrument(self, _asked: object) -> object:  # noqa: N802  # ccxt's name
        return {"result": _exact(PERPETUAL)}

    async def publicGetGetIndexPrice(self, _asked: object) -> object:  # noqa: N802
        return {"result": {"index_price": "99000.5"}}
