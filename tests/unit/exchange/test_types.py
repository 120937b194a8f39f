from typing import get_args

from hedgebot.exchange import types
from hedgebot.exchange.types import Notice


def test_every_notice_is_exported() -> None:
    names = {kind.__name__ for kind in get_args(Notice)}
    assert len(names) >= 10
    assert names <= set(types.__all__)
