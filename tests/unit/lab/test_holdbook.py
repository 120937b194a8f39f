"""What is held by the journal alone: executions once, positions as they were set, and bounds that no price leaves."""

import math
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType, Side
from hedgebot.domain.orders import OrderIntent, TimeInForce
from hedgebot.domain.settings import DeltaConvention
from hedgebot.lab.holdbook import HoldBook
from tests.support.playbook import BTC_INVERSE, BTC_PERP, instrument
from tests.unit.lab.bench import SETTINGS

BTC = SETTINGS.underlyings[0]
CALL, PUT = InstrumentId("bybit:option:BTC-C"), InstrumentId("bybit:option:BTC-P")


def option(name: InstrumentId, kind: OptionType) -> Instrument:
    return instrument(name, InstrumentKind.LINEAR_OPTION, strike=Decimal(90_000), option_type=kind, expiry_ns=10**18)


RULES = ev.InstrumentsLoaded(
    venue="bybit",
    instruments=(
        instrument(BTC_PERP, InstrumentKind.LINEAR_PERP),
        instrument(BTC_INVERSE, InstrumentKind.INVERSE_PERP),
        option(CALL, OptionType.CALL),
        option(PUT, OptionType.PUT),
    ),
)


def book(**held: str) -> HoldBook:
    names = {"perp": BTC_PERP, "inverse": BTC_INVERSE, "call": CALL, "put": PUT}
    made = HoldBook()
    made.take(RULES)
    for name, contracts in held.items():
        made.adjust(
            cmd.RecordAdjustment(account="main", subject=names[name], before="0", after=contracts, evidence="opening")
        )
    return made


def closing(contracts: str, effect_coin: float) -> OrderIntent:
    return OrderIntent(
        account="main",
        instrument=BTC_PERP,
        underlying="BTC",
        strategy="delta_neutral",
        side=Side.SELL if effect_coin < 0 else Side.BUY,
        qty_contracts=Decimal(contracts),
        limit_price=Decimal(90_000),
        time_in_force=TimeInForce.IOC,
        reduce_only=True,
        delta_effect_coin=effect_coin,
        notional_usd=1.0,
        deadline_ns=0,
        reason="test",
    )


@pytest.mark.parametrize(
    ("held", "bounds"),
    [
        ({}, (0.0, 0.0)),
        ({"perp": "0.5"}, (0.5, 0.5)),
        ({"call": "-2"}, (-2.0, 0.0)),
        ({"put": "-2"}, (0.0, 2.0)),
        ({"call": "1", "put": "3", "perp": "-1"}, (-4.0, 0.0)),
        ({"inverse": "100"}, (0.0, math.inf)),
        ({"inverse": "-100", "perp": "1"}, (-math.inf, 1.0)),
    ],
)
def test_the_bounds_hold_whatever_anything_is_worth(held: dict[str, str], bounds: tuple[float, float]) -> None:
    assert book(**held).bounds_coin(BTC) == bounds


@pytest.mark.parametrize(
    ("held", "depends"),
    [({"perp": "5"}, False), ({"call": "1"}, True), ({"call": "0"}, False), ({"inverse": "1"}, True)],
)
def test_options_and_dollars_depend_on_the_price(held: dict[str, str], *, depends: bool) -> None:
    assert book(**held).depends_on_price(BTC) is depends


def test_dollars_whose_entry_fixes_their_coins_do_not() -> None:
    fixed = msgspec.structs.replace(BTC, delta_convention=DeltaConvention.USD_NEUTRAL)
    assert not book(inverse="1").depends_on_price(fixed)


def test_an_execution_counts_once() -> None:
    made = book(perp="1")
    bought = ev.FillReceived(
        account="main",
        instrument=BTC_PERP,
        trade_id="t1",
        order_id="o1",
        client_id=None,
        side=Side.BUY,
        qty_contracts=Decimal(2),
        price=Decimal(90_000),
        fee=Decimal(0),
        fee_coin="USDT",
        kind=ev.ExecutionKind.TRADE,
        source=ev.Source.STREAM,
        venue_at_ns=0,
    )
    made.take(bought)
    made.take(bought)
    assert made.bounds_coin(BTC) == (3.0, 3.0)


def test_only_what_shrinks_and_lowers_every_delta_is_proven() -> None:
    """Long 3 beside two short calls: between 1 and 3, so that selling one passes and selling two may turn it."""
    made = book(perp="3", call="-2")
    assert made.unproven(closing("1", -1.0), BTC) == ""
    assert made.unproven(closing("2", -2.0), BTC) == "the delta was anywhere from 1 to 3"
    assert made.unproven(closing("1", 1.0), BTC) == "it would not only shrink 3 contracts"
    assert made.unproven(closing("4", -4.0), BTC) == "it would not only shrink 3 contracts"
    assert book(perp="-3").unproven(closing("1", 1.0), BTC) == ""


def test_an_option_without_rules_may_be_anything() -> None:
    made = HoldBook()
    made.adjust(cmd.RecordAdjustment(account="main", subject=CALL, before="0", after="1", evidence="opening"))
    assert made.depends_on_price(BTC)
    assert made.bounds_coin(BTC) == (-math.inf, math.inf)
