import socket
import threading
from pathlib import Path

import pytest

from hedgebot.console.control import ask, is_running
from hedgebot.console.errors import DaemonUnreachable
from hedgebot.domain.errors import HedgebotError
from tests.unit.console.conftest import StubDaemon


def test_a_question_gets_its_answer(daemon: StubDaemon) -> None:
    daemon.answers["kill"] = {"ok": False, "code": 6, "error": "no"}
    answer = ask(daemon.state_dir, "kill", operator="eve", reason="drill")
    assert daemon.asked == [{"verb": "kill", "operator": "eve", "reason": "drill"}]
    assert (answer.ok, answer.code, answer.error) == (False, 6, "no")
    assert is_running(daemon.state_dir)


def test_nobody_there_is_one_sentence_and_code_5(short_dir: Path) -> None:
    with pytest.raises(
        DaemonUnreachable, match=f"no daemon runs on {short_dir}; start one with: hedgebot run"
    ) as caught:
        ask(short_dir, "status")
    assert caught.value.exit_code == 5
    assert not is_running(short_dir)


def test_a_socket_that_a_dead_daemon_left_is_nobody(short_dir: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(short_dir / "control.sock"))
    left.close()
    with pytest.raises(DaemonUnreachable, match="no daemon runs on"):
        ask(short_dir, "status")


def test_an_answer_that_breaks_off_is_told(daemon: StubDaemon) -> None:
    with pytest.raises(DaemonUnreachable, match="before its answer was complete"):
        ask(daemon.state_dir, "health")


def test_a_silent_daemon_is_not_waited_for(short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(short_dir / "control.sock"))
        silent.listen(1)
        with pytest.raises(DaemonUnreachable, match=r"did not answer status in 0\.1 s"):
            ask(short_dir, "status", timeout_s=0.1)


def test_an_answer_that_is_no_answer_is_told(short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as broken:
        broken.bind(str(short_dir / "control.sock"))
        broken.listen(1)

        def serve() -> None:
            link, _ = broken.accept()
            with link:
                link.recv(1_000)
                link.sendall(b"hello\n")

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(HedgebotError, match="gave an answer that cannot be read"):
            ask(short_dir, "status")
        thread.join(5.0)


def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    with pytest.raises(DaemonUnreachable, match="too long a path for a socket"):
        ask(deep, "status")
    assert not is_running(deep)
