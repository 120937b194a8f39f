"""How venues differ in what no market shows: id uniqueness, dead-man's switches, deadlines, budgets, bans. As data.

Owns one frozen `VenueRules` per simulated venue, each figure with its source; `limits.py`, `deadman.py`, the desk and
the in-process link obey it. The wire speaks Bybit's protocol whatever the rules say. Knows no accounts and no time.

Sources: [B] bybit-exchange/docs (docs/v5/rate-limit, order/dcp, order/create-order, smp); [S] the project's safety
reference, sections 3.3 and 4.1; [V] its venue reference, section 2; [N] NautilusTrader's adapter constants; [D] the
venue's own documentation pages; "assumed" where nothing public gives the figure.
"""

import re
from enum import StrEnum
from functools import cache

import msgspec

from hedgebot.domain.errors import ConfigError
from hedgebot.exchange.quotes import Value
from hedgebot.exchange.requests import EndpointClass

_TRADING = tuple(one for one in EndpointClass if one.value.partition("_")[0] in {"create", "amend", "cancel"})


class IdUniqueness(StrEnum):
    """Which orders a new order's client id may not repeat."""

    ALWAYS = "always"  # every order the account ever sent (as far as the venue remembers)
    OPEN_ORDERS = "open_orders"
    NONE = "none"  # a client id is a label


class ClientIdRules(Value, frozen=True, kw_only=True):
    """Form and uniqueness of client ids; `pattern` is a regular expression for the whole id."""

    pattern: str
    uniqueness: IdUniqueness
    source: str

    def fits(self, client_id: str) -> bool:
        """Whether the venue would read this id."""
        return _compiled(self.pattern).fullmatch(client_id) is not None


class DeadManKind(StrEnum):
    """What a dead-man's switch waits for."""

    NATIVE_TIMER = "native_timer"  # a countdown that the client must push back
    WS_DISCONNECT = "ws_disconnect"  # the loss of the client's sockets
    NONE = "none"


class DeadManScope(StrEnum):
    """What one switch covers."""

    SYMBOL = "symbol"
    UNDERLYING = "underlying"
    PRODUCT = "product"  # derivatives, options or spot
    ACCOUNT = "account"
    CONNECTION = "connection"  # the orders that were sent over that connection


class DeadManRules(Value, frozen=True, kw_only=True):
    """A venue's dead-man's switch. Windows in seconds; a window of 0 after a disconnection fires at once.

    `fires_per_day` is a budget that starts anew at 00:00 UTC. After firing a switch stays disarmed unless `rearms`;
    with `locks_out` the account's new orders are refused until its next heartbeat. `heartbeats` says that a dead-man's
    topic must be subscribed and pinged for a socket to count. `needs_permission`: only for accounts that the venue let.
    """

    kind: DeadManKind
    source: str
    scope: DeadManScope = DeadManScope.ACCOUNT
    seconds_min: float = 0.0
    seconds_max: float = 86_400.0
    seconds_default: float | None = None
    fires_per_day: int | None = None
    rearms: bool = False
    locks_out: bool = False
    heartbeats: bool = False
    needs_permission: bool = False
    checked_every_ms: int = 0


class DeadlineKind(StrEnum):
    """How a request says until when it may be carried out."""

    RECV_WINDOW = "recv_window"  # the moment of sending and how long it is good for
    ABSOLUTE = "absolute"  # a moment
    NONE = "none"  # time never proves that a request is dead


class DeadlineRules(Value, frozen=True, kw_only=True):
    """A venue's request deadline in ms; `ahead_ms_max` is how far in the venue's future a sending moment may lie."""

    kind: DeadlineKind
    source: str
    window_ms: int = 5_000
    ahead_ms_max: int = 1_000

    def problem(self, sent_ms: int, now_ms: int, window_ms: int | None = None) -> str | None:
        """What is wrong with a request that says it was sent at `sent_ms`, arriving now on the venue's clock."""
        if self.kind is DeadlineKind.NONE:
            return None
        window = self.window_ms if window_ms is None else window_ms
        if self.kind is DeadlineKind.ABSOLUTE and now_ms > sent_ms + window:
            return f"the request was good until {sent_ms + window}, now is {now_ms}"
        if self.kind is DeadlineKind.RECV_WINDOW and not now_ms - window <= sent_ms < now_ms + self.ahead_ms_max:
            return f"the request was sent at {sent_ms}, now is {now_ms}, its window is {window} ms"
        return None


