"""Tells the service manager that the daemon is ready, alive or stopping (sd_notify). Without one it says nothing.

Source: the documented protocol of sd_notify(3): datagrams of NAME=VALUE lines to the socket named by NOTIFY_SOCKET.
"""

import contextlib
import socket
from collections.abc import Mapping


class ServiceManager:
    """The manager that started this process, if there is one."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the abstract namespace.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        watchdog_us = environment.get("WATCHDOG_USEC", "")
        self._watchdog_s = int(watchdog_us) / 1e6 if watchdog_us.isdecimal() else 0.0

    @property
    def ping_every_s(self) -> float:
        """How often the manager wants a sign of life, twice as often as it must come; 0 for never."""
        return self._watchdog_s / 2 if self._address else 0.0

    def ready(self) -> None:
        """The start is done."""
        self._tell("READY=1")

    def alive(self) -> None:
        """A sign of life. Only given when the process has proven to live."""
        self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1")

    def say(self, status: str) -> None:
        """One line for whoever asks the manager."""
        self._tell(f"STATUS={' '.join(status.split())}")

    def _tell(self, line: str) -> None:
        if not self._address:
            return
        # A manager that does not listen must not keep the daemon from its work.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.setblocking(False)
            link.sendto(line.encode(), self._address)
