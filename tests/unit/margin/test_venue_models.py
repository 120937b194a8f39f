"""Tiered models on a book: netting, sizes, and what has no figure."""

from typing import Any

import msgspec
import pytest

from hedgebot.domain.settings import MarginMode
from hedgebot.margin.positions import CoinBook, Line
from hedgebot.margin.tiers import Ladder, Tier
from hedgebot.margin.venue_models import Need, NotCoveredError, VenueModel, larger, tiered
from hedgebot.margin.venue_records import Grade, Product, Tiered

LADDER = Ladder(
    tiers=(
        Tier(value_max_settle=1_000.0, initial_rate=0.02, maintenance_rate=0.01),
        Tier(value_max_settle=5_000.0, initial_rate=0.10, maintenance_rate=0.05),
    )
)
RECORD = Tiered(
    id="x-1",
    modes=(MarginMode.CROSS,),
    as_of="2026-01-01",
    read_at="2026-01-01",
    source="",
    grade=Grade.DOC,
    status="",
    covers=(Product.LINEAR,),
    ladders={"BTC": LADDER},
)


def book(*sizes: float, leverage: float | None = None) -> CoinBook:
    return CoinBook(100.0, tuple(Line("perp", one, 100.0, leverage=leverage) for one in sizes))


def model(record: Tiered = RECORD, **changes: Any) -> VenueModel:
    fields: dict[str, Any] = {
        "venue": "x",
        "mode": MarginMode.CROSS,
        "id": record.id,
        "as_of": record.as_of,
        "source": "",
        "grade": record.grade,
        "status": "",
        "covers": record.covers,
        "uncovered": (),
        "compute": lambda coin, one: tiered(record, coin, one),
    }
    return VenueModel(**fields | changes)


def test_positions_are_summed_slab_by_slab_and_underlyings_too() -> None:
    # 2,000 USD: 1,000 at 1 % and 1,000 at 5 %.
    need = tiered(RECORD, "BTC", book(20.0, -5.0))
    assert need.initial == pytest.approx(200.0 + 10.0)
    assert need.maintenance == pytest.approx(60.0 + 5.0)
    two = msgspec.structs.replace(RECORD, ladders={"BTC": LADDER, "ETH": LADDER})
    assert model(two).total({"BTC": book(5.0), "ETH": book(-5.0)}).maintenance == pytest.approx(10.0)
    assert model().total({}) == Need(0.0, 0.0)


def test_the_whole_position_at_its_rate_is_never_less() -> None:
    whole = msgspec.structs.replace(RECORD, whole_position=True)
    assert tiered(whole, "BTC", book(20.0)).maintenance == pytest.approx(100.0)


def test_a_pair_pays_the_larger_side_where_the_venue_says_so() -> None:
    pairs = msgspec.structs.replace(RECORD, nets_pairs=True)
    assert tiered(pairs, "BTC", book(20.0, -5.0)).maintenance == pytest.approx(60.0)
    assert tiered(pairs, "BTC", book(-20.0, 5.0)).maintenance == pytest.approx(60.0)
    assert larger(Need(None, 1.0), Need(2.0, 3.0)) == Need(None, 3.0)


def test_initial_margin_without_a_leverage_is_unknown_where_the_venue_has_no_rate_for_it() -> None:
    free = Ladder(tiers=(Tier(value_max_settle=1e9, initial_rate=0.0, maintenance_rate=0.01),))
    record = msgspec.structs.replace(RECORD, ladders={"BTC": free})
    assert tiered(record, "BTC", book(20.0)).initial is None
    assert tiered(record, "BTC", book(20.0, leverage=10.0)).initial == pytest.approx(200.0)


def test_a_coin_without_tiers_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(NotCoveredError, match="x-1 has no tiers of SOL: it knows BTC"):
        model().total({"SOL": book(1.0)})


def test_beyond_the_end_of_a_table_there_is_no_number() -> None:
    ends = msgspec.structs.replace(RECORD, value_max_usd={"BTC": 5_000.0})
    with pytest.raises(NotCoveredError, match="known up to 5,000 USD: perp is worth 6,000"):
        model(ends).total({"BTC": book(60.0)})


def test_a_product_that_the_model_does_not_cover_is_named() -> None:
    inverse = CoinBook(100.0, (Line("BTCUSD", 1.0, 100.0, is_inverse=True),))
    with pytest.raises(NotCoveredError, match="x-1 covers linear contracts: BTCUSD is inverse"):
        model().total({"BTC": inverse})


def test_a_number_that_is_none_is_no_margin() -> None:
    with pytest.raises(NotCoveredError, match="no finite number for BTC"):
        model(compute=lambda _coin, _book: Need(0.0, float("nan"))).total({"BTC": book(1.0)})
