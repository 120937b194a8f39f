"""Orders whose answers break on the line: no error is an answer, none is sent twice, all are settled to the truth."""

import time
from typing import Any
from urllib.error import URLError

import pytest

from hedgebot.domain.durations import NS_PER_S
from tests.e2e.harness import HERE
from tests.wire.chaos_world import CALM, REST, Broken, Row, broken, filled

pytestmark = [pytest.mark.wire, pytest.mark.timeout(150)]

COINS = {"BTC": 90_000, "ETH": 3_000, "SOL": 150, "XRP": 200, "DOGE": 100, "MNT": 300}
# About 20,000 USD of each; the bands are half of it.
SIZES = {coin: "0.25" if coin == "BTC" else f"{20_000 // price}" for coin, price in COINS.items()}


def world_of_six() -> str:
    """The end-to-end world with six coins and a client who trades on order only."""
    lines = ['name = "six"', "seed = 5"]
    for coin, price in COINS.items():
        lines += ["[[underlyings]]", f'name = "{coin}"', f"start_price = {price}.0", "vol = 0.2", "option_strikes = 1"]
    lines += ["[[accounts]]", 'name = "main"', 'api_key = "demo-key"', 'api_secret = "demo-secret"']
    lines += ["[accounts.coins]", 'USDT = "5000000"', 'USDC = "5000000"']
    lines += ["[client_flow]", 'account = "main"', "enabled = false", "[weather]"]
    return "\n".join([*lines, *(f"{name} = {value}" for name, value in CALM.items())])


def book_of_six() -> str:
    """The end-to-end book with six underlyings."""
    text = (HERE / "book.toml").read_text("utf-8")
    start, end = text.index("[underlyings.BTC]"), text.index("[strategies.delta_neutral]")
    sections = ""
    for coin, price in COINS.items():
        band = 10_000 / price
        section = text[start:end].replace("BTC", coin).replace("band_coin = 0.25", f"band_coin = {band:.3f}")
        section = section.replace("delta_limit_coin = 5.0", f"delta_limit_coin = {500_000 / price:.3f}")
        sections += section.replace("order_qty_coin_max = 5.0", f"order_qty_coin_max = {300_000 / price:.3f}")
    names = ", ".join(f'"{coin}"' for coin in COINS)
    return (text[:start] + sections + text[end:]).replace('underlyings = ["BTC"]', f"underlyings = [{names}]")


def book_by(order_entry: str) -> str:
    """The end-to-end book, whose orders go by HTTP or by the trade socket."""
    text = (HERE / "book.toml").read_text("utf-8")
    return text.replace('role = "shared"', f'role = "shared"\norder_entry = "{order_entry}"')


def outcomes(found: Broken) -> dict[str, str]:
    """How each order ended at the exchange, by client id."""
    return {one["client_id"]: one["status"] for one in found.ours()}


def ended(found: Broken, client_ids: set[str]) -> bool:
    """Whether the daemon holds none of these orders for unsettled."""
    book: dict[str, Any] = found.daemon.book()
    return not client_ids & {one["client_id"] for one in book["orders"]}


def unknowns(found: Broken, since_ns: int) -> list[Row]:
    """What was told of orders whose outcome is unknown."""
    return [row for row in found.rows("OrderOutcomeUnknown") if row.at_ns > since_ns]


def until_back(found: Broken, seconds: float = 10.0) -> None:
    """Wait until the exchange takes connections again."""
    until_s = time.monotonic() + seconds
    while True:
        try:
            found.world.admin("sessions")
        except URLError:
            assert time.monotonic() < until_s, "the exchange did not come back"
            time.sleep(0.05)
        else:
            return


def test_n04_six_orders_live_through_a_host_that_is_gone() -> None:
    """A replica of hummingbot #8457, where network errors turned six accepted orders into failed ones.

    Twenty seconds in place of five minutes, which the fault world and `test_venue_dials` play on a faster clock.
    """
    with broken(world=world_of_six(), book=book_of_six()) as found:
        found.daemon.until_active(30.0)
        found.settled(20.0)
        before = len(found.ours())
        # Whoever trades is heard half a second later; the hedges are carried out, and neither answers nor news come.
        found.world.admin("weather", **{**CALM, "push_delay_ms": 2_500.0})
        found.world.admin("faults", type="http", kind="ack_lost", endpoint="/v5/order/create", count=6, silent=True)
        for coin, size in SIZES.items():
            found.client(size, f"bybit:linear:{coin}PERP")
        live = {one["client_id"] for one in found.until_ours(before + 6)[before:]}
        gone_ns = time.time_ns()
        found.line.down()
        assert found.raised("PrivateStreamSilent", gone_ns) - gone_ns <= 5 * NS_PER_S
        found.stays(before + 6, 20.0)
        # Nothing that the network said ended an order.
        assert not [row for row in found.rows("OrderRejected") if row.payload["client_id"] in live]
        unsettled = {one["client_id"] for one in found.daemon.book()["orders"]}
        assert unsettled == live
        found.line.up()
        healed_s = time.monotonic()
        found.daemon.until("settled to the venue's truth", lambda _book: ended(found, live), 30.0)
        assert time.monotonic() - healed_s <= 30.0
        truth = outcomes(found)
        assert {truth[one] for one in live} == {"filled"}
        found.settled(30.0)
        found.agree()
        assert found.daemon.stop() == 0


