"""ccxt's own shipped suites against the exchange: C3 of the conformance levels (`make conformance`).

The suites are scripts that refuse to run from an installed package: a copy of the installed folder is run, unmodified,
with the two files beside it that they read (keys and addresses; skips with reasons). One run for each product and
transport, each with an account of its own. What counts as passed is decided here, more strictly than there:

- ccxt's TEST_FAILURE and TEST_WARNING, a test that never ended, and one that a NotSupported ended, are failures;
- a websocket test, which swallows network errors until its 15 seconds are over, counts only when the exchange itself
  says that frames of the test's topic left it for that product and account;
- an empty list is a failure (`emptyResponse` below: the suites check for emptiness only where it is named).
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import ccxt.pro

from tests.wire.ccxt_plans import PLANS, PRIVATE, TOPICS, Plan, skips_of
from tests.wire.exchange_client import loopback_urls
from tests.wire.exchange_process import Served, served

REST_S_MAX, SOCKET_S_MAX, BASE_S_MAX = 120, 120, 60
TRADE_EVERY_S = 0.4
FUNDING_S_MAX = 75
WORDS_MAX = 300
TROUBLES_TOLD = 10


@dataclass(kw_only=True)
class Outcome:
    """What one run of a suite came to. `quiet` are websocket tests without a payload at the exchange."""

    name: str
    seconds: float = 0.0
    passed: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    no_test: set[str] = field(default_factory=set)

    def lines(self) -> Iterator[str]:
        """The run in words."""
        yield f"{self.name}: {len(self.passed)} passed, {len(self.failed)} failed, {self.seconds:.0f} s"
        yield f"  passed {', '.join(sorted(self.passed))}"
        yield from (f"  failed {method}: {why}" for method, why in sorted(self.failed.items()))
        yield from (f"  skipped {method}: {why}" for method, why in sorted(self.skipped.items()))
        if self.no_test:
            yield f"  no test in ccxt's suites, contract tests cover: {', '.join(sorted(self.no_test))}"


# --- the suites' folder -------------------------------------------------------------------------------------------


def copy_of_ccxt(folder: Path) -> Path:
    """A copy of the installed ccxt, from which further ones can be linked."""
    target = folder / "ccxt"
    shutil.copytree(Path(ccxt.pro.__file__).parents[1], target)
    return target


def suite_root(folder: Path, copied: Path, keys: dict[str, Any], skips: dict[str, Any]) -> Path:
    """A root of the suites: python/ccxt, keys.json and skip-tests.json."""
    (folder / "python").mkdir(parents=True)
    shutil.copytree(copied, folder / "python" / "ccxt", copy_function=os.link)
    (folder / "keys.json").write_text(json.dumps({"bybit": keys}), "utf-8")
    (folder / "skip-tests.json").write_text(json.dumps({"bybit": {"skipMethods": skips}}), "utf-8")
    return folder


def keys_of(account: str, port: int) -> dict[str, Any]:
    """The suites' settings: keys of an account, every address on loopback, all options."""
    return {
        "apiKey": f"key-{account}",
        "secret": f"secret-{account}",
        "urls": {"api": loopback_urls(ccxt.pro.bybit().urls["api"], port)},
        "options": {"fetchMarkets": {"loadAllOptions": True, "options": ["BTC", "ETH"]}},
    }


def run_script(root: Path, words: Sequence[str], seconds_max: float) -> tuple[str, bool]:
    """Run the suites' script: its output, and whether it ended by itself in time."""
    folder = root / "python" / "ccxt" / "test"
    command = [sys.executable, "tests_init.py", *words]
    environment = {**os.environ, "PYTHONPATH": str(root / "python"), "PYTHONUNBUFFERED": "1"}
    with (root / "output.txt").open("w+b") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            ended = process.wait(seconds_max) is not None
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            ended = False
        output.seek(0)
        return output.read().decode("utf-8", "replace"), ended


# --- reading what they say ------------------------------------------------------------------------------------------

_LINE = re.compile(r"^\[INFO\] (TESTING DONE|TESTING FAILED|TESTING|NOT_SUPPORTED|\w+_TEST)\s+bybit (\w+)(.*)$")
_REASON = re.compile(r"^[\w.]*(?:Error|Exception|Request|NotSupported|Unavailable): (.*)$")
_TROUBLE = re.compile(r"^\[(?:TEST_FAILURE|TEST_WARNING)\] bybit (\w+) (.*)$")


