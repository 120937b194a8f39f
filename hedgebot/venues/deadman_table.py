"""What dead-man's switches the venues have, as dated data: kind, scope, range, budget, and what to beware of.

A venue's own documentation decides; the date says when it was last held against it. Owns values and one lookup.
Sources: [S] the project's safety reference, section 4.1 (venue documentation and ccxt 4.5.90), [B] bybit-exchange/docs,
docs/v5/order/dcp and docs/v5/websocket/private/dcp. None stands for a figure that is not known.
"""

import msgspec

from hedgebot.domain.deadman import DeadManKind

AS_OF = "2026-11-25"


class DeadManCapability(msgspec.Struct, frozen=True, kw_only=True):
    """One venue's switch, in seconds. `triggers_per_day` is a budget that starts anew at 00:00 UTC.

    `reads_back` says that the venue has a query for what is armed; `rearms` that it stays armed after firing.
    """

    venue: str
    kind: DeadManKind
    scope: str
    source: str
    seconds_min: float | None = None
    seconds_max: float | None = None
    triggers_per_day: int | None = None
    reads_back: bool = False
    rearms: bool = False
    caveat: str = ""


TIMER, SOCKET = DeadManKind.NATIVE_TIMER, DeadManKind.WS_DISCONNECT

TABLE: tuple[DeadManCapability, ...] = (
    DeadManCapability(
        venue="bybit",
        kind=SOCKET,
        scope="product",
        seconds_min=3.0,
        seconds_max=300.0,
        reads_back=True,
        rearms=True,
        caveat="for institutional clients on application; fires when every private socket with a dcp topic is gone",
        source="[B]; [S]",
    ),
    DeadManCapability(
        venue="binance",
        kind=TIMER,
        scope="symbol",
        seconds_min=0.001,
        caveat="USD-M and COIN-M futures; looked at every 10 ms or so; weight 10 a request",
        source="[S] countdownCancelAll",
    ),
    DeadManCapability(
        venue="binance_options",
        kind=TIMER,
        scope="underlying",
        seconds_min=5.0,
        caveat="market makers only; after firing new orders are refused until the next heartbeat",
        source="[S] eapi countdownCancelAll",
    ),
    DeadManCapability(
        venue="okx",
        kind=TIMER,
        scope="account or tag",
        seconds_min=10.0,
        seconds_max=120.0,
        caveat="0 is off; spreads and quote requests have timers of their own; the range is secondary",
        source="[S] cancel-all-after",
    ),
    DeadManCapability(
        venue="kraken",
        kind=TIMER,
        scope="account",
        caveat="stays disarmed after firing; disarm before planned maintenance, else all is cancelled on its return",
        source="[S] CancelAllOrdersAfter",
    ),
    DeadManCapability(
        venue="kraken_futures",
        kind=TIMER,
        scope="account",
        caveat="the documented use is every 15 to 20 s with 60 s",
        source="[S] cancelallordersafter",
    ),
    DeadManCapability(
        venue="deribit",
        kind=SOCKET,
        scope="connection",
        rearms=True,
        caveat="covers orders that came over that socket; fires on its close or a failed heartbeat, not on a logout",
        source="[S] private/enable_cancel_on_disconnect",
    ),
    DeadManCapability(
        venue="hyperliquid",
        kind=TIMER,
        scope="account",
        seconds_min=5.0,
        triggers_per_day=10,
        caveat="unset by leaving the time out: the client's 0 means now",
        source="[S] scheduleCancel",
    ),
    DeadManCapability(
        venue="bitget",
        kind=TIMER,
        scope="account",
        seconds_min=5.0,
        seconds_max=60.0,
        caveat="access on request; one request a second; ends by itself after firing",
        source="[S] countdown-cancel-all",
    ),
    DeadManCapability(
        venue="gate", kind=TIMER, scope="account", caveat="limits are not verified", source="[S] countdown_cancel_all"
    ),
    DeadManCapability(
        venue="kucoin", kind=TIMER, scope="account", caveat="limits are not verified", source="[S] dcp/set"
    ),
    DeadManCapability(
        venue="woo", kind=TIMER, scope="account", seconds_max=900.0, caveat="VIP only", source="[S] cancel_all_after"
    ),
    DeadManCapability(
        venue="bingx",
        kind=TIMER,
        scope="account",
        caveat="not for inverse contracts; limits are not verified",
        source="[S] cancel_all_after",
    ),
    *(
        DeadManCapability(
            venue=name, kind=TIMER, scope="account", caveat="limits are not verified", source="[S] cancel_all_after"
        )
        for name in ("htx", "whitebit", "bitvavo", "btse", "extended", "lighter")
    ),
    *(
        DeadManCapability(
            venue=name, kind=DeadManKind.NONE, scope="none", caveat="an order's expiry is the substitute", source="[S]"
        )
        for name in ("dydx", "paradex")
    ),
)

_BY_NAME = {one.venue: one for one in TABLE}


def capability(venue: str) -> DeadManCapability:
    """What a venue has; a venue that is not in the table counts as having none."""
    nothing = DeadManCapability(
        venue=venue, kind=DeadManKind.NONE, scope="none", caveat="nothing is known of it", source="not in the table"
    )
    return _BY_NAME.get(venue, nothing)
