"""What a venue that is gone would cost and leave open."""

from hedgebot.core.position_view import PositionView
from hedgebot.core.venue_view import Exposed, GoneDelta, venues
from tests.support.playbook import ACCOUNT, Playbook


def row(account: str, delta_coin: float | None) -> PositionView:
    return PositionView(
        account=account,
        instrument="x",
        kind="linear_perp",
        contracts="1",
        entry_price=None,
        mark=None,
        age_ms=None,
        delta_coin=delta_coin,
    )


def ready() -> Playbook:
    book = Playbook()
    book.ready()
    return book


def test_what_the_venue_hedged_is_left_open_without_it() -> None:
    book = ready()
    # 2 BTC in a vault, hedged with a short of 1.9 at the venue.
    exposed = Exposed(
        underlying="BTC", delta_coin=0.1, price_usd=100_000.0, rows=(row("vault", 2.0), row(ACCOUNT, -1.9))
    )
    (found,) = venues(book.state, [exposed], book.at_ns)
    assert found.venue == "bybit"
    assert found.loss_usd == found.equity_usd
    assert found.equity_usd is not None
    assert (found.region, found.region_share) == ("", None)
    (left,) = found.gone
    assert left.delta_coin is not None
    assert left.delta_usd is not None
    assert (round(left.delta_coin, 9), round(left.delta_usd, 4)) == (2.0, 200_000.0)
    assert (found.share, found.share_max, found.equity_usd_max) == (1.0, 1.0, 1e12)


def test_an_unknown_part_makes_the_rest_unknown() -> None:
    book = ready()
    whole = Exposed(underlying="BTC", delta_coin=None, price_usd=1.0, rows=())
    part = Exposed(underlying="ETH", delta_coin=0.1, price_usd=1.0, rows=(row(ACCOUNT, None),))
    (found,) = venues(book.state, [whole, part], book.at_ns)
    assert found.gone == (
        GoneDelta(underlying="BTC", delta_coin=None, delta_usd=None),
        GoneDelta(underlying="ETH", delta_coin=None, delta_usd=None),
    )
    (old,) = venues(book.state, [], book.at_ns + 3_600_000_000_000)
    assert (old.equity_usd, old.loss_usd, old.share) == (None, None, None)
