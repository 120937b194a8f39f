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
    assert "-0.4167 " in text
    assert text.endswith(" +0.4167 BTC")


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
    cells = bar(None).split("0.4167 ")[1].split(" +")[0]
    assert cells == cells[::-1].translate(str.maketrans("[]", "]["))


def test_an_unknown_band_is_said() -> None:
    assert "the band of BTC is not known" in delta_bar(UnderlyingRow(underlying="BTC"), 80).plain


def test_places_map_to_cells() -> None:
    assert [column(place, 101) for place in (-9, -1, 0, 1, 9)] == [0, 0, 50, 100, 100]
