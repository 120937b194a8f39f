"""The venue's own client library (pybit) trades against the exchange: C4 of the conformance levels.

Nothing of it is changed but the three addresses, which are constants of its modules. Its streams keep books and tickers
by snapshot and delta themselves, so that a delta that fits no snapshot is an error in its reader thread, which pytest
turns into a failure.
"""

import copy
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pybit._websocket_trading
import pybit.unified_trading
import pytest
from pybit.exceptions import InvalidRequestError
from pybit.unified_trading import HTTP, WebSocket, WebSocketTrading

from tests.wire.exchange_process import Served, served

pytestmark = pytest.mark.wire
WAIT_S = 10.0


class Product(NamedTuple):
    """What is traded: its account, category, base coin and settlement coin, and a size."""

    account: str
    category: str
    settle: str
    qty: str
    dated: bool = False


PRODUCTS = (
    Product("spot", "spot", "USDT", "0.01"),
    Product("linear", "linear", "USDT", "0.02"),
    Product("usdc", "linear", "USDC", "0.02"),
    Product("inverse", "inverse", "BTC", "900"),
    Product("dated", "linear", "USDT", "0.02", dated=True),
    Product("dated_inverse", "inverse", "BTC", "900", dated=True),
    Product("option", "option", "USDT", "0.02"),
)


SUBSCRIBED = "subscribed"


class Client:
    """One account's sessions: HTTP, public stream, private stream, trade socket; and what came on them."""

    def __init__(self, url: str, product: Product) -> None:
        keys = {"api_key": f"key-{product.account}", "api_secret": f"secret-{product.account}"}
        self.product = product
        self.came: dict[str, list[dict[str, Any]]] = {}
        self.http = HTTP(**keys)
        self.http.endpoint = url
        self.symbol = self._symbol()
        self._sockets = [
            public := WebSocket(testnet=False, channel_type=product.category),
            private := WebSocket(testnet=False, channel_type="private", **keys),
            trade := WebSocketTrading(testnet=False, **keys),
        ]
        self.public, self.private, self.trade = public, private, trade

    def _symbol(self) -> str:
        product = self.product
        asked = {"baseCoin": "BTC"} if product.category == "option" else {}
        rows = self.http.get_instruments_info(category=product.category, **asked)["result"]["list"]
        chosen = [
            row["symbol"]
            for row in rows
            if row["baseCoin"] == "BTC"
            and (row["quoteCoin"] if product.category == "spot" else row["settleCoin"]) == product.settle
            and (product.category == "option" or (row.get("deliveryTime", "0") != "0") is product.dated)
        ]
        symbol: str = chosen[len(chosen) // 2]
        return symbol

    def keep(self, name: str) -> Callable[[dict[str, Any]], None]:
        """A callback that keeps what comes under a name (a copy: the library goes on changing its own books)."""
        return lambda message: self.came.setdefault(name, []).append(copy.deepcopy(message))

    def until(self, name: str, wanted: Callable[[dict[str, Any]], bool] = lambda message: True) -> dict[str, Any]:
        """The first message kept under a name that is wanted; fails when none comes."""
        ends_s = time.monotonic() + WAIT_S
        while time.monotonic() < ends_s:
            for message in tuple(self.came.get(name, ())):
                if wanted(message):
                    return message
            time.sleep(0.01)
        raise AssertionError(f"no such {name} within {WAIT_S} s; came: {self.came.get(name, [])[-3:]}")

    def until_subscribed(self, count: int) -> None:
        """Wait until the exchange has confirmed so many subscriptions."""
        self.until(SUBSCRIBED, lambda _message: len(self.came[SUBSCRIBED]) >= count)

    def row(self, name: str, **fields: str) -> dict[str, Any]:
        """The first row of a private topic whose fields are these."""

        def fits(row: dict[str, Any]) -> bool:
            return all(row.get(key) == value for key, value in fields.items())

        message = self.until(name, lambda message: any(map(fits, message["data"])))
        found: dict[str, Any] = next(filter(fits, message["data"]))
        return found

    def close(self) -> None:
        for socket in self._sockets:
            socket.exit()
        self.http.client.close()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("pybit")) as running:
        yield running


