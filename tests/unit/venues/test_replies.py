import asyncio

import ccxt
import orjson
import pytest

from hedgebot.venues.replies import (
    RawReply,
    bare_sentence,
    code_and_message,
    listen,
    note_headers,
    reply_in_error,
    rest_response_hook,
    seconds_of,
    sentence,
)


def original(status: int, reason: str, url: str, method: str, headers: object, body: str, *rest: object) -> str:
    return body.strip()


def test_the_hook_notes_the_answer_and_changes_nothing() -> None:
    reply = listen()
    seen: list[RawReply] = []
    hook = rest_response_hook(original, seen.append)
    body = ' {"retCode":110007,"retMsg":"Available balance is insufficient"} '
    assert hook(200, "OK", "url", "POST", {}, body, {}, None) == body.strip()
    assert (reply.status, reply.code, reply.message) == (200, "110007", "Available balance is insufficient")
    assert seen == [reply]


def test_an_answer_with_bytes_that_are_no_text_is_no_answer() -> None:
    """A trade id of which half the bytes were lost was taken for an execution that our journal lacks."""
    reply = listen()
    hook = rest_response_hook(original, lambda _reply: None)
    raw = b'{"retCode":0,"retMsg":"OK","result":{"list":[{"execId":"484f21a4-\xff\xfe"}]}}'
    passed = hook(200, "OK", "url", "GET", {}, raw.decode(errors="replace"))
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(passed)
    assert (reply.status, reply.code) == (200, None)
    assert reply.message.startswith("not UTF-8")


def test_headers_say_what_is_left() -> None:
    reply = RawReply()
    note_headers(
        reply, {"X-Bapi-Limit-Status": "7", "X-BAPI-LIMIT-RESET-TIMESTAMP": "1700000000123", "Retry-After": "3"}
    )
    assert (reply.left, reply.full_at_ms, reply.retry_after_s) == (7, 1_700_000_000_123, 3.0)


@pytest.mark.parametrize("word", ["", "-1", "1.5", "many", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_headers_that_are_no_numbers_say_nothing(word: str) -> None:
    reply = RawReply()
    note_headers(reply, {"X-Bapi-Limit-Status": word, "X-Bapi-Limit-Reset-Timestamp": word, "Retry-After": word})
    assert (reply.left, reply.full_at_ms, reply.retry_after_s) == (None, None, None)
    note_headers(reply, None)
    assert seconds_of(None) is None


async def test_each_request_hears_its_own_answer() -> None:
    hook = rest_response_hook(original, lambda reply: None)

    async def request(code: int) -> str | None:
        reply = listen()
        await asyncio.sleep(0.001 * (5 - code))
        hook(200, "OK", "url", "GET", {}, f'{{"retCode":{code},"retMsg":""}}')
        await asyncio.sleep(0.002)
        return reply.code

    assert await asyncio.gather(*(request(code) for code in range(5))) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("body", ["", "<html>502</html>", "[1]", '"text"', "{"])
def test_another_body_has_no_code(body: str) -> None:
    assert code_and_message(body)[0] is None


def test_a_code_of_zero_is_a_code() -> None:
    assert code_and_message('{"retCode":0,"retMsg":"OK"}') == ("0", "OK")


def test_the_client_quotes_the_answer_in_its_exception() -> None:
    error = ccxt.InvalidOrder(
        'bybit {"reqId":"7","retCode":110072,"retMsg":"OrderLinkedID is duplicate","op":"order.create"}'
    )
    assert reply_in_error(error) == ("110072", "OrderLinkedID is duplicate")
    assert reply_in_error(ccxt.NetworkError("Connection closed")) == (None, "Connection closed")
    assert reply_in_error(ccxt.NetworkError("odd {brace")) == (None, "odd {brace")


def test_an_error_in_a_few_words() -> None:
    assert sentence(ValueError("no number")) == "ValueError: no number"
    assert sentence(ValueError("x" * 300)) == ("ValueError: " + "x" * 300)[:200]
    assert sentence(ValueError("no number"), 12) == "ValueError: "


def test_an_error_without_what_its_request_carried() -> None:
    assert (
        bare_sentence(ValueError("bybit GET https://x/v5/a?key=secret\nmore")) == "ValueError: bybit GET https://x/v5/a"
    )
    assert bare_sentence(TimeoutError()) == "TimeoutError"
    assert len(bare_sentence(ValueError("x" * 300))) == len("ValueError: ") + 120
