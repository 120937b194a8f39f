"""Errors as each venue words them; nothing that a request carried is repeated."""

import ccxt
import pytest

from hedgebot.venues.watched.words import said


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            ccxt.ExchangeError(
                'deribit {"error":{"message":"Invalid params","data":{"reason":"no","param":"x"},"code":-32602}}'
            ),
            "-32602",
            "-32602: Invalid params (no)",
        ),
        (ccxt.ExchangeError('okx {"code":"51000","data":[],"msg":"acctLv"}'), "51000", "51000: acctLv"),
        (ccxt.AuthenticationError('binance {"code":-2015,"msg":"Invalid"}'), "-2015", "-2015: Invalid"),
        (
            ccxt.RequestTimeout("deribit GET https://x/private/y?sig=secret timed out"),
            "RequestTimeout",
            "RequestTimeout: deribit GET https://x/private/y",
        ),
        (ValueError('{"half'), "ValueError", 'ValueError: {"half'),
        (ValueError("[1]"), "ValueError", "ValueError: [1]"),
    ],
)
def test_code_and_sentence(error: Exception, code: str, words: str) -> None:
    assert said(error) == (code, words)
