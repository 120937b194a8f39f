"""What people see of each venue: its share of the equity against the cap, and what is left if the venue is gone.

A pure function of what is shown of accounts and underlyings. "Gone" means: its equity is lost, and the delta that its
positions and coins carried is missing, so that the rest of the book stands open by what was hedged there.
"""

from collections.abc import Mapping, Sequence

import msgspec

from hedgebot.core import raises, venue_risk
from hedgebot.core.position_view import PositionView, total_delta
from hedgebot.core.state import EngineState


class GoneDelta(msgspec.Struct, frozen=True, kw_only=True):
    """The net delta of one underlying without the venue; None while a part of it is unknown."""

    underlying: str
    delta_coin: float | None
    delta_usd: float | None


class VenueView(msgspec.Struct, frozen=True, kw_only=True):
    """One venue. `loss_usd` is its equity now, lost if it is gone; `share` is of all equity and coins outside.

    `region_share` is what all venues of its region hold of it; None also where no region was told.
    """

    venue: str
    equity_usd: float | None
    share: float | None
    share_max: float
    equity_usd_max: float
    loss_usd: float | None
    gone: tuple[GoneDelta, ...]
    region: str = ""
    region_share: float | None = None


class Exposed(msgspec.Struct, frozen=True, kw_only=True):
    """What is needed of one underlying: its net delta, price and rows."""

    underlying: str
    delta_coin: float | None
    price_usd: float | None
    rows: tuple[PositionView, ...]


def venues(state: EngineState, exposed: Sequence[Exposed], at_ns: int) -> tuple[VenueView, ...]:
    """Every venue with an account here."""
    of_account = {one.name: one.venue for one in state.accounts.values()}
    return tuple(_one(state, venue, exposed, of_account, at_ns) for venue in venue_risk.venues(state))


def _one(
    state: EngineState, venue: str, exposed: Sequence[Exposed], of_account: Mapping[str, str], at_ns: int
) -> VenueView:
    equity = venue_risk.venue_equity_usd(state, venue, at_ns)
    return VenueView(
        venue=venue,
        equity_usd=equity,
        share=venue_risk.share(state, venue, at_ns),
        share_max=raises.in_force(state, venue_risk.SHARE, at_ns),
        equity_usd_max=raises.in_force(state, venue_risk.USD, at_ns),
        loss_usd=None if equity is None else max(equity, 0.0),
        region=venue_risk.region_of(state, venue),
        region_share=venue_risk.region_share(state, venue, at_ns),
        gone=tuple(_without(one, venue, of_account) for one in exposed),
    )


def _without(one: Exposed, venue: str, of_account: Mapping[str, str]) -> GoneDelta:
    there = total_delta(row for row in one.rows if of_account.get(row.account) == venue)
    left = None if one.delta_coin is None or there is None else one.delta_coin - there
    usd = None if left is None or one.price_usd is None else left * one.price_usd
    return GoneDelta(underlying=one.underlying, delta_coin=left, delta_usd=usd)