def read_output(name: str, text: str, skips: dict[str, Any], *, ended: bool) -> Outcome:
    """What a run's output says, strictly."""
    outcome = Outcome(name=name)
    begun: set[str] = set()
    last = ""  # the failure whose traceback is being read
    for line in text.splitlines():
        told = _LINE.match(line)
        if told:
            word, method, rest = told.groups()
            if word == "TESTING" and "(" in rest:
                begun.add(method)
            elif word == "TESTING DONE" and method in begun:
                outcome.passed.add(method)
            elif word == "NOT_SUPPORTED":
                outcome.failed[method] = "ended by NotSupported"
            elif word == "SKIPPED_TEST":
                outcome.skipped[method] = skips[method]
            elif word == "UNIMPLEMENTED_TEST":
                outcome.no_test.add(method)
        trouble = _TROUBLE.match(line)
        if trouble:
            last = "" if trouble[1].endswith("_TESTS") else trouble[1]
            if last:
                outcome.failed[last] = trouble[2][:WORDS_MAX]
        reason = _REASON.match(line)
        if reason and last:
            outcome.failed[last], last = reason[1][:WORDS_MAX], ""
    for method in begun - outcome.passed - set(outcome.failed):
        outcome.failed[method] = "began and never ended"
    outcome.passed -= set(outcome.failed)
    if not ended:
        outcome.failed["the run"] = "not done in time, ended"
    elif "END PRIVATE_TESTS" not in text:
        outcome.failed["the run"] = "did not come as far as its private tests: " + text[-400:]
    outcome.no_test.discard("loadMarkets")  # run by everything else
    return outcome


def hold_to_the_log(outcome: Outcome, instrument: "Instrument", delivered: dict[tuple[str, str, str], int]) -> None:
    """Count websocket tests only when the exchange's own log has frames of their topic."""
    plan = instrument.plan
    for method in sorted(outcome.passed & set(TOPICS)):
        depth = "100" if plan.category == "option" else "50"
        topic = TOPICS[method].format(id=instrument.symbol, depth=depth)
        key = ("private", plan.account, topic) if topic in PRIVATE else (plan.category, "", topic)
        if not delivered.get(key):
            outcome.passed.discard(method)
            outcome.failed[method] = f"the suite passed it, but the exchange never sent a frame of {topic}"


# --- the exchange's side ------------------------------------------------------------------------------------------


class Instrument(NamedTuple):
    """What a plan trades on this exchange: the venue's symbol and ccxt's."""

    plan: Plan
    symbol: str
    unified: str

    @property
    def id(self) -> str:
        return f"bybit:{self.plan.category}:{self.symbol}"


