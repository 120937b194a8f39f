import xml.etree.ElementTree as ET
from typing import Any

import pytest

from hedgebot.console.picture import main, svg_of
from hedgebot.console.snapshot import read_snapshot


def test_the_picture_shows_the_screen_and_fetches_nothing(answer: dict[str, Any]) -> None:
    drawn = svg_of(read_snapshot(answer))
    assert drawn == svg_of(read_snapshot(answer))
    root = ET.fromstring(drawn)
    text = "".join(root.itertext()).replace("\xa0", " ")
    assert "net delta +0.1834 BTC" in text
    assert "●" in text
    assert "@font-face" not in drawn
    assert "cdn" not in drawn
    hosts = {word.split("/")[2] for word in drawn.replace('"', " ").split() if word.startswith("http")}
    assert hosts <= {"www.w3.org", "www.textualize.io"}


def test_it_wants_one_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage:" in capsys.readouterr().err
