from pathlib import Path

from hedgebot.console.explaining import event_words, story_lines
from hedgebot.domain.events import TimerFired
from hedgebot.domain.instrument import Side
from hedgebot.journal.query import JournalReader
from tests.support.playbook import Playbook


def test_a_story_is_told_in_order(journal_dir: Path) -> None:
    with JournalReader(journal_dir) as reader:
        number = reader.decisions(1, hedges_only=True)[0].number
        story = reader.explain(str(number))
    lines = story_lines(story)
    heads = [line.split(" ")[0] for line in lines if line and not line.startswith(" ")]
    assert heads == ["decision", "cause", "trigger", "delta", "wanted", "order", "result", "after", "evidence"]
    text = "\n".join(lines)
    assert "net delta" not in lines[0]
    assert "sell 0.162 bybit:linear:BTCUSDT" in text
    assert "+0.0380 BTC; cause to fill" in text
    assert "0.0 ms before the decision" in text


def test_a_decision_without_an_order_says_so(journal_dir: Path) -> None:
    import msgspec

    with JournalReader(journal_dir) as reader:
        story = reader.explain(str(reader.decisions(1, hedges_only=True)[0].number))
    bare = msgspec.structs.replace(story, order=None, cause=None, cause_to_decision_ms=None)
    text = "\n".join(story_lines(bare))
    assert "order     none was sent" in text
    assert "no longer on the tape" in text


def test_events_have_words() -> None:
    book = Playbook()
    assert event_words(book.fill(Side.BUY, "0.2")).startswith("fill t1: buy 0.2 bybit:linear:BTCPERP at 100000")
    assert event_words(book.book()) == "book of bybit:linear:BTCUSDT: bid 99999.5, ask 100000.5"
    assert event_words(book.ticker()).endswith("mark 100000, index 100000")
    assert event_words(book.option()).endswith("implied volatility 0.6")
    assert event_words(TimerFired()) == "TimerFired"
