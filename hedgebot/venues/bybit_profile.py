"""Bybit v5 as data. Owns values, no behaviour.

Sources: [D] is the venue's documentation (repository bybit-exchange/docs, folder docs/v5, the page named beside it),
[E] its page of error codes, [N] its page of enumerations.
"""

from hedgebot.domain.events import ExecutionKind
from hedgebot.domain.orders import OrderStatus
from hedgebot.venues.profile import CancelLimit, Channel, Rate, SubQuery, VenueProfile, Verdict

# Every coin with options, whether we trade them or not: what somebody else holds there is exposure of the account.
OPTION_COINS = ("BTC", "ETH", "SOL", "XRP", "MNT", "DOGE")

# [E]; anything that is not here is UNKNOWN.
_CODES: dict[str, Verdict] = {
    "0": Verdict.ACCEPTED,
    # Outcome unknown: server timeout, server error, backend timeout, creation timeout, "create order failed".
    **dict.fromkeys(("10000", "10016", "170001", "170007", "170032", "170146", "170149", "170234"), Verdict.UNKNOWN),
    # Throttled or overloaded; whether the request was carried out is not documented.
    **dict.fromkeys(
        ("10006", "10018", "429", "10429", "10403", "10019", "20003", "170005", "170222"), Verdict.THROTTLED
    ),
    # This client id was used before: the first copy may be live.
    **dict.fromkeys(("110072", "170141", "10014", "20006"), Verdict.DUPLICATE),
    # Timestamp outside of the receive window; -1 is the same of the spot gateway.
    **dict.fromkeys(("10002", "-1"), Verdict.CLOCK),
    # The key itself: unknown, wrongly signed, failed, expired (spot, derivatives).
    **dict.fromkeys(("10003", "10004", "10007", "-2015", "33004"), Verdict.AUTH),
    # What the key or the account may not do: rights, address, compliance, ban, account mode, symbol list, region.
    **dict.fromkeys(("10005", "10008", "10009", "10010", "10024", "10027", "10028", "10029"), Verdict.PERMISSION),
    # Not enough balance or margin.
    **dict.fromkeys(
        ("110004", "110006", "110007", "110012", "110044", "110045", "110051", "110052", "110053", "170131", "170033"),
        Verdict.FUNDS,
    ),
    # The order that a cancel or a query named: absent, already ended, or still in work. As an answer to a creation
    # none of them proves anything.
    **dict.fromkeys(
        ("110001", "170213", "110008", "110010", "110079", "170139", "170142", "170143"), Verdict.ORDER_GONE
    ),
    # Instrument or account: delisting, settling, trading off, not live, reduce only, pair closed or not for the API.
    **dict.fromkeys(("30228", "110063", "110066", "110074", "110023", "170151", "170157"), Verdict.VENUE_STATE),
    # Size, price, reduce-only, order count, and plainly wrong parameters.
    **dict.fromkeys(
        (
            *("10001", "110003", "110017", "110020", "110094", "170136", "170140", "170124", "170132", "170133"),
            *("170134", "170137", "170810", "30208", "30209", "110021", "110120", "110121", "170115", "170116"),
            *("170117", "170121", "170371", "170372", "170381", "170382", "170193", "170194"),
        ),
        Verdict.REJECTED,
    ),
}

# On the trade socket 10003 is "too many sessions" and 10404 an unknown operation or category ([D] websocket/trade).
_TRADE_CODES: dict[str, Verdict] = {"10003": Verdict.THROTTLED, "10404": Verdict.REJECTED}

# Codes of a transfer between the user's own wallets ([E], "Asset"). 131214: the id exists, the first copy may have
# been carried out. Errors of the service itself (131200, 131201, 131205, 131216) prove nothing.
_TRANSFER_CODES: dict[str, Verdict] = {
    **dict.fromkeys(
        (
            *("131002", "131203", "131204", "131206", "131207", "131208", "131209", "131210", "131211", "131213"),
            *("131215", "131217", "131226", "131231", "131232"),
        ),
        Verdict.REJECTED,
    ),
    "131212": Verdict.FUNDS,
    "131214": Verdict.DUPLICATE,
}

# [E] HTTP codes. 403 is the IP limit (wait ten minutes) or a refused region.
_STATUSES: dict[int, Verdict] = {
    401: Verdict.AUTH,
    403: Verdict.THROTTLED,
    418: Verdict.THROTTLED,
    429: Verdict.THROTTLED,
}

# [N] execType. Each moves a position but for Funding; Settle is the settlement of an inverse future.
_EXECUTION_KINDS: dict[str, ExecutionKind] = {
    "Trade": ExecutionKind.TRADE,
    "AdlTrade": ExecutionKind.ADL,
    "BustTrade": ExecutionKind.LIQUIDATION,
    "Delivery": ExecutionKind.DELIVERY,
    "Settle": ExecutionKind.DELIVERY,
    "BlockTrade": ExecutionKind.OTHER,
    "MovePosition": ExecutionKind.OTHER,
    "FutureSpread": ExecutionKind.OTHER,
    "CorporateAction": ExecutionKind.OTHER,
}

# [N] createType, also of executions ([D] websocket/private/execution). A step down a liquidation's ladder is a plain
# Trade in the market, told by this word only; so is what an administrator makes, who alone can take executions back.
_CREATOR_KINDS: dict[str, ExecutionKind] = {
    "CreateByLiq": ExecutionKind.LIQUIDATION,
    "CreateByTakeOver_PassThrough": ExecutionKind.LIQUIDATION,
    "CreateByAdl_PassThrough": ExecutionKind.ADL,
    "CreateByAdminClosing": ExecutionKind.ROLLBACK,
}

