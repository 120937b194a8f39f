"""`hedgebot dashboard`: where it listens, and what it refuses."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from hedgebot.console.verbs_dashboard import _is_loopback, _listen

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("words", [(), ("--behind-tls-proxy",), ("--name", "desk.example.com")])
def test_another_address_needs_tls_and_a_name(tmp_path: Path, hedgebot: Run, words: tuple[str, ...]) -> None:
    code, _, err = hedgebot("dashboard", "-s", tmp_path, "--host", "0.0.0.0", "--port", "0", *words)
    assert code == 2
    assert "the token would travel in the clear" in err
    assert not (tmp_path / "dashboard.token").exists()


def test_a_token_that_others_can_read_is_refused(tmp_path: Path, hedgebot: Run) -> None:
    (tmp_path / "dashboard.token").write_text("t" * 43)
    (tmp_path / "dashboard.token").chmod(0o644)
    code, _, err = hedgebot("dashboard", "-s", tmp_path, "--port", "0")
    assert code in {2, 6}
    assert "chmod 600" in err


def test_a_port_in_use_is_a_sentence(tmp_path: Path, hedgebot: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        code, _, err = hedgebot("dashboard", "-s", tmp_path, "--port", taken.getsockname()[1])
    assert code == 2
    assert "take another --port" in err


def test_loopback() -> None:
    assert [_is_loopback(one) for one in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "desk")] == [True] * 3 + [
        False
    ] * 2
    with _listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0