class Quota(Value, frozen=True, kw_only=True):
    """Requests of an account per window; with `refill_per_s` a bucket of `limit` that is refilled at that rate.

    Classes with the same `pool` share one bucket, from which each request takes `cost`.
    """

    limit: int
    window_s: float = 1.0
    refill_per_s: float = 0.0
    pool: str = ""
    cost: int = 1


class BanRule(Value, frozen=True, kw_only=True):
    """What an address may ask before it is shut out: `visits` per window, whatever they are for.

    One visit more is refused; after `patience` refused ones within a window the address is banned for `ban_s`, and each
    ban that follows within a day lasts twice as long, up to `ban_s_max`. `status` is what HTTP answers meanwhile.
    """

    visits: int
    window_s: float
    ban_s: float
    source: str
    patience: int = 0
    ban_s_max: float | None = None
    refused_status: int = 429
    status: int = 403


class VenueRules(Value, frozen=True, kw_only=True):
    """One venue's rules. `reduce_only_passes`: an overloaded venue still takes orders that only reduce a position.

    `self_trade` are the ways in which an account can have self-trades prevented, the venue's default first.
    """

    name: str
    client_id: ClientIdRules
    dead_man: DeadManRules
    deadline: DeadlineRules
    quotas: dict[EndpointClass, Quota]
    quotas_source: str
    ban: BanRule | None
    self_trade: tuple[str, ...]
    self_trade_source: str
    reduce_only_passes: bool = False

    def quota(self, endpoint: EndpointClass) -> Quota:
        """What an endpoint class may be asked; one that the venue has no figure for is as good as unlimited."""
        return self.quotas.get(endpoint, _UNLIMITED)


_UNLIMITED = Quota(limit=1_000_000)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _pooled(limit: int, window_s: float, cost: int = 1, refill_per_s: float = 0.0) -> dict[EndpointClass, Quota]:
    one = Quota(limit=limit, window_s=window_s, refill_per_s=refill_per_s, pool="orders", cost=cost)
    return dict.fromkeys(_TRADING, one)


BYBIT = VenueRules(
    name="bybit",
    client_id=ClientIdRules(
        pattern=r"[A-Za-z0-9_-]{1,36}", uniqueness=IdUniqueness.ALWAYS, source="[B] order/create-order orderLinkId"
    ),
    dead_man=DeadManRules(
        kind=DeadManKind.WS_DISCONNECT,
        scope=DeadManScope.PRODUCT,
        seconds_min=3.0,
        seconds_max=300.0,
        seconds_default=10.0,
        rearms=True,
        heartbeats=True,
        needs_permission=True,
        source="[B] order/dcp, websocket/private/dcp",
    ),
    deadline=DeadlineRules(kind=DeadlineKind.RECV_WINDOW, source="[B] guide; [V] 2.1: 5,000 ms, 1,000 ms ahead"),
    quotas={
        EndpointClass.CREATE: Quota(limit=10),
        EndpointClass.CREATE_SPOT: Quota(limit=20),
        EndpointClass.CREATE_BATCH: Quota(limit=10),
        EndpointClass.CREATE_BATCH_SPOT: Quota(limit=20),
        EndpointClass.CREATE_BATCH_OPTION: Quota(limit=10),
        EndpointClass.AMEND: Quota(limit=10),
        EndpointClass.AMEND_SPOT: Quota(limit=10),
        EndpointClass.AMEND_BATCH: Quota(limit=10),
        EndpointClass.AMEND_BATCH_SPOT: Quota(limit=20),
        EndpointClass.AMEND_BATCH_OPTION: Quota(limit=10),
        EndpointClass.CANCEL: Quota(limit=10),
        EndpointClass.CANCEL_SPOT: Quota(limit=20),
        EndpointClass.CANCEL_BATCH: Quota(limit=10),
        EndpointClass.CANCEL_BATCH_SPOT: Quota(limit=20),
        EndpointClass.CANCEL_BATCH_OPTION: Quota(limit=10),
        EndpointClass.CANCEL_ALL: Quota(limit=10),
        EndpointClass.CANCEL_ALL_SPOT: Quota(limit=20),
        EndpointClass.CANCEL_ALL_OPTION: Quota(limit=1),
        EndpointClass.SET_LEVERAGE: Quota(limit=10),
        EndpointClass.QUERY_ORDERS: Quota(limit=50),
        EndpointClass.QUERY_EXECUTIONS: Quota(limit=50),
        EndpointClass.QUERY_POSITIONS: Quota(limit=50),
        EndpointClass.QUERY_WALLET: Quota(limit=50),
        # Paths differ from 5 to 450 a second; 50 is the commonest figure of the page.
        EndpointClass.OTHER: Quota(limit=50),
    },
    quotas_source="[B] rate-limit: per UID and second; batches apart from single requests",
    ban=BanRule(visits=600, window_s=5.0, ban_s=600.0, source="[B] rate-limit: HTTP IP limit"),
    self_trade=("none", "cancel_maker", "cancel_taker", "cancel_both"),
    self_trade_source="[B] smp: by group, per order",
)

