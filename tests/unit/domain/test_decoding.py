"""A wrong file of ours is told with what it is, its name and the key."""

import msgspec
import pytest

from hedgebot.domain.decoding import decoded
from hedgebot.domain.errors import DataError


class Point(msgspec.Struct, forbid_unknown_fields=True):
    x: float

    def __post_init__(self) -> None:
        if self.x < 0.0:
            raise ValueError("x must not be negative")


def test_what_is_right_is_decoded() -> None:
    assert decoded(b'{"x": 2}', Point, "point", "p.json") == Point(2.0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "truncated"),
        (b'{"x": "2"}', r"Expected `float`, got `str` - at `\$\.x`"),
        (b'{"x": 1, "y": 2}', "unknown field `y`"),
        (b'{"x": -1}', "x must not be negative"),
        (b'{"x": "\xff"}', ""),
    ],
)
def test_what_is_wrong_is_told(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=rf"point p\.json: .*{words}"):
        decoded(content, Point, "point", "p.json")
