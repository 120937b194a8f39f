import pytest

from hedgebot.console.bar import column, delta_bar
from hedgebot.console.snapshot import UnderlyingRow


def bar(delta: float | None, width: int = 80) -> str:
    one = UnderlyingRow(underlying="BTC", delta_coin=delta, band_coin=0.25, inside_coin=0.1875)
    return delta_bar(one, width).plain


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fills_the_width_with_its_ends_and_unit(width: int) -> None:
    text = bar(0.1, width)
    assert len(text) == width
    assert text.startswith("       -0.42 ")
    assert text.rstrip().endswith(" +0.42   BTC")


def test_bars_of_several_underlyings_stand_below_each_other() -> None:
    def drawn(name: str, band: float) -> str:
        return delta_bar(UnderlyingRow(underlying=name, delta_coin=0.0, band_coin=band), 80).plain

    bars = [drawn("BTC", 0.05), drawn("ETH", 1.0), drawn("DOGE", 90_000.0)]
    assert len({(one.index("["), one.index("]"), len(one)) for one in bars}) == 1
    assert [one.split()[0] for one in bars] == ["-0.0833", "-1.67", "-150000"]


@pytest.mark.parametrize(
    ("delta", "order"),
    [
        (0.0, "[¦●¦]"),
        (0.1, "[¦|●¦]"),
        (-0.22, "[●¦|¦]"),
        (0.3, "[¦|¦]●"),
        (-0.3, "●[¦|¦]"),
        (5.0, "[¦|¦]▶"),
        (-5.0, "◀[¦|¦]"),
        (None, "[¦|¦]"),
    ],
)
def test_the_delta_stands_where_it_belongs(delta: float | None, order: str) -> None:
    assert "".join(mark for mark in bar(delta) if mark in "[]¦|●◀▶") == order


def test_the_band_is_symmetric() -> None:
    cells = bar(None).split("0.42 ")[1].split(" +")[0]
    assert cells == cells[::-1].translate(str.maketrans("[]", "]["))


def lopsided(delta: float) -> str:
    one = UnderlyingRow(
        underlying="BTC",
        delta_coin=delta,
        band_coin=0.25,
        inside_coin=0.1875,
        band_below_coin=1.0,
        inside_below_coin=0.75,
        centre_coin=3.0,
    )
    return delta_bar(one, 90).plain


def test_a_band_with_sides_of_its_own_stands_around_its_centre() -> None:
    text = lopsided(3.0)
    assert text.split()[0] == "+1.33"
    assert text.split()[-2] == "+4.67"
    assert "".join(mark for mark in text if mark in "[]¦|●") == "[¦●¦]"
    assert text.index("●") - text.index("[") > 3 * (text.index("]") - text.index("●"))
    for delta, order in ((2.1, "[●¦|¦]"), (3.3, "[¦|¦]●"), (1.8, "●[¦|¦]")):
        assert "".join(mark for mark in lopsided(delta) if mark in "[]¦|●") == order


def test_an_unknown_band_is_said() -> None:
    assert "the band of BTC is not known" in delta_bar(UnderlyingRow(underlying="BTC"), 80).plain


def test_places_map_to_cells() -> None:
    assert [column(place, 101) for place in (-9, -1, 0, 1, 9)] == [0, 0, 50, 100, 100]