def instrument_of(exchange: Served, plan: Plan) -> Instrument:
    """The product's instrument on BTC: the one, or the one in the middle of the chain."""
    base = "&baseCoin=BTC" if plan.category == "option" else ""
    url = f"{exchange.url}/v5/market/instruments-info?category={plan.category}&limit=1000{base}"
    with urllib.request.urlopen(url, timeout=10) as reply:
        rows = json.load(reply)["result"]["list"]
    chosen = [row for row in rows if row["baseCoin"] == "BTC" and _settle(row) == plan.settle]
    if plan.category in {"linear", "inverse"}:
        chosen = [row for row in chosen if (row["deliveryTime"] != "0") is plan.dated]
    row = chosen[len(chosen) // 2]
    unified = f"{row['baseCoin']}/{row['quoteCoin']}"
    if plan.category != "spot":
        unified += f":{row['settleCoin']}"
    if int(row.get("deliveryTime", "0")):
        day = datetime.fromtimestamp(int(row["deliveryTime"]) / 1_000, UTC)
        unified += f"-{day:%y%m%d}"
    if plan.category == "option":
        parts = row["symbol"].split("-")
        unified += f"-{parts[2]}-{parts[3]}"
    return Instrument(plan, row["symbol"], unified)


def _settle(row: dict[str, Any]) -> str:
    settle: str = row.get("settleCoin") or row["quoteCoin"]
    return settle


@contextlib.contextmanager
def activity(exchange: Served, instruments: Sequence[Instrument]) -> Iterator[None]:
    """Trade in every account while the suites run, so that account news flow; and rest an order in each."""
    done = threading.Event()
    troubles: list[str] = []

    def trade(instrument: Instrument, side: str, **more: str) -> None:
        plan = instrument.plan
        body = {"instrument": instrument.id, "side": side, "contracts": plan.qty, "account": plan.account, **more}
        exchange.admin("trade", body)

    def keep_trading() -> None:
        for side in itertools.cycle(("buy", "sell")):
            for instrument in instruments:
                if done.wait(TRADE_EVERY_S / len(instruments)):
                    return
                try:
                    trade(instrument, side)
                except AssertionError as error:  # a refusal is told at the end: the others go on
                    if len(troubles) < TROUBLES_TOLD:
                        troubles.append(str(error))

    for instrument in instruments:
        # The suites read the ledger of BTC, and positions without a symbol, which are the linear ones in USDT.
        for other in ("spot", "linear"):
            body = {"instrument": f"bybit:{other}:BTCUSDT", "side": "buy", "contracts": "0.01"}
            exchange.admin("trade", {**body, "account": instrument.plan.account})
        trade(instrument, "buy")
        trade(instrument, "buy")
        trade(instrument, "buy", limit_price=resting_price(exchange, instrument))
    worker = threading.Thread(target=keep_trading, name="activity")
    worker.start()
    try:
        yield
    finally:
        done.set()
        worker.join()
        for trouble in troubles:
            print(f"activity: {trouble}", file=sys.stderr)


def resting_price(exchange: Served, instrument: Instrument) -> str:
    """A price at which a purchase rests and does not fill."""
    url = f"{exchange.url}/v5/market/tickers?category={instrument.plan.category}&symbol={instrument.symbol}"
    with urllib.request.urlopen(url, timeout=10) as reply:
        (row,) = json.load(reply)["result"]["list"]
    return "5" if instrument.plan.category == "option" else str(round(float(row["lastPrice"]) * 0.97))


def await_funding(exchange: Served) -> None:
    """Wait for the first funding of the world (every minute here): its history is asked for."""
    url = f"{exchange.url}/v5/market/funding/history?category=linear&symbol=BTCUSDT"
    for _ in range(FUNDING_S_MAX):
        with urllib.request.urlopen(url, timeout=10) as reply:
            if json.load(reply)["result"]["list"]:
                return
        time.sleep(1.0)


# --- runs ---------------------------------------------------------------------------------------------------------


def run_suite(folder: Path, copied: Path, exchange: Served, instrument: Instrument, *, sockets: bool) -> Outcome:
    """One product over one transport."""
    plan = instrument.plan
    name = f"{plan.account} {'websocket' if sockets else 'rest'} {instrument.unified}"
    skips = skips_of(plan)
    root = suite_root(
        folder / name.split(" ", 2)[0] / ("ws" if sockets else "rest"),
        copied,
        keys_of(plan.account, exchange.port),
        skips,
    )
    words = ["bybit", instrument.unified, "--private", "--info", *(["--ws"] if sockets else [])]
    began_s = time.monotonic()
    text, ended = run_script(root, words, SOCKET_S_MAX if sockets else REST_S_MAX)
    outcome = read_output(name, text, skips, ended=ended)
    outcome.seconds = time.monotonic() - began_s
    if sockets:
        hold_to_the_log(outcome, instrument, exchange.delivered())
    return outcome


def run_base(folder: Path, copied: Path, *, sockets: bool) -> Outcome:
    """The suites' tests of ccxt itself: that the copy is sound."""
    name = f"base {'websocket' if sockets else 'rest'}"
    root = suite_root(folder / name.replace(" ", "-"), copied, {}, {})
    began_s = time.monotonic()
    text, ended = run_script(root, ["--baseTests", *(["--ws"] if sockets else [])], BASE_S_MAX)
    passed = ended and f"base {'WS' if sockets else 'REST'} tests passed!" in text
    outcome = Outcome(name=name, seconds=time.monotonic() - began_s)
    if passed:
        outcome.passed.add("base")
    else:
        outcome.failed["base"] = text[-400:]
    return outcome


def run(plans: Sequence[Plan], *, base: bool, at_once: int, folder: Path) -> list[Outcome]:
    """Run the suites of some products, several at a time."""
    copied = copy_of_ccxt(folder)
    with served(folder) as exchange, ThreadPoolExecutor(at_once) as pool:
        instruments = [instrument_of(exchange, plan) for plan in plans]
        with activity(exchange, instruments):
            waiting = [pool.submit(run_suite, folder, copied, exchange, one, sockets=True) for one in instruments]
            if base:
                waiting += [pool.submit(run_base, folder, copied, sockets=sockets) for sockets in (False, True)]
            await_funding(exchange)
            waiting += [pool.submit(run_suite, folder, copied, exchange, one, sockets=False) for one in instruments]
            outcomes = [one.result() for one in waiting]
        crashes = exchange.process.log.read_text("utf-8", "replace")
        if "crashed" in crashes:
            outcomes.append(Outcome(name="the exchange's own log", failed={"crash": crashes[-3_000:]}))
    return outcomes


def main() -> int:
    """Run everything, print counts and reasons; 1 when anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", nargs="*", default=[plan.account for plan in PLANS], help="accounts (products) to run"
    )
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--keep", type=Path, help="a new folder for the suites' own output")
    chosen = parser.parse_args()
    plans = [plan for plan in PLANS if plan.account in chosen.only]
    with tempfile.TemporaryDirectory(prefix="hedgebot-suites-") as scratch:
        outcomes = run(plans, base=True, at_once=chosen.at_once, folder=chosen.keep or Path(scratch))
    for outcome in outcomes:
        print("\n".join(outcome.lines()))
    failed = sum(len(one.failed) for one in outcomes)
    skipped = sum(len(one.skipped) for one in outcomes)
    print(f"{sum(len(one.passed) for one in outcomes)} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
