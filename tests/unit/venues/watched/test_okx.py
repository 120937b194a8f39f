"""What OKX's instruments are; whole readings are in tests/wire/test_watched.py."""

import time
from decimal import Decimal

import pytest

from hedgebot.domain.health import Holding
from hedgebot.domain.instrument import InstrumentKind, OptionType
from hedgebot.venues.reading import FrameProblem
from hedgebot.venues.watched.okx import OkxReader, instrument_of
from tests.support.stub_venue import OKX_SWAP

INVERSE = OKX_SWAP | {"instId": "BTC-USD-SWAP", "ctVal": "100", "ctType": "inverse", "settleCcy": "BTC"}
DATED = OKX_SWAP | {"instType": "FUTURES", "instId": "BTC-USDT-270326", "expTime": "1806134400000"}
OPTION = INVERSE | {"instType": "OPTION", "instId": "BTC-USD-270326-120000-C", "optType": "C", "stk": "120000"}
OPTION |= {"ctVal": "1", "ctMult": "0.01", "ctType": "", "expTime": "1806134400000"}


@pytest.mark.parametrize(
    ("row", "kind", "size"),
    [
        (OKX_SWAP, InstrumentKind.LINEAR_PERP, "0.01"),
        (INVERSE, InstrumentKind.INVERSE_PERP, "100"),
        (DATED, InstrumentKind.LINEAR_FUTURE, "0.01"),
        (DATED | {"ctType": "inverse"}, InstrumentKind.INVERSE_FUTURE, "0.01"),
        (OPTION, InstrumentKind.COIN_OPTION, "0.01"),
    ],
)
def test_kinds_and_sizes(row: dict[str, object], kind: InstrumentKind, size: str) -> None:
    found = instrument_of(row)
    assert (found.kind, found.contract_size, found.underlying) == (kind, Decimal(size), "BTC")
    assert (found.expiry_ns is None) is found.kind.is_perp


def test_an_option_has_its_strike() -> None:
    assert (instrument_of(OPTION).strike, instrument_of(OPTION).option_type) == (Decimal(120_000), OptionType.CALL)


def test_what_is_no_contract_is_refused() -> None:
    with pytest.raises(FrameProblem, match="no swap, future or option"):
        instrument_of(OKX_SWAP | {"instType": "SPOT"})


async def test_what_the_venue_does_not_list_or_mark_is_refused() -> None:
    reader = OkxReader(_Client(), time.time_ns)
    with pytest.raises(FrameProblem, match="lists no instrument ETH-USDT-SWAP"):
        await reader.instrument("ETH-USDT-SWAP", "SWAP")
    with pytest.raises(FrameProblem, match="borrowed against"):
        await reader.instrument("BTC-USDT", "MARGIN")
    with pytest.raises(FrameProblem, match="has no mark price"):
        await reader.position(Holding(instrument="BTC-USDT-SWAP", contracts=1.0), "SWAP")


class _Client:
    """Lists one instrument."""

    async def publicGetPublicInstruments(self, _asked: object) -> object:  # noqa: N802  # ccxt's name
        return {"data": [OKX_SWAP]}
