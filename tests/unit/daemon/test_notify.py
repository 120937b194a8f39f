import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgebot.daemon.notify import ServiceManager


@pytest.fixture
def manager() -> Iterator[tuple[socket.socket, str]]:
    """A service manager's socket and its address."""
    with tempfile.TemporaryDirectory(prefix="n") as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        address = str(Path(folder) / "s")
        link.bind(address)
        link.settimeout(2)
        yield link, address


def test_it_says_what_it_is_asked_to(manager: tuple[socket.socket, str]) -> None:
    link, address = manager
    told = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"})
    told.ready()
    told.alive()
    told.say("the book\nis halted")
    told.stopping()
    assert [link.recv(200).decode() for _ in range(4)] == [
        "READY=1",
        "WATCHDOG=1",
        "STATUS=the book is halted",
        "STOPPING=1",
    ]
    assert told.ping_every_s == 15.0


def test_without_a_manager_it_says_nothing() -> None:
    alone = ServiceManager({"WATCHDOG_USEC": "30000000"})
    alone.ready()
    assert alone.ping_every_s == 0.0


def test_a_manager_that_is_gone_does_not_hurt(tmp_path: Path) -> None:
    gone = ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "never"})
    gone.alive()
    assert gone.ping_every_s == 0.0


def test_a_leading_at_sign_is_the_abstract_namespace() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind("\0hedgebot-test-notify")
        link.settimeout(2)
        ServiceManager({"NOTIFY_SOCKET": "@hedgebot-test-notify"}).ready()
        assert link.recv(100) == b"READY=1"
