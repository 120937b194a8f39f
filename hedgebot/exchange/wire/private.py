"""Account news to authenticated sockets: executions, orders, positions, wallet, in the order in which they happened.

Owns which account and topic a notice goes to. No topic gives a snapshot on subscription; a wallet push names the coins
that changed only. Source: docs/v5/websocket/private/*.mdx.
"""

import time

import orjson

from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.exchange.types import (
    CoinBalance,
    Executed,
    FundingSettled,
    Notice,
    OrderChanged,
    PositionChanged,
    WalletChanged,
)
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.fields_account import position_stream_fields, wallet_fields
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.fields_private import (
    execution_stream_fields,
    fast_execution_fields,
    funding_stream_fields,
    order_stream_fields,
)
from hedgebot.exchange.wire.routes_asset import greeks_rows
from hedgebot.exchange.wire.sessions import Sessions

GREEKS_S = 1.0
CATEGORIES = {
    "order": ("spot", "linear", "inverse", "option"),
    "execution": ("spot", "linear", "inverse", "option"),
    "execution.fast": ("spot", "linear", "inverse", "option"),
    "position": ("linear", "inverse", "option"),
}
# Silent topics: a private socket with one keeps the account's disconnection protection from firing.
DCP_TOPICS = {"dcp.future": "derivatives", "dcp.spot": "spot", "dcp.option": "options"}
TOPICS = frozenset(
    {"wallet", "greeks"}
    | set(DCP_TOPICS)
    | set(CATEGORIES)
    | {f"{topic}.{category}" for topic, categories in CATEGORIES.items() for category in categories}
)


class PrivateFeed:
    """News that waits for the next flush (which follows every request and every step of the world)."""

    def __init__(self, api: Api, sessions: Sessions) -> None:
        self._api = api
        self._sessions = sessions
        self._pending: list[tuple[str, str, str, Fields]] = []
        self._wallets: dict[str, None] = {}
        self._touched: dict[tuple[str, InstrumentId], None] = {}
        self._balances = {name: self._coins(name) for name in api.exchange.accounts()}
        self._number = 0
        self._greeks: dict[str, list[Fields]] = {}
        self._greeks_s = 0.0

    def on_notice(self, notice: Notice) -> None:
        """Take note of what concerns an account."""
        match notice:
            case OrderChanged(order=order):
                one = self._instrument(order.instrument)
                self._pending.append((order.account, "order", one.category, order_stream_fields(order, one)))
                if one.category != "spot":
                    self._touched[order.account, one.id] = None
            case Executed(execution=execution):
                one = self._instrument(execution.instrument)
                account, category = execution.account, one.category
                self._pending.append((account, "execution.fast", category, fast_execution_fields(execution, one)))
                self._pending.append((account, "execution", category, execution_stream_fields(execution, one)))
            case FundingSettled(settlement=funding):
                one = self._instrument(funding.instrument)
                fields = funding_stream_fields(funding, one)
                self._pending.append((funding.account, "execution", one.category, fields))
            case PositionChanged(position=position):
                one = self._instrument(position.instrument)
                self._touched.pop((position.account, one.id), None)
                fields = position_stream_fields(position, one)
                self._pending.append((position.account, "position", one.category, fields))
            case WalletChanged(account=account):
                self._wallets[account] = None
            case _:
                pass

    def _instrument(self, name: InstrumentId) -> Instrument:
        listing = self._api.exchange.listing(name)
        if listing is None:
            msg = f"the model told of {name}, which it does not list"
            raise LookupError(msg)
        return listing.instrument

    def flush(self) -> None:
        """Send everything: runs of one topic and category as one frame, then positions and wallets as they are now."""
        self._send_greeks()
        if not (self._pending or self._wallets or self._touched):
            return
        # Every order request makes a position message, changed or not (docs: position.mdx).
        for account, instrument in self._touched:
            for index in self._api.exchange.position_indices(account, instrument):
                position = self._api.exchange.position(account, instrument, index)
                if position is not None:
                    one = self._instrument(instrument)
                    self._pending.append((account, "position", one.category, position_stream_fields(position, one)))
        pending, self._pending, self._touched = self._pending, [], {}
        run: list[Fields] = []
        for number, (account, topic, category, fields) in enumerate(pending):
            run.append(fields)
            if number + 1 == len(pending) or pending[number + 1][:3] != (account, topic, category):
                self._send(account, topic, category, run)
                run = []
        wallets, self._wallets = self._wallets, {}
        for account in wallets:
            self._send_wallet(account)

    def _send_greeks(self) -> None:
        """Tell whoever asked what an account's options add up to, once a second, if it moved."""
        now_s = time.monotonic()
        if now_s - self._greeks_s < GREEKS_S:
            return
        self._greeks_s = now_s
        asking = {one.account for one in self._sessions.chosen("private") if "greeks" in one.topics}
        for account in sorted(one for one in asking if one is not None):
            rows = greeks_rows(self._api, account)
            if rows and rows != self._greeks.get(account):
                self._send(account, "greeks", "", rows)
            self._greeks[account] = rows

    def _coins(self, account: str) -> dict[str, CoinBalance]:
        return {coin.coin: coin for coin in self._api.exchange.wallet(account).coins}

    def _send_wallet(self, account: str) -> None:
        before, now = self._balances[account], self._coins(account)
        self._balances[account] = now
        changed = tuple(
            coin
            for name, coin in now.items()
            if name not in before or (before[name].wallet, before[name].locked) != (coin.wallet, coin.locked)
        )
        if changed:
            self._send(account, "wallet", "", [wallet_fields(self._api.exchange.wallet(account), changed)])

    def _send(self, account: str, topic: str, category: str, data: list[Fields]) -> None:
        sessions = self._sessions.chosen("private", account)
        if not sessions:
            return
        self._number += 1
        now_ms = self._api.venue_ms
        delay_s = self._api.faults.push_delay_s
        for name in (topic, f"{topic}.{category}") if category else (topic,):
            frame: Fields = {"topic": name, "id": f"{account}-{self._number}", "creationTime": now_ms, "data": data}
            payload = b""
            for session in sessions:
                if name in session.topics:
                    payload = payload or orjson.dumps(frame)
                    for _ in range(self._api.faults.pushes()):
                        session.push(name, payload, delay_s)
