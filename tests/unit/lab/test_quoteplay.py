"""A book played over quotes: the same three ways, in the order of moments, and its journal is told."""

from dataclasses import dataclass, field

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import AccountSettings
from hedgebot.journal.codec import kind_of
from hedgebot.lab.quoteplay import QuotePlay, Way
from strategies.delta_neutral import STRATEGY
from tests.unit.lab.test_skip import OPENING, book_settings, path


@dataclass
class Ear:
    rows: list[ev.Stamped | cmd.Issued] = field(default_factory=list)

    def __call__(self, entry: ev.Stamped | cmd.Issued) -> None:
        self.rows.append(entry)


@pytest.mark.parametrize("way", list(Way))
def test_rows_are_numbered_in_the_order_of_their_moments(way: Way) -> None:
    ear, quotes = Ear(), path(1, 2_000, 20, 0.5)
    play = QuotePlay(
        quotes=quotes, settings=book_settings(0.1), opening=OPENING, load_strategy=STRATEGY.build, way=way, heard=ear
    )
    play.run()
    places = [(one.seq, one.index if isinstance(one, cmd.Issued) else 0) for one in ear.rows]
    assert places == sorted(set(places))
    moments = [one.at_ns for one in ear.rows]
    assert moments == sorted(moments)
    kinds = {kind_of(one.event if isinstance(one, ev.Stamped) else one.command) for one in ear.rows}
    assert {"RunStarted", "SnapshotTaken", "SubmitOrder", "RecordDecision", "FillReceived"} <= kinds
    assert not kinds & {"BookTop", "TimerFired"}
    assert len(play.orders) == play.desk.fills > 0
    assert (play.skipped == 0) == (way is Way.FULL)


def test_events_made_before_give_the_same() -> None:
    quotes, digests = path(2, 1_500, 20, 0.5), set()
    for books in (None, list(quotes.books())):
        play = QuotePlay(
            quotes=quotes, settings=book_settings(0.1), opening=OPENING, load_strategy=STRATEGY.build, way=Way.CLAIMS
        )
        play.run(None if books is None else iter(books))
        digests.add(play.digest)
    assert len(digests) == 1


def test_a_book_that_cannot_run_there_says_so() -> None:
    nowhere = msgspec.structs.replace(OPENING, hedge=OPENING.instruments[1].id)
    play = QuotePlay(
        quotes=path(1, 200, 20, 0.5),
        settings=msgspec.structs.replace(book_settings(0.1), accounts=(*book_settings(0.1).accounts, _other_account())),
        opening=nowhere,
        load_strategy=STRATEGY.build,
    )
    with pytest.raises(ConfigError, match="did not become active"):
        play.run()


def _other_account() -> AccountSettings:
    return msgspec.structs.replace(book_settings(0.1).accounts[0], name="other")