def sends_before_it_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the library from handling an answer before it has noted what it had sent.

    It notes a subscription or an order after `send` returns, and ends the socket of an answer to an unknown one. Across
    the internet no answer is that fast; over loopback some are.
    """
    lock = threading.RLock()

    def one_at_a_time(function: Callable[..., Any]) -> Callable[..., Any]:
        def held(*words: Any, **named: Any) -> Any:
            with lock:
                return function(*words, **named)

        return held

    streams, trading = pybit._websocket_stream._V5WebSocketManager, pybit._websocket_trading._V5TradeWebSocketManager
    for owner, sender in ((streams, "subscribe"), (trading, "_send_order_operation")):
        for name in (sender, "_handle_incoming_message"):
            monkeypatch.setattr(owner, name, one_at_a_time(getattr(owner, name)))


def notes_subscriptions(monkeypatch: pytest.MonkeyPatch, keep: Callable[[dict[str, Any]], None]) -> None:
    """Keep the answers to subscriptions too: the library hands them to nobody."""
    streams = pybit._websocket_stream._V5WebSocketManager
    process = streams._process_subscription_message

    def noted(self: Any, message: dict[str, Any]) -> None:
        process(self, message)
        keep(message)

    monkeypatch.setattr(streams, "_process_subscription_message", noted)


@pytest.fixture(params=PRODUCTS, ids=lambda product: product.account)
def client(request: pytest.FixtureRequest, exchange: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    socket_url = exchange.url.replace("http", "ws", 1)
    monkeypatch.setattr(pybit.unified_trading, "PRIVATE_WSS", f"{socket_url}/v5/private")
    monkeypatch.setattr(pybit.unified_trading, "PUBLIC_WSS", socket_url + "/v5/public/{CHANNEL_TYPE}")
    monkeypatch.setattr(pybit._websocket_trading, "TRADE_WSS", f"{socket_url}/v5/trade")
    sends_before_it_hears(monkeypatch)
    made = Client(exchange.url, request.param)
    notes_subscriptions(monkeypatch, made.keep(SUBSCRIBED))
    yield made
    made.close()


def held(client: Client) -> Decimal:
    """What the account holds: contracts with their sign, or coins of spot."""
    if client.product.category == "spot":
        (account,) = client.http.get_wallet_balance(accountType="UNIFIED", coin="BTC")["result"]["list"]
        return Decimal(account["coin"][0]["walletBalance"])
    rows = client.http.get_positions(category=client.product.category, symbol=client.symbol)["result"]["list"]
    return sum((Decimal(row["size"]) * (-1 if row["side"] == "Sell" else 1) for row in rows), Decimal(0))


def touch(client: Client) -> tuple[Decimal, Decimal]:
    """Best bid and ask of the book over HTTP."""
    book = client.http.get_orderbook(category=client.product.category, symbol=client.symbol, limit=1)["result"]
    return Decimal(book["b"][0][0]), Decimal(book["a"][0][0])


def test_it_subscribes_places_fills_and_reads_its_position(client: Client) -> None:
    category, symbol, qty = client.product.category, client.symbol, client.product.qty
    client.private.order_stream(client.keep("order"))
    client.private.execution_stream(client.keep("execution"))
    client.private.wallet_stream(client.keep("wallet"))
    client.private.position_stream(client.keep("position"))
    client.until_subscribed(4)
    before = held(client)
    link = f"pybit-{client.product.account}-1"
    # No market orders on options at the venue: a limit price across the book does for all.
    _, ask = touch(client)
    tick = Decimal(5) if category == "option" else Decimal("0.1")
    limit = ask + 40 * tick
    made = client.http.place_order(
        category=category,
        symbol=symbol,
        side="Buy",
        orderType="Limit",
        qty=qty,
        price=str(limit),
        timeInForce="IOC",
        orderLinkId=link,
    )
    assert made["retCode"] == 0
    fill = client.row("execution", orderLinkId=link)
    assert (fill["symbol"], fill["side"], fill["execType"], fill["category"]) == (symbol, "Buy", "Trade", category)
    done = client.row("order", orderLinkId=link, orderStatus="Filled")
    assert (done["orderId"], Decimal(done["cumExecQty"])) == (made["result"]["orderId"], Decimal(qty))
    assert Decimal(done["avgPrice"]) <= limit
    client.until("wallet")
    fee = sum(
        Decimal(row["execFee"])
        for message in client.came["execution"]
        for row in message["data"]
        if row["orderLinkId"] == link
    )
    assert held(client) == before + Decimal(qty) - (fee if category == "spot" else 0)
    if category != "spot":
        pushed = client.row("position", symbol=symbol, size=str(before + Decimal(qty)))
        assert (pushed["side"], pushed["category"]) == ("Buy", category)
    rows = client.http.get_executions(category=category, symbol=symbol)["result"]["list"]
    assert fill["execId"] in {row["execId"] for row in rows}
    assert client.http.get_order_history(category=category, orderLinkId=link)["result"]["list"][0]["orderId"]


def test_it_trades_over_the_trade_socket(client: Client, exchange: Served) -> None:
    category, symbol, qty = client.product.category, client.symbol, client.product.qty
    client.private.order_stream(client.keep("order"))
    client.until_subscribed(1)
    bid, _ = touch(client)
    low = Decimal(5) if category == "option" else (bid * Decimal("0.97")).quantize(Decimal(1))
    link = f"pybit-{client.product.account}-2"
    words: dict[str, Any] = {"category": category, "symbol": symbol}
    client.trade.place_order(
        client.keep("placed"),
        client.keep("refused"),
        **words,
        side="Buy",
        orderType="Limit",
        qty=qty,
        price=str(low),
        orderLinkId=link,
    )
    placed = client.until("placed")
    assert placed["data"]["orderLinkId"] == link
    client.row("order", orderLinkId=link, orderStatus="New")
    (resting,) = client.http.get_open_orders(**words, orderLinkId=link)["result"]["list"]
    assert (resting["orderStatus"], Decimal(resting["price"])) == ("New", low)
    client.trade.amend_order(
        client.keep("amended"),
        client.keep("refused"),
        **words,
        orderLinkId=link,
        price=str(low * 2 if category == "option" else low - 1),
    )
    assert client.until("amended")["data"]["orderId"] == resting["orderId"]
    client.trade.cancel_order(client.keep("cancelled"), client.keep("refused"), **words, orderLinkId=link)
    assert client.until("cancelled")["data"]["orderId"] == resting["orderId"]
    client.row("order", orderLinkId=link, orderStatus="Cancelled")
    assert "refused" not in client.came
    client.trade.cancel_order(client.keep("cancelled"), client.keep("refused"), **words, orderLinkId=link)
    assert client.until("refused")["retCode"] == (170213 if category == "spot" else 110001)
    truth = exchange.admin("truth")["accounts"][client.product.account]
    assert [one["status"] for one in truth["orders"] if one["client_id"] == link] == ["cancelled"]


def test_it_keeps_books_tickers_trades_and_candles(client: Client) -> None:
    category, symbol = client.product.category, client.symbol
    depth = 25 if category == "option" else 50
    client.public.orderbook_stream(depth, symbol, client.keep("book"))
    client.public.ticker_stream(symbol, client.keep("ticker"))
    names = ["book", "ticker"]
    if category != "option":
        client.public.trade_stream(symbol, client.keep("trade"))
        client.public.kline_stream(1, symbol, client.keep("kline"))
        names += ["trade", "kline"]
    # Somebody must trade where nobody does.
    if category != "option":
        words = {"side": "Buy", "orderType": "Market", "qty": client.product.qty, "marketUnit": "baseCoin"}
        client.http.place_order(category=category, symbol=symbol, **words)
    for name in names:
        client.until(name)
    # The library merges deltas itself: after some, its book must still be the exchange's shape.
    ends_s = time.monotonic() + WAIT_S
    while len(client.came["book"]) < 5 and time.monotonic() < ends_s:
        time.sleep(0.05)
    book = client.came["book"][-1]["data"]
    bids, asks = ([Decimal(price) for price, _ in book[side]] for side in ("b", "a"))
    assert max(bids) < min(asks)
    assert len(bids) == len(set(bids)) <= depth
    assert len(client.came["book"]) >= 5
    numbers = [one["data"]["u"] for one in client.came["book"]]
    assert all(late == early + 1 for early, late in itertools.pairwise(numbers))
    assert client.came["ticker"][-1]["data"]["symbol"] == symbol


def test_the_venues_refusals_are_its_exceptions(client: Client) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        client.http.cancel_order(category=client.product.category, symbol=client.symbol, orderLinkId="nobody")
    assert refused.value.status_code == (170213 if client.product.category == "spot" else 110001)