DERIBIT = VenueRules(
    name="deribit",
    client_id=ClientIdRules(
        pattern=r".{1,64}", uniqueness=IdUniqueness.NONE, source="[S] 3.3: label of at most 64, not unique"
    ),
    dead_man=DeadManRules(
        kind=DeadManKind.WS_DISCONNECT,
        scope=DeadManScope.CONNECTION,
        seconds_default=0.0,
        rearms=True,
        source="[S] 4.1: cancel on disconnect covers that connection's orders; not on logout",
    ),
    deadline=DeadlineRules(kind=DeadlineKind.ABSOLUTE, source="[S] 3.3: valid_until"),
    quotas=_pooled(20, 4.0, refill_per_s=5.0),
    quotas_source="[N] matching engine: bursts of 20, 5 a second sustained; [D] rate-limits: more by volume",
    ban=None,
    self_trade=("cancel_taker", "cancel_maker"),
    self_trade_source="[D] self_trading_mode of get_account_summary: reject_taker, cancel_maker",
)

BINANCE = VenueRules(
    name="binance",
    client_id=ClientIdRules(
        pattern=r"[.A-Z:/a-z0-9_-]{1,36}",
        uniqueness=IdUniqueness.OPEN_ORDERS,
        source="[V] 7: pattern, -4116 on a duplicate; that an ended order frees its id is not verified",
    ),
    dead_man=DeadManRules(
        kind=DeadManKind.NATIVE_TIMER,
        scope=DeadManScope.SYMBOL,
        seconds_min=0.001,
        checked_every_ms=10,
        source="[S] 4.1: countdownCancelAll per symbol, ms, checked each 10 ms or so",
    ),
    deadline=DeadlineRules(kind=DeadlineKind.RECV_WINDOW, window_ms=10_000, source="[V] 2.3: ccxt default"),
    quotas=_pooled(300, 10.0),
    quotas_source="recorded rateLimits of order.place (m24): ORDERS 300 per 10 s",
    ban=BanRule(
        visits=2_400,
        window_s=60.0,
        ban_s=120.0,
        ban_s_max=259_200.0,
        patience=10,
        status=418,
        source="[D] limits: 429, then 418 for 2 minutes to 3 days; weight 1 a request and a patience of 10 are assumed",
    ),
    self_trade=("none", "cancel_taker", "cancel_maker", "cancel_both"),
    self_trade_source="[D] selfTradePreventionMode EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH",
    reduce_only_passes=True,
)

