"""What the signed paths about moves between a user's two wallets answer. The rules are `transfers.py`'s.

A key needs the wallet right AccountTransfer. Source: docs/v5/asset/transfer/{create-inter-transfer,
inter-transfer-list}.mdx; codes: docs/v5/error.mdx, "Asset".
"""

import re

from hedgebot.exchange.transfers import Transfer, TransferProblem, Wallet
from hedgebot.exchange.wire.api import TRANSFER_RIGHT, Api
from hedgebot.exchange.wire.codes import NO_PERMISSION, WireError, bad_parameter
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import DAY_MS, Params, page
from hedgebot.exchange.wire.routes_asset import all_coins
from hedgebot.exchange.wire.words import dec, ms_text

BAD_REQUEST = 131203
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PROBLEMS = {
    TransferProblem.SAME_WALLET: (131211, "fromAccountType can't be the same as toAccountType"),
    TransferProblem.BAD_AMOUNT: (131215, "Amount error"),
    TransferProblem.BAD_ACCURACY: (131210, "Amount accuracy error"),
    TransferProblem.ID_EXISTS: (131214, "TransferId exist"),
    TransferProblem.TOO_LITTLE: (131212, "Insufficient balance"),
}


def inter_transfer(api: Api, account: str, params: Params) -> Fields:
    """Move coins between the funding wallet and the unified one."""
    if TRANSFER_RIGHT not in api.key_rights(account)[1]:
        raise WireError(NO_PERMISSION, "Permission denied, please check your API key permissions.")
    transfer_id, coin = params.required("transferId"), params.required("coin")
    if _UUID.fullmatch(transfer_id) is None or coin not in all_coins(api):
        raise WireError(BAD_REQUEST, "Request parameter error")
    qty = params.number("amount", "params error: amount invalid")
    source, target = _wallet(params, "fromAccountType"), _wallet(params, "toAccountType")
    made = api.exchange.transfers.move(account, transfer_id, coin, qty, source, target)
    if isinstance(made, TransferProblem):
        code, message = _PROBLEMS[made]
        raise WireError(code, message)
    return {"transferId": transfer_id, "status": "SUCCESS"}


def inter_transfer_list(api: Api, account: str, params: Params) -> Fields:
    """Moves that were made, newest first: by id, coin and status, within seven days."""
    since_ns, until_ns = params.window_ns(api.venue_ms, 7 * DAY_MS)
    wanted = {name: params.text(name) for name in ("transferId", "coin", "status")}
    if wanted["status"] not in {"", "SUCCESS", "PENDING", "FAILED"}:
        raise bad_parameter("params error: status invalid")
    rows = [_fields(one) for one in reversed(api.exchange.transfers.made(account)) if since_ns <= one.at_ns < until_ns]
    chosen = [row for row in rows if all(value in {"", row[name]} for name, value in wanted.items())]
    shown, cursor = page(chosen, params, params.limit(20, 50))
    return {"list": list(shown), "nextPageCursor": cursor}


def _fields(one: Transfer) -> Fields:
    return {
        "transferId": one.transfer_id,
        "coin": one.coin,
        "amount": dec(one.qty),
        "fromAccountType": one.source.value,
        "toAccountType": one.target.value,
        "timestamp": ms_text(one.at_ns),
        "status": "SUCCESS",
    }


def _wallet(params: Params, name: str) -> Wallet:
    word = params.required(name)
    if word not in set(Wallet):
        raise WireError(BAD_REQUEST, "Request parameter error")
    return Wallet(word)
