"""What ends when."""

from hedgebot.exchange.troubles.spells import Spells


def test_what_began_ends_once_and_in_its_order() -> None:
    ended: list[str] = []
    spells = Spells()
    spells.begin(("a", "x"), 100, lambda: ended.append("first"))
    spells.begin(("a", "y"), 100, lambda: ended.append("second"))
    assert not spells.advance(99)
    assert spells.runs("a")
    assert spells.advance(100)
    assert not spells.advance(200)
    assert (ended, spells.runs("a")) == (["first", "second"], False)


def test_a_later_trouble_of_a_kind_takes_the_place_of_the_first() -> None:
    ended: list[str] = []
    spells = Spells()
    spells.begin(("a", "x"), 100, lambda: ended.append("short"))
    spells.begin(("a", "x"), 300, lambda: ended.append("long"))
    assert not spells.advance(200)
    spells.begin(("a", "x"), None, lambda: ended.append("never"))
    assert not spells.advance(400)
    assert ended == []


def test_what_an_ending_begins_in_the_place_of_another_has_its_own_time() -> None:
    ended: list[str] = []
    spells = Spells()
    spells.begin(("ahead", "b"), 100, lambda: spells.begin(("a", ""), 200, lambda: ended.append("b")))
    spells.begin(("a", ""), 100, lambda: ended.append("a"))
    assert spells.advance(100)
    assert (ended, spells.runs("a")) == ([], True)
    spells.advance(200)
    assert ended == ["b"]
