"""`/metrics` in the text format of Prometheus, from one snapshot. Pure; names by the operations contract section 5.

Labels are bounded: underlying, account, channel, mode. Never an order, a client id or an instrument. What is unknown
has no line: an alarm on its absence is right, a zero would be wrong.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from hedgebot.console.snapshot import AccountRow, BookSnapshot, DaemonFacts, Snapshot, VenueRow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MODES = ("recovering", "active", "reducing", "halted")

Value = float | int | Decimal | None
Sample = tuple[dict[str, str], Value]


def exposition(snapshot: Snapshot | None) -> str:
    """All that is known; without a snapshot only that the daemon does not answer."""
    lines = _family("up", "gauge", "Whether the daemon answers", [({}, int(snapshot is not None))])
    if snapshot is not None:
        book = snapshot.book
        lines += [*_book(book), *_accounts(book.accounts), *_venues(book.venues), *_daemon(snapshot.daemon, book)]
    return "\n".join(lines) + "\n"


def _book(book: BookSnapshot) -> Iterable[str]:
    by_name = {one.underlying: one for one in book.underlyings}

    def each(field: str, divisor: float = 1.0) -> list[Sample]:
        values = {name: getattr(one, field) for name, one in by_name.items()}
        return [({"underlying": name}, None if one is None else one / divisor) for name, one in values.items()]

    yield from _family("net_delta_coin", "gauge", "Net delta", each("delta_coin"))
    yield from _family("net_delta_usd", "gauge", "Net delta", each("delta_usd"))
    yield from _family(
        "worst_case_delta_coin", "gauge", "Delta with open orders at their worst", each("worst_case_coin")
    )
    yield from _family("band_soft_coin", "gauge", "Half width of the band above its centre", each("band_coin"))
    below = [({"underlying": name}, one.edge_coin(-1.0)) for name, one in by_name.items()]
    yield from _family("band_soft_below_coin", "gauge", "Half width of the band below its centre", below)
    yield from _family("band_hard_coin", "gauge", "Limit of net delta", each("limit_coin"))
    yield from _family("hedges_total", "counter", "Hedges sent", each("hedges"))
    ages = [({"underlying": name, "channel": "book"}, one.book_age_ms) for name, one in by_name.items()]
    ages += [({"underlying": name, "channel": "greeks"}, one.option_age_ms) for name, one in by_name.items()]
    seconds: list[Sample] = [(labels, None if age_ms is None else age_ms / 1e3) for labels, age_ms in ages]
    for account in book.accounts:
        pairs = [(one.stream, one.age_ms) for one in account.streams]
        pairs += [("margin", account.margin_age_ms), ("reconciliation", account.reconciled_age_ms)]
        seconds += [
            ({"account": account.account, "channel": channel}, None if age_ms is None else age_ms / 1e3)
            for channel, age_ms in pairs
        ]
    yield from _family("data_age_seconds", "gauge", "Age of the newest of each kind of data", seconds)
    yield from _family("open_orders", "gauge", "Orders that are not settled", [({}, len(book.orders))])
    yield from _family("unknown_orders", "gauge", "Orders of unknown outcome", [({}, book.unknown_orders)])
    oldest = max((one.age_ms or 0.0 for one in book.orders if one.status == "unknown"), default=0.0)
    yield from _family("unknown_order_age_seconds", "gauge", "Age of the oldest of them", [({}, oldest / 1e3)])
    yield from _family("fills_total", "counter", "Fills", [({}, book.fills)])
    yield from _family("own_fills_total", "counter", "Fills of hedges", [({}, book.own_fills)])
    yield from _family("refused_total", "counter", "Orders that the gate refused", [({}, book.refusals)])
    yield from _family("rejects_total", "counter", "Orders that the venue refused", [({}, book.rejects)])
    paid = [({"coin": coin}, amount) for coin, amount in book.fees.items()]
    # Rebates make it fall: no counter.
    yield from _family("fees_paid_coin", "gauge", "Fees paid, by coin", paid)
    paid = [({"coin": coin}, amount) for coin, amount in book.funding.items()]
    yield from _family("funding_paid_coin", "gauge", "Funding paid, by coin", paid)
    cost: list[Sample] = [({}, book.funding_usd_per_day)]
    yield from _family("funding_forecast_usd_per_day", "gauge", "Forecast cost of funding", cost)
    modes: list[Sample] = [({"mode": one}, int(book.mode == one)) for one in MODES]
    yield from _family("mode_info", "gauge", "1 for the mode the book is in", modes)


def _accounts(accounts: Sequence[AccountRow]) -> Iterable[str]:
    def each(values: Iterable[Value]) -> list[Sample]:
        return [({"account": one.account}, value) for one, value in zip(accounts, values, strict=True)]

    yield from _family("margin_use_ratio", "gauge", "Maintenance margin / equity", each(a.margin_use for a in accounts))
    buffers = [None if one.margin_use is None else 1.0 - one.margin_use for one in accounts]
    yield from _family("margin_buffer_ratio", "gauge", "1 - maintenance margin / equity", each(buffers))
    yield from _family("equity_usd", "gauge", "Equity", each(one.equity_usd for one in accounts))
    shocks = (one.collateral_shock_use for one in accounts)
    yield from _family("collateral_shock_use_ratio", "gauge", "Margin use after a collateral shock", each(shocks))
    missing = (one.collateral_shock_missing_usd for one in accounts)
    yield from _family("collateral_shock_missing_usd", "gauge", "Missing to the floor after it", each(missing))
    hikes = (one.margin_hike_use for one in accounts)
    yield from _family("margin_hike_use_ratio", "gauge", "Margin use after a hike of the rates", each(hikes))
    offsets = [None if one.clock_offset_ms is None else one.clock_offset_ms / 1e3 for one in accounts]
    yield from _family("clock_offset_seconds", "gauge", "Venue's clock minus ours", each(offsets))
    agree = (None if one.watched else int(one.reconciled) for one in accounts)
    yield from _family("reconciled", "gauge", "1 while venue and ledger agree", each(agree))


def _venues(venues: Sequence[VenueRow]) -> Iterable[str]:
    def each(values: Iterable[Value]) -> list[Sample]:
        return [({"venue": one.venue}, value) for one, value in zip(venues, values, strict=True)]

    yield from _family("venue_equity_share_ratio", "gauge", "Share of all equity", each(one.share for one in venues))
    regions = {one.region: one.region_share for one in venues if one.region}
    parts: list[Sample] = [({"region": region}, part) for region, part in regions.items()]
    yield from _family("region_equity_share_ratio", "gauge", "Share of all equity of a hosting region", parts)
    losses = (one.loss_usd for one in venues)
    yield from _family("venue_gone_loss_usd", "gauge", "Equity lost if the venue is gone", each(losses))
    left: list[Sample] = [
        ({"venue": one.venue, "underlying": two.underlying}, two.delta_coin) for one in venues for two in one.gone
    ]
    yield from _family("venue_gone_delta_coin", "gauge", "Net delta if the venue is gone", left)


def _daemon(daemon: DaemonFacts, book: BookSnapshot) -> Iterable[str]:
    build = {"version": daemon.version, "config_hash": book.config_hash}
    yield from _family("build_info", "gauge", "Version and configuration", [(build, 1)])
    yield from _family("uptime_seconds", "gauge", "Since the start", [({}, daemon.uptime_s)])
    yield from _family("resident_bytes", "gauge", "Resident memory", [({}, daemon.rss_bytes)])
    lag = None if daemon.loop_lag_ms is None else daemon.loop_lag_ms / 1e3
    yield from _family("loop_lag_seconds", "gauge", "Lateness of the event loop", [({}, lag)])
    yield from _family(
        "journal_failing", "gauge", "1 while the journal does not write", [({}, int(daemon.journal_failing))]
    )
    yield from _family("journal_head_seq", "gauge", "Newest event in the journal", [({}, daemon.journal_head_seq)])
    delivery = daemon.alert_delivery
    failures: list[Sample] = [({"channel": one.name}, one.failures) for one in delivery.channels]
    yield from _family("alert_delivery_failures_total", "counter", "Attempts that failed", failures)
    working: list[Sample] = [({"channel": one.name}, int(not one.problem)) for one in delivery.channels]
    yield from _family("alert_channel_up", "gauge", "1 while a channel works", working)
    yield from _family("alerts_waiting", "gauge", "Alerts no channel has taken", [({}, delivery.waiting)])
    latency = delivery.latency
    name = "hedgebot_alert_latency_seconds"
    yield f"# HELP {name} From an alert's event to its first hand-off"
    yield f"# TYPE {name} histogram"
    for bound_s, count in latency.buckets:
        yield f'{name}_bucket{{le="{"+Inf" if bound_s is None else f"{bound_s:g}"}"}} {count}'
    yield f"{name}_sum {latency.sum_s:g}"
    yield f"{name}_count {latency.count}"


def _family(name: str, kind: str, help_text: str, samples: Sequence[Sample]) -> list[str]:
    known = [(labels, value) for labels, value in samples if value is not None]
    if not known:
        return []
    lines = [f"# HELP hedgebot_{name} {help_text}", f"# TYPE hedgebot_{name} {kind}"]
    return lines + [f"hedgebot_{name}{_labels(labels)} {value}" for labels, value in known]


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