BINANCE_OPTIONS = VenueRules(
    name="binance_options",
    client_id=BINANCE.client_id,
    dead_man=DeadManRules(
        kind=DeadManKind.NATIVE_TIMER,
        scope=DeadManScope.UNDERLYING,
        seconds_min=5.0,
        rearms=True,
        locks_out=True,
        needs_permission=True,
        source="[S] 4.1: at least 5,000 ms; -2010 until the heartbeat; market makers only",
    ),
    deadline=BINANCE.deadline,
    quotas=BINANCE.quotas,
    quotas_source="assumed as on the futures",
    ban=BINANCE.ban,
    self_trade=("none",),
    self_trade_source="[D] market maker protection instead",
)

OKX = VenueRules(
    name="okx",
    client_id=ClientIdRules(
        pattern=r"[A-Za-z0-9]{1,32}", uniqueness=IdUniqueness.ALWAYS, source="[S] 3.3: alphanumeric only, unique"
    ),
    dead_man=DeadManRules(
        kind=DeadManKind.NATIVE_TIMER,
        scope=DeadManScope.ACCOUNT,
        seconds_min=10.0,
        seconds_max=120.0,
        source="[S] 4.1: cancel-all-after, 0 or 10 to 120 s",
    ),
    deadline=DeadlineRules(kind=DeadlineKind.RECV_WINDOW, window_ms=30_000, source="30 s timestamp rule; not verified"),
    quotas=_pooled(1_000, 2.0),
    quotas_source="[D] notice on sub-account limits: 1,000 new and amended orders per 2 s",
    ban=None,
    self_trade=("cancel_maker", "cancel_taker", "cancel_both"),
    self_trade_source="[D] stpMode, cancel_maker by default",
)

KRAKEN_FUTURES = VenueRules(
    name="kraken_futures",
    client_id=ClientIdRules(
        pattern=r".{1,100}", uniqueness=IdUniqueness.OPEN_ORDERS, source="[V] 2.5: at most 100; [S] 3.3 spot: open only"
    ),
    dead_man=DeadManRules(
        kind=DeadManKind.NATIVE_TIMER,
        scope=DeadManScope.ACCOUNT,
        seconds_min=1.0,
        source="[D] cancelallordersafter: whole account, disarmed after firing; the minimum is assumed",
    ),
    deadline=DeadlineRules(kind=DeadlineKind.NONE, source="none found"),
    quotas=_pooled(500, 10.0, cost=10),
    quotas_source="[D] ratelimits: 500 per 10 s, an order or a cancel costs 10",
    ban=None,
    self_trade=("cancel_taker",),
    self_trade_source="not verified",
)

HYPERLIQUID = VenueRules(
    name="hyperliquid",
    client_id=ClientIdRules(
        pattern=r"0x[0-9a-f]{32}", uniqueness=IdUniqueness.NONE, source="[S] 3.3: cloid; uniqueness not verified"
    ),
    dead_man=DeadManRules(
        kind=DeadManKind.NATIVE_TIMER,
        scope=DeadManScope.ACCOUNT,
        seconds_min=5.0,
        fires_per_day=10,
        source="[S] 4.1: scheduleCancel, at least 5 s ahead, 10 a day, anew at 00:00 UTC",
    ),
    deadline=DeadlineRules(kind=DeadlineKind.ABSOLUTE, source="[S] 3.3: expiresAfter"),
    quotas=_pooled(1_200, 60.0),
    quotas_source="[D] rate limits: weight 1,200 a minute, an action weighs 1",
    ban=None,
    self_trade=("cancel_maker",),
    self_trade_source="not verified",
)

VENUES = {one.name: one for one in (BYBIT, DERIBIT, BINANCE, BINANCE_OPTIONS, OKX, KRAKEN_FUTURES, HYPERLIQUID)}


def venue_rules(name: str, ban_s: float | None = None) -> VenueRules:
    """Rules by name, with bans of another length where one is given; ConfigError names those that exist."""
    found = VENUES.get(name)
    if found is None:
        msg = f"venue_rules is {name!r}, it must be one of {sorted(VENUES)}"
        raise ConfigError(msg)
    if ban_s is None or found.ban is None:
        return found
    return msgspec.structs.replace(found, ban=msgspec.structs.replace(found.ban, ban_s=ban_s))