# [N] orderStatus.
_ORDER_STATUSES: dict[str, OrderStatus] = {
    "New": OrderStatus.OPEN,
    "PartiallyFilled": OrderStatus.PARTIAL,
    "Untriggered": OrderStatus.OPEN,
    "Triggered": OrderStatus.OPEN,
    "Rejected": OrderStatus.REJECTED,
    "PartiallyFilledCanceled": OrderStatus.CANCELLED,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELLED,
    "Deactivated": OrderStatus.CANCELLED,
}

# [D] rate-limit: create 10/s per account, spot 20/s. What a full bucket gives at once counts in the same second as
# what it is filled up with: together they stay below the limit.
_CREATE, _SPOT_CREATE = Rate(per_s=5.0, burst=4.0), Rate(per_s=10.0, burst=8.0)
# [D] rate-limit, for an account without a higher level: cancel, cancel-batch and cancel-all have a limit each, by UID
# and rolling second, the same for HTTP and socket; linear and inverse share theirs. [D] order/batch-cancel: size of a
# batch; order/batch-place, rate-limit: a batch of options counts as one request, elsewhere each order in it counts.
_CANCEL = CancelLimit(pool="derivatives", singles_per_s=10, batched_per_s=10, wholes_per_s=10, batch_max=20)
_SPOT_CANCEL = CancelLimit(pool="spot", singles_per_s=20, batched_per_s=20, wholes_per_s=20, batch_max=10)
_OPTION_CANCEL = CancelLimit(
    pool="option", singles_per_s=10, batched_per_s=10, wholes_per_s=1, batch_max=20, counts_batches=True
)

BYBIT = VenueProfile(
    venue="bybit",
    # [D] position: linear needs settleCoin (or symbol); inverse and option list all.
    positions=(
        SubQuery(category="linear", narrow={"settleCoin": "USDT"}),
        SubQuery(category="linear", narrow={"settleCoin": "USDC"}),
        SubQuery(category="inverse"),
        SubQuery(category="option"),
    ),
    # [D] order/open-order: the same rule for linear; spot and option list all.
    open_orders=(
        SubQuery(category="linear", narrow={"settleCoin": "USDT"}),
        SubQuery(category="linear", narrow={"settleCoin": "USDC"}),
        SubQuery(category="inverse"),
        SubQuery(category="spot"),
        SubQuery(category="option"),
    ),
    # [D] order/execution: option answers for BTC only unless the base coin is named; without execType all types come.
    executions=(
        SubQuery(category="linear"),
        SubQuery(category="inverse"),
        SubQuery(category="spot"),
        *(SubQuery(category="option", narrow={"baseCoin": coin}) for coin in OPTION_COINS),
    ),
    position_page=200,
    order_page=50,
    execution_page=100,
    # [D] order/execution: endTime - startTime is at most seven days.
    execution_window_ms=7 * 24 * 3_600_000,
    pages_max=500,
    option_coins=OPTION_COINS,
    codes=_CODES,
    channel_codes={Channel.TRADE: _TRADE_CODES, Channel.TRANSFER: _TRANSFER_CODES},
    statuses=_STATUSES,
    execution_kinds=_EXECUTION_KINDS,
    creator_kinds=_CREATOR_KINDS,
    funding_kinds=frozenset({"Funding"}),
    order_statuses=_ORDER_STATUSES,
    # [N] cancelType.
    dead_man_reasons=frozenset({"CancelByDCP"}),
    forced_reasons=frozenset({"CancelByPrepareAdl", "CancelAllBeforeAdl", "CancelByPrepareLiq", "CancelAllBeforeLiq"}),
    # [D] order/create-order: orderLinkId.
    client_id_pattern=r"[0-9A-Za-z_-]{1,36}",
    # The venue refuses more than ten topics a request for spot ("args size >10"); elsewhere the bound is on characters.
    topics_per_request={"spot": 10, "linear": 100, "inverse": 100, "option": 100},
    # [D] websocket/public/orderbook: level 1 is pushed again after 3 s without a change. Tickers only on change.
    content_ms_max={"orderbook": 20_000, "tickers": 120_000},
    # [D] websocket/public/orderbook: b[1] and a[1], in what orders are in.
    shows_sizes=True,
    # [D] guide: server - window <= timestamp < server + 1,000 ms.
    window_ahead_ms=1_000,
    # [D] rate-limit: 600 requests in 5 s per address, then a ban of ten minutes; we stay a sixth below.
    ip_rate=Rate(per_s=100.0, burst=100.0),
    ip_reserve_orders=40.0,
    ip_reserve_cancels=20.0,
    # [E] 403: the address broke its limit, wait ten minutes. 429 and 10018 name no time: the limit's window.
    # 418 is not documented there; where it is, a ban lasts two minutes at least.
    pause_statuses_s={403: 600.0, 418: 120.0, 429: 5.0},
    pause_codes_s={"10018": 5.0},
    limit_left_to_others=2.0,
    create_rates={"linear": _CREATE, "inverse": _CREATE, "option": _CREATE, "spot": _SPOT_CREATE},
    cancel_limits={"linear": _CANCEL, "inverse": _CANCEL, "option": _OPTION_CANCEL, "spot": _SPOT_CANCEL},
    # [D] user/apikey-info: permissions.Wallet.
    forbidden_wallet_rights=frozenset({"Withdraw", "AccountTransfer", "SubMemberTransfer"}),
    move_right="AccountTransfer",
    live_hosts=frozenset({"api.bybit.com", "stream.bybit.com"}),
    testnet_hosts=frozenset({"api-testnet.bybit.com", "stream-testnet.bybit.com"}),
)
