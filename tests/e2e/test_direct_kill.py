"""`hedgebot kill --direct` while the daemon hangs: ours are cancelled, the rest stays, the daemon wakes up halted."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hedgebot.domain.client_id import ClientId
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

OURS, THEIRS = 12, 3


def resting(world: World, client_id: str) -> None:
    """Put an order far below the market, as if it had been left there; the venue takes ten a second."""
    time.sleep(0.12)
    world.admin(
        "trade",
        instrument="bybit:linear:BTCUSDT",
        side="buy",
        contracts="0.001",
        limit_price="86000",
        client_id=client_id,
    )


def alive(world: World) -> set[str]:
    """Client ids of the orders that can still fill."""
    orders = world.admin("truth")["accounts"]["main"]["orders"]
    return {one["client_id"] for one in orders if one["status"] in {"open", "partial"}}


def test_a_hung_daemon_does_not_keep_a_kill(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    install = int(daemon.ask("status")["data"]["daemon"]["install"], 16)
    world.admin("flow", enabled=False)
    daemon.process.signal(signal.SIGSTOP)
    ours = {ClientId(install=install, epoch=1, strategy=0, intent=9_000 + number).encode() for number in range(OURS)}
    theirs = {f"manual-{number}" for number in range(THEIRS)}
    for client_id in sorted(ours | theirs):
        resting(world, client_id)
    assert alive(world) == ours | theirs
    where = ("--config", str(world.config), "--state-dir", str(world.state_dir))
    code, answer = world.verb("kill", "--direct", *where, "--reason", "it hangs")
    assert code == 0, answer
    assert (answer["daemon"], answer["proven"]) == (False, True)
    (account,) = answer["accounts"]
    assert set(account["cancelled"]) == ours
    assert account["left_alone"] == THEIRS
    assert alive(world) == theirs

    sent = len(world.admin("truth")["accounts"]["main"]["orders"])
    daemon.process.signal(signal.SIGCONT)
    book = daemon.until("halted", lambda book: bool(book["mode"] == "halted"))
    assert book["latched"]
    world.admin("price", underlying="BTC", percent=3.0)
    assert daemon.stop() == 0
    orders = world.admin("truth")["accounts"]["main"]["orders"]
    assert len(orders) == sent, "a halted daemon sends nothing, whatever the price does"


def test_an_order_that_comes_and_fills_between_two_looks_is_told(world: World) -> None:
    world.admin("flow", enabled=False)
    late = ClientId(install=7, epoch=1, strategy=0, intent=1).encode()
    where = ("--config", str(world.config), "--state-dir", str(world.state_dir))
    world.state_dir.mkdir()
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(world.verb, "kill", "--direct", *where, "--reason", "it hangs")
        # A hung daemon's order is taken after the first look, and no listing ever shows it: it fills at once.
        while not killing.done() and not world.admin("requests?path=/v5/order/realtime")["requests"]:
            time.sleep(0.05)
        world.admin("trade", instrument="bybit:linear:BTCUSDT", side="buy", contracts="0.5", client_id=late)
        code, answer = killing.result()
    assert code == 0, answer
    (account,) = answer["accounts"]
    assert account["cancelled"] == []
    assert account["filled"] == [f"{late}: 0.5 filled (filled)"]
