import pytest

from hedgebot.domain.decimals import is_multiple
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.contract_rules import rules_of


@pytest.mark.parametrize("kind", [kind for kind in InstrumentKind if kind is not InstrumentKind.COIN_OPTION])
@pytest.mark.parametrize("coin", ["BTC", "ETH", "SOL"])
def test_every_product_of_every_coin_has_rules_that_fit(kind: InstrumentKind, coin: str) -> None:
    rules = rules_of(kind, coin)
    assert is_multiple(rules.qty_min, rules.lot)
    assert rules.qty_min <= rules.market_qty_max <= rules.qty_max
    assert (rules.funding_rate_cap is not None) is kind.is_perp
    assert (rules.delivery_rate > 0) is (kind.is_future or kind.is_option)


def test_there_are_no_coin_settled_options() -> None:
    with pytest.raises(KeyError):
        rules_of(InstrumentKind.COIN_OPTION, "BTC")
