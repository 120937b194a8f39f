"""A real browser for tests: headless Chromium over its debugging protocol, with what is installed already.

Only `find` says whether there is one; who finds none skips and says so.
"""

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_S_MAX = 30.0
CALL_S_MAX = 15.0
# Nothing of the browser's own may look for the internet.
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
    *("--remote-debugging-port=0", "--remote-debugging-address=127.0.0.1", "--mute-audio"),
)


def find() -> str | None:
    """The program of an installed Chromium; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One page of the browser."""

    def __init__(self, link: aiohttp.ClientWebSocketResponse) -> None:
        self._link = link
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        async for message in self._link:
            data = message.json()
            if "id" in data:
                self._waiting.pop(data["id"]).set_result(data)
            elif data["method"] == "Runtime.exceptionThrown":
                self.complaints.append(str(data["params"]["exceptionDetails"]))
            elif data["method"] == "Log.entryAdded" and data["params"]["entry"]["level"] == "error":
                self.complaints.append(str(data["params"]["entry"]["text"]))

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._link.send_json({"id": number, "method": method, "params": params})
        answer = await asyncio.wait_for(self._waiting[number], CALL_S_MAX)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    async def run(self, script: str) -> Any:
        """The value of an expression in the page, awaited."""
        told = await self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def go(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def until(self, script: str, seconds: float = 10.0) -> None:
        """Wait until an expression in the page is true."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    with contextlib.suppress(AssertionError):
                        if await self.run(script):
                            return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            text = await self.run("document.body ? document.body.innerText : ''")
            raise AssertionError(f"not within {seconds} s: {script}\n{self.complaints}\n{text}") from None

    async def resize(self, width: int, height: int, *, mobile: bool = False) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile
        )

    async def press(self, key: str, code: str, text: str) -> None:
        for kind in ("keyDown", "keyUp"):
            virtual = 13 if key == "Enter" else ord(key.upper())
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=code, text=text, windowsVirtualKeyCode=virtual
            )

    async def picture(self, path: Path) -> None:
        """What the window shows, as a PNG."""
        await self.until("innerWidth > 0 && innerHeight > 0")
        told = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(told["data"]))  # noqa: ASYNC240  (a test's picture)

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)


@contextlib.asynccontextmanager
async def browser(program: str, folder: Path) -> AsyncIterator[Tab]:
    """A browser with one empty page; its profile lives in `folder`."""
    process = await asyncio.create_subprocess_exec(
        program,
        *FLAGS,
        f"--user-data-dir={folder}",
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        address = folder / "DevToolsActivePort"
        async with asyncio.timeout(START_S_MAX):
            while not address.exists() or "\n" not in address.read_text():  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.05)
        port = address.read_text().splitlines()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [one for one in await answer.json(content_type=None) if one["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as link:
                tab = Tab(link)
                for domain in ("Page", "Runtime", "Log"):
                    await tab.call(f"{domain}.enable")
                yield tab
                await tab.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
