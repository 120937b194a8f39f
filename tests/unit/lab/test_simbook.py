import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.errors import ConfigError
from hedgebot.exchange.model import Exchange
from hedgebot.lab.memory import PassingJournal
from hedgebot.lab.pace import Pace
from hedgebot.lab.simbook import SimBook
from hedgebot.lab.worldspec import SCENARIO, SETTINGS, START_NS
from strategies.delta_neutral import STRATEGY


def test_a_book_becomes_active_and_hedges_at_a_slow_pace_with_nothing_kept() -> None:
    orders: list[str] = []

    def told(entry: object) -> None:
        if isinstance(entry, cmd.Issued) and isinstance(entry.command, cmd.SubmitOrder):
            orders.append(entry.command.client_id)

    scenario = msgspec.structs.replace(SCENARIO, step_ms=5_000)
    pace = Pace.of_seconds(5.0)
    journal = PassingJournal(told)
    book = SimBook(Exchange(scenario, START_NS), SETTINGS, STRATEGY.build, pace=pace, journal=journal)
    book.host.start()
    book.timeline.advance(START_NS + 600 * NS_PER_S)
    assert book.host.engine.state.mode is cmd.Mode.ACTIVE
    assert orders
    assert len(journal.entries) == 0


def test_an_account_that_the_scenario_does_not_have_is_told() -> None:
    account = msgspec.structs.replace(SETTINGS.accounts[0], name="other")
    settings = msgspec.structs.replace(SETTINGS, accounts=(account,))
    with pytest.raises(ConfigError, match=r"accounts\.other: the scenario fault world has no account of this name"):
        SimBook(Exchange(SCENARIO, START_NS), settings, STRATEGY.build)