@pytest.mark.parametrize("executed", [True, False], ids=["carried out", "not carried out"])
def test_v01_an_error_of_the_server_is_no_answer(executed: bool) -> None:
    with broken(book=book_by("rest")) as found:
        found.calm()
        before = len(found.ours())
        found.world.admin("weather", **{**CALM, "push_delay_ms": 700.0})
        fault = {"kind": "status", "endpoint": "/v5/order/create", "status": 503, "body": "Service Unavailable"}
        found.world.admin("faults", type="http", executed=executed, **fault)
        asked_ns = time.time_ns()
        found.client("0.8")
        unknown = found.daemon.until("asked", lambda _book: bool(unknowns(found, asked_ns)), 10.0)
        assert unknown["mode"] == "active"
        (first,) = [row for row in found.rows("SubmitOrder") if row.at_ns > asked_ns][:1]
        client_id = first.payload["client_id"]
        assert [row.payload["code"] for row in unknowns(found, asked_ns)] == ["http:503"]
        if executed:
            found.settled(10.0)
            # Resolved by a query or the stream, and no second order for what the first one did.
            assert [one["client_id"] for one in found.ours()[before:]] == [client_id]
            assert filled(found.ours()[-1]) > 0
        else:
            found.settled(20.0)
            again = [row for row in found.rows("SubmitOrder") if row.at_ns > first.at_ns]
            # Absent for certain only after the venue's deadline and our margin: 2,000 and 500 ms in this book.
            assert again
            assert (again[0].at_ns - first.at_ns) / 1e6 >= 2_500.0
            lookups = [row for row in found.rows("OrderLookedUp") if row.payload["client_id"] == client_id]
            assert lookups
            assert lookups[-1].payload["report"] is None
        creates = found.world.admin("requests?path=/v5/order/create")["requests"]
        ids = [one["params"]["orderLinkId"] for one in creates]
        assert len(ids) == len(set(ids)), "no create was posted twice"
        found.agree()
        assert found.daemon.stop() == 0


@pytest.mark.parametrize(("order_entry", "place"), [("rest", REST), ("ws", "/v5/trade")])
def test_n05_orders_whose_answers_are_reset_on_the_line_are_sent_once(order_entry: str, place: str) -> None:
    with broken(book=book_by(order_entry)) as found:
        found.calm()
        # Every answer comes most of a second after the execution, and the line is reset in between.
        found.world.admin("weather", **{**CALM, "ack_delay_ms": 700.0, "push_delay_ms": 900.0})
        since_ns = time.time_ns()
        known = {one["client_id"] for one in found.ours()}
        for number in range(6):
            found.client("0.8", side="buy" if number % 2 == 0 else "sell")
            found.until_ours(len(known) + 1)
            found.do(lambda proxy: proxy.cut(place))
            known = {one["client_id"] for one in found.ours()}
            found.settled(20.0)
            known |= {one["client_id"] for one in found.ours()}
        unknown = {row.payload["client_id"] for row in unknowns(found, since_ns)}
        assert len(unknown) >= 3, "the answers were lost"
        assert unknown <= known
        # Each of them did what it should, and nothing more was needed.
        sent = [row.payload["client_id"] for row in found.rows("SubmitOrder")]
        assert len(sent) == len(set(sent))
        found.agree()
        assert found.daemon.stop() == 0


def test_v08_a_venue_that_restarts_for_ten_seconds() -> None:
    with broken() as found:
        found.calm()
        before = len(found.ours())
        found.world.admin("weather", **{**CALM, "push_delay_ms": 1_000.0})
        found.world.admin("faults", type="http", kind="ack_lost", endpoint="/v5/order/create", silent=True)
        found.client("0.8")
        live = found.until_ours(before + 1)[-1]["client_id"]
        found.world.admin("down", seconds=10.0)
        down_ns = time.time_ns()
        assert found.raised("PrivateStreamSilent", down_ns) - down_ns <= 5 * NS_PER_S
        time.sleep(max(0.0, 10.0 - (time.time_ns() - down_ns) / NS_PER_S))
        until_back(found)
        found.world.admin("restart", now=True)
        back_s = time.monotonic()
        found.settled(60.0)
        assert time.monotonic() - back_s <= 60.0
        assert ended(found, {live})
        assert outcomes(found)[live] == "filled"
        found.agree()
        assert found.daemon.stop() == 0
