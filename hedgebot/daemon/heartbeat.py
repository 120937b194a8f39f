"""The dead-man's alarm outside: a request to the operator's monitor again and again, whose absence is the alarm.

It fires when everything else is silent: a dead process, a dead machine, a crash loop. Owns the request; whether the
process deserves a beat is the caller's to say. A monitor that does not answer never holds anything up: the request is
made in a thread, with a deadline, and its failure is told once until it works again.
"""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Callable

import structlog

TIMEOUT_S = 5.0


class Heartbeat:
    """Posts a line to `url` every `every_s`; `told` hears of a monitor that does not answer, and of its end."""

    def __init__(self, url: str, every_s: float, told: Callable[[str], None] = lambda _problem: None) -> None:
        self._url = url
        self._told = told
        self._log = structlog.stdlib.get_logger("hedgebot.heartbeat")
        self._withheld = ""
        self.every_s = every_s
        self.beats = 0

    async def beat(self, state: str, withheld: str) -> None:
        """One beat with the daemon's state as its body, or none, because of `withheld`."""
        if withheld != self._withheld:
            self._withheld = withheld
            self._log.warning("heartbeat", withheld=withheld or "no longer")
        if withheld:
            return
        try:
            await asyncio.to_thread(self._post, state)
        except (OSError, ValueError) as error:
            self._told(f"the monitor at the heartbeat's address does not answer: {type(error).__name__}")
        else:
            self.beats += 1
            self._told("")

    def _post(self, state: str) -> None:
        request = urllib.request.Request(self._url, data=state.encode("utf-8", "replace")[:1_000], method="POST")  # noqa: S310  (the configuration allows http and https only)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            answer.read(1)
