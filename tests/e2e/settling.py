"""How a world is brought to rest and held against the exchange after its daemon was killed."""

import time

from hedgebot.console.replaying import replay_journal
from hedgebot.journal.verify import verify as verify_journal
from tests.e2e import checker
from tests.e2e.harness import Daemon, World


def settle(world: World, daemon: Daemon) -> None:
    """Stop the client, let the last hedges fill, and hold the journal and the daemon against the exchange."""
    world.admin("flow", enabled=False)
    problems = ["not compared yet"]
    book = daemon.book()
    until_s = time.monotonic() + 25.0
    while problems and time.monotonic() < until_s:
        time.sleep(0.5)
        book = daemon.book()
        truth = checker.read_truth(world.admin("truth"))
        rows = checker.read_rows(world.state_dir)
        problems = [
            *(f"order {one['client_id']} is still {one['status']}" for one in book["orders"]),
            *checker.order_problems(rows, truth),
            *checker.position_problems(checker.positions(rows), truth),
            *checker.coin_problems(book, truth),
        ]
    assert not problems, "\n".join(problems) + "\n" + daemon.words()
    assert book["mode"] == "active", f"{book['mode']}: {book['mode_reason']}"
    assert daemon.stop() == 0, daemon.words()


def verify(world: World) -> None:
    """The journal's own verification and replay."""
    assert verify_journal(world.state_dir).problems == ()
    assert replay_journal(world.state_dir, verify=True).problems == ()
