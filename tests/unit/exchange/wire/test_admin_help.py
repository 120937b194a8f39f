"""The page that the plane writes about itself."""

import re
from pathlib import Path
from typing import Annotated, Any, get_args

import msgspec
from aiohttp import web

from hedgebot.exchange.faults import Worded
from hedgebot.exchange.wire import admin
from hedgebot.exchange.wire.admin_help import Entry, help_page
from hedgebot.exchange.wire.faults import Fault
from hedgebot.exchange.wire.fields_market import Fields


class Colour(Worded):
    RED = "red", "stops"
    GREEN = "green", "goes on"


class Inner(msgspec.Struct):
    size: float = 1.0


class First(msgspec.Struct, tag="one", kw_only=True):
    """The first.

    What nobody needs on the page.
    """

    colour: Colour
    level: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    inner: Inner = msgspec.field(default_factory=Inner)
    names: tuple[str, ...] = ()


class Second(msgspec.Struct, tag="two"):
    """The second."""


async def nothing(_request: web.Request, _body: bytes) -> Fields:
    return {}


def test_bodies_words_and_bounds_come_from_the_types() -> None:
    page: Any = help_page({("POST", "x"): Entry(nothing, "does x", First | Second), ("GET", "y"): Entry(nothing, "y")})
    assert [(one["path"], one["body"]) for one in page["paths"]] == [("/admin/x", ["one", "two"]), ("/admin/y", [])]
    assert page["bodies"]["one"]["does"] == "The first."
    fields = page["bodies"]["one"]["fields"]
    assert fields["type"] == {"is": "'one'", "required": True}
    assert fields["colour"] == {"is": "Colour", "required": True}
    assert fields["level"] == {"is": "int >= 1 <= 5 or none", "required": False, "default": None}
    assert fields["inner"]["is"] == "inner"
    assert fields["names"]["is"] == "tuple of str"
    assert page["words"] == {"Colour": {"red": "stops", "green": "goes on"}}
    assert set(page["bodies"]) == {"one", "two", "inner"}


def test_the_page_for_people_shows_faults_that_exist() -> None:
    page = (Path(__file__).parents[4] / "runbooks" / "break-the-simulated-exchange.md").read_text("utf-8")
    shown = re.findall(r"""^(?:.*-d ')?(\{"type".*\})'?$""", page, re.MULTILINE)
    assert len(shown) == 10
    types = {type(msgspec.json.decode(one, type=Fault)) for one in shown}
    assert types == set(get_args(Fault))
    for path in re.findall(r"`/admin/(\w+)`", page):
        assert f'("POST", "{path}")' in (Path(admin.__file__)).read_text("utf-8"), path
