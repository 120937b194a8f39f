"""No secret byte in any log line, whoever wrote it and however it was written."""

import base64
import io
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.daemon import logs
from hedgebot.daemon.logs import RedactingFilter
from hedgebot.journal.redaction import MASK, TEXT_CHARS_MAX, Redactor

KEY = "AkEy-123/456+789=="
SECRET = 's3cr3t "quoted" \\ ünd ümlaut&'
FORMS = [
    SECRET,
    quote(SECRET, safe=""),
    quote(SECRET),
    quote_plus(SECRET),
    quote(SECRET, safe="").lower(),
    base64.b64encode(SECRET.encode()).decode(),
    base64.urlsafe_b64encode(SECRET.encode()).decode(),
    base64.b64encode(SECRET.encode()).decode().rstrip("="),
    SECRET.encode().hex(),
    json.dumps(SECRET),
    json.dumps(SECRET, ensure_ascii=False),
    repr(SECRET),
    repr(SECRET.encode()),
    KEY,
    quote_plus(KEY),
]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, sys.excepthook)
    stream = io.StringIO()
    logs.set_up([KEY, SECRET], stream=stream, level=logging.INFO)
    yield stream
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in before[0]:
        root.addHandler(handler)
    root.setLevel(before[1])
    sys.excepthook = before[2]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def leaked(text: str) -> list[str]:
    flat = text.replace("\\\\", "\\")
    return [form for form in FORMS if form in text or form in flat or form.strip("\"'") in text]


@pytest.mark.parametrize("form", FORMS)
def test_every_shape_of_a_secret_is_masked(form: str) -> None:
    text = Redactor([KEY, SECRET]).text(f"before {form} after")
    assert MASK in text
    assert leaked(text) == []
    assert text.startswith("before ")


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_a_secret_inside_a_longer_base64_text_is_masked(shift: int) -> None:
    encoded = base64.b64encode(b"u" * shift + SECRET.encode() + b":more").decode()
    masked = Redactor([SECRET]).text(encoded)
    assert MASK in masked
    assert len(masked) < 20


@pytest.mark.parametrize(
    "text",
    [
        "apiKey=abc123def",
        "api_key: abc123def",
        "{'apiKey': 'abc123def'}",
        '{"signature":"abc123def"}',
        '{\\"sign\\": \\"abc123def\\"}',
        "X-BAPI-SIGN: abc123def",
        "X-BAPI-API-KEY=abc123def",
        "POST /v5/order?x=1&signature=abc123def&y=2",
        "Authorization: Bearer abc123def",
        "Authorization: Basic abc123def",
        "{'Authorization': 'deri-hmac-sha256 id=x,ts=1,sig=abc123def,nonce=1'}",
        "secret=abc123def",
        "passphrase = abc123def",
    ],
)
def test_what_stands_behind_a_telling_name_is_masked(text: str) -> None:
    masked = Redactor([]).text(text)
    assert "abc123def" not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "text", ["signal=USR1", "design: round", "the assignment = 3", "no secret here", "turn 7 took 3 ms"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor([]).text(text) == text


def test_json_stays_json() -> None:
    line = json.dumps({"apiKey": "abc", "n": 1, "nested": {"signature": "x,y"}})
    masked = json.loads(Redactor([]).text(line))
    assert masked["apiKey"] == MASK
    assert masked["n"] == 1


def test_a_very_long_text_is_cut_without_leaving_half_a_secret() -> None:
    text = Redactor([SECRET]).text("x" * (TEXT_CHARS_MAX - 5) + SECRET)
    assert SECRET[:5] not in text
    assert len(text) < TEXT_CHARS_MAX + 10


def test_values_are_walked() -> None:
    redactor = Redactor([SECRET])
    loop: dict[str, Any] = {}
    loop["self"] = loop
    value = redactor.value(
        {"a": [SECRET, {"b": SECRET.encode()}], "apiKey": 12, "n": 1.5, "none": None, "loop": loop, SECRET: 1}
    )
    assert leaked(repr(value)) == []
    assert isinstance(value, dict)
    assert value["apiKey"] == MASK
    assert (value["n"], value["none"]) == (1.5, None)


SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8)


@given(secret=SECRETS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_canary_survives(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    for shape in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode(), json.dumps(secret)[1:-1]):
        assert shape not in redactor.text(f"{before} {shape} {after}")


def test_our_own_lines_are_json_and_clean(lines: io.StringIO) -> None:
    log = structlog.stdlib.get_logger("hedgebot.test")
    log.info("order sent", key=KEY, detail={"secret": "abcdef"}, url=f"https://x/?apiKey={quote_plus(KEY)}&a=1")
    (line,) = lines.getvalue().splitlines()
    shown = json.loads(line)
    assert leaked(line) == []
    assert shown["event"] == "order sent"
    assert shown["level"] == "info"
    assert shown["logger"] == "hedgebot.test"
    assert shown["at"].endswith("Z")
    assert shown["detail"] == {"secret": MASK}


@pytest.mark.parametrize(
    "name", ["ccxt.base.exchange", "aiohttp.client", "websockets.client", "asyncio", "py.warnings"]
)
def test_lines_of_libraries_are_json_and_clean(lines: io.StringIO, name: str) -> None:
    logging.getLogger(name).warning("fetch %s with %s", SECRET, {"X-BAPI-SIGN": "abc", "k": KEY})
    (line,) = lines.getvalue().splitlines()
    assert leaked(line) == []
    assert "abc" not in line
    assert json.loads(line)["logger"] == name


def refuse() -> None:
    try:
        int(f"binance {{'signature': 'abc'}} {SECRET}")
    except ValueError as cause:
        raise RuntimeError(KEY) from cause


def test_tracebacks_and_exception_texts_are_clean(lines: io.StringIO) -> None:
    try:
        refuse()
    except RuntimeError as error:
        logging.getLogger("ccxt").exception("failed")
        structlog.stdlib.get_logger("ours").error("failed", exc_info=error)
        sys.excepthook(RuntimeError, error, error.__traceback__)
    assert len(lines.getvalue().splitlines()) == 3
    for line in lines.getvalue().splitlines():
        assert leaked(line) == []
        assert "Traceback" in json.loads(line)["exception"]


def test_a_record_that_does_not_fit_its_format_is_told_all_the_same(lines: io.StringIO) -> None:
    arguments = (SECRET,)
    logging.getLogger("aiohttp").warning("%d items of %s", *arguments)
    (line,) = lines.getvalue().splitlines()
    assert leaked(line) == []
    assert "items" in line


def test_ccxts_debug_lines_are_never_shown(lines: io.StringIO) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("ccxt.base.exchange").debug("headers %s", KEY)
    assert lines.getvalue() == ""


def test_the_filter_alone_cleans_a_record_for_any_formatter() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "say %s", (SECRET,), None)
    assert RedactingFilter(Redactor([SECRET])).filter(record)
    assert leaked(logging.Formatter("%(message)s").format(record)) == []


def test_a_file_is_private_and_clean(tmp_path: Path, lines: io.StringIO) -> None:
    file = tmp_path / "hedgebot.log"
    logs.set_up([SECRET], file=file)
    logging.getLogger("any").error("oh %s", SECRET)
    assert leaked(file.read_text()) == []
    assert file.stat().st_mode & 0o077 == 0
    assert lines.getvalue() == ""
