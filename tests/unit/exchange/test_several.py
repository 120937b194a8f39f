from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.scenario import AccountSpec, ClientFlowSpec, EventSpec, Scenario, VenueSpec, WeatherSpec
from hedgebot.exchange.several import Exchanges, venue_scenarios
from hedgebot.exchange.trouble import PriceShock
from tests.unit.exchange.conftest import START_NS

S = 1_000_000_000
PERP = InstrumentId("bybit:linear:BTCUSDT")


def world(scenario: Scenario) -> Scenario:
    own = AccountSpec(name="away", api_key="k9", api_secret="s9", coins={"USDT": Decimal(1_000)})
    return msgspec.structs.replace(
        scenario,
        client_flow=ClientFlowSpec(account="main"),
        venues=(
            VenueSpec(name="home"),
            VenueSpec(
                name="far",
                venue_rules="okx",
                accounts=(own,),
                basis_bps=50.0,
                weather=WeatherSpec(ack_delay_ms=80.0),
                events=(EventSpec(at_s=20.0, trouble=PriceShock(underlying="BTC", ratio=0.9)),),
            ),
        ),
    )


def test_venues_share_the_underlying_prices_and_nothing_else(scenario: Scenario) -> None:
    exchanges = Exchanges(world(scenario), START_NS)
    assert list(exchanges) == ["home", "far"]
    home, far = exchanges["home"], exchanges["far"]
    gaps = []
    for at_s in range(1, 20):
        exchanges.advance(START_NS + at_s * S)
        assert home.index_price("BTC") == far.index_price("BTC")
        assert home.index_price("ETH") == far.index_price("ETH")
        gaps.append(float(far.book(PERP).bids[0][0] / home.book(PERP).bids[0][0]) - 1.0)
    # Fifty basis points apart in the mean, and each wandering on its own.
    assert sum(gaps) / len(gaps) == pytest.approx(0.005, abs=0.0008)
    assert len({round(one, 7) for one in gaps}) > 5
    assert (home.accounts(), far.accounts()) == (("main", "other"), ("away",))
    assert home.trades(PERP) != far.trades(PERP)
    assert home.client_flow_enabled
    assert not far.client_flow_enabled
    assert far.scenario.venue_rules == "okx"
    assert far.scenario.weather.ack_delay_ms == 80.0


def test_what_happens_to_one_venue_does_not_happen_to_the_other(scenario: Scenario) -> None:
    exchanges = Exchanges(world(scenario), START_NS)
    exchanges.advance(START_NS + 30 * S)
    ratio = exchanges["far"].index_price("BTC") / exchanges["home"].index_price("BTC")
    assert ratio == pytest.approx(0.9)


def test_a_scenario_without_venues_is_one_exchange(scenario: Scenario) -> None:
    assert venue_scenarios(scenario) == {"bybit": scenario}
    alone = Exchanges(scenario, START_NS)
    alone.advance(START_NS + S)
    assert len(alone) == 1
    assert alone["bybit"].now_ns == START_NS + S
