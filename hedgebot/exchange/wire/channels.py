"""What a client may say on each socket: login, ping, subscribe, and orders on the trade socket.

Owns the answers' shapes, which differ by channel (docs/v5/websocket/wss-authentication.mdx, trade/guideline.mdx). A
numeric `req_id` comes back as a string. Malformed messages get the venue's own error, never a crash.
"""

import asyncio
import logging
import re

import orjson

from hedgebot.exchange.types import EndpointClass
from hedgebot.exchange.wire import batch, entry
from hedgebot.exchange.wire.answers import false_ack, is_executed, spoilt_answer
from hedgebot.exchange.wire.api import CRASHES, Api
from hedgebot.exchange.wire.codes import (
    BAD_KEY,
    BAD_PARAMETER,
    NO_PERMISSION,
    OP_UNKNOWN,
    REPEAT_AUTH,
    REQ_ID_DUPLICATE,
    SERVER_ERROR,
    TRADE_RESTARTS,
    Answer,
    WireError,
)
from hedgebot.exchange.wire.faults import HttpFault, HttpFaultKind, SocketFaultKind
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.private import DCP_TOPICS, TOPICS
from hedgebot.exchange.wire.publish import Publisher
from hedgebot.exchange.wire.sessions import Session
from hedgebot.exchange.wire.words import scalar

SPOT_ARGS_MAX = 10
OPTION_ARGS_MAX = 2_000
ARGS_CHARS_MAX = 21_000
REQ_IDS_MAX = 10_000
REQ_ID_CHARS_MAX = 36
# What of a client's own words an error repeats.
ECHO_CHARS_MAX = 200
ORDER_OPS: dict[str, entry.Handler] = {
    "order.create": entry.create,
    "order.amend": entry.amend,
    "order.cancel": entry.cancel,
    "order.create-batch": batch.create_batch,
    "order.amend-batch": batch.amend_batch,
    "order.cancel-batch": batch.cancel_batch,
}


_MOMENT = re.compile(r"[0-9]{1,18}")
log = logging.getLogger(__name__)


class Channels:
    """Takes messages of all sockets."""

    def __init__(self, api: Api, publisher: Publisher) -> None:
        self._api = api
        self._publisher = publisher

    async def take(self, session: Session, text: str | bytes) -> None:
        """Answer one message; a crash of its handler is logged loudly and answered as a server error."""
        try:
            message = orjson.loads(text)
        except orjson.JSONDecodeError:
            message = None
        if not isinstance(message, dict):
            self._fail(session, {}, BAD_PARAMETER, "Invalid JSON")
            return
        try:
            await self._answer(session, message)
        except CRASHES:
            self._api.crashes += 1
            log.exception("a message on %s crashed its handler: %.200r", session.id, text)
            self._fail(session, message, SERVER_ERROR, "Server error.")

    async def _answer(self, session: Session, message: dict[str, object]) -> None:
        op = message.get("op")
        match op:
            case "ping":
                if session.account is not None:
                    self._api.exchange.dead_man.heartbeat(session.account, session.id)
                session.reply(self._pong(session, message))
            case "auth" if not session.is_public:
                self._auth(session, message)
            case "subscribe" | "unsubscribe" if session.channel != "trade":
                self._subscribe(session, message, leaving=op == "unsubscribe")
            case str() if session.channel == "trade":
                await self._order(session, op, message)
            case _:
                self._fail(session, message, OP_UNKNOWN, f"error:handler not found,topic:{scalar(op)[:ECHO_CHARS_MAX]}")

    # --- shapes

    def _req_id(self, message: dict[str, object], name: str = "req_id") -> Fields:
        value = message.get(name)
        return {} if value is None else {name: scalar(value)}

    def _pong(self, session: Session, message: dict[str, object]) -> Fields:
        now = str(self._api.venue_ms)
        match session.channel:
            case "trade":
                reply: Fields = {"retCode": 0, "retMsg": "OK", "op": "pong", "data": [now], "connId": session.id}
                return {**self._req_id(message, "reqId"), **reply}
            case "private":
                return {**self._req_id(message), "op": "pong", "args": [now], "conn_id": session.id}
            case "option":
                return {"args": [now], "op": "pong"}
            case "spot":
                reply = {"success": True, "ret_msg": "pong", "conn_id": session.id}
                return {**reply, **self._req_id(message), "op": "ping"}
            case _:
                reply = {"success": True, "ret_msg": "pong", "conn_id": session.id, "req_id": ""}
                return {**reply, **self._req_id(message), "op": "ping"}

    def _fail(self, session: Session, message: dict[str, object], code: int, text: str) -> None:
        op = scalar(message.get("op"))[:ECHO_CHARS_MAX]
        if session.channel == "trade":
            reply: Fields = {"retCode": code, "retMsg": text, "op": op, "connId": session.id}
            session.reply({**self._req_id(message, "reqId"), **reply})
            return
        reply = {"success": False, "ret_msg": text, "conn_id": session.id}
        session.reply({**reply, **self._req_id(message), "op": op})

    # --- login

    def _auth(self, session: Session, message: dict[str, object]) -> None:
        try:
            account = self._login(session, message)
        except WireError as error:
            self._api.note(None, "WS", f"{session.channel}:auth", message, error.code)
            self._fail(session, message, error.code, error.message)
            return
        self._api.note(account, "WS", f"{session.channel}:auth", {}, 0)
        fault = self._api.faults.for_login(session.channel, account)
        loop = asyncio.get_running_loop()
        match fault.kind if fault is not None else None:
            case SocketFaultKind.REFUSE_AUTH:
                self._fail(session, message, BAD_KEY, "API key is invalid.")
            case SocketFaultKind.DELAY_AUTH if fault is not None:
                loop.call_later(fault.delay_ms / 1_000, self._admit, session, message, account)
            case SocketFaultKind.EXPIRE_AUTH if fault is not None:
                self._admit(session, message, account)
                loop.call_later(fault.delay_ms / 1_000, session.abort)
            case _:
                self._admit(session, message, account)

    def _admit(self, session: Session, message: dict[str, object], account: str) -> None:
        session.account = account
        if session.channel == "trade":
            reply: Fields = {"retCode": 0, "retMsg": "OK", "op": "auth", "connId": session.id}
            session.reply({**self._req_id(message, "reqId"), **reply})
        else:
            reply = {"success": True, "ret_msg": "", "op": "auth", "conn_id": session.id}
            session.reply({**self._req_id(message), **reply})

    def _login(self, session: Session, message: dict[str, object]) -> str:
        args = message.get("args")
        if not isinstance(args, list) or len(args) != 3:
            raise WireError(BAD_PARAMETER, "Params Error")
        if session.account is not None:
            raise WireError(REPEAT_AUTH, "Repeat auth")
        spec = self._api.key_owner(scalar(args[0]))
        expires = scalar(args[1])
        # At most 18 digits: a moment in milliseconds has 13.
        if _MOMENT.fullmatch(expires) is None or int(expires) <= self._api.venue_ms:
            raise WireError(BAD_PARAMETER, "Request has expired")
        self._api.check_signature(spec, f"GET/realtime{expires}", scalar(args[2]))
        return spec.name

    # --- topics

    def _subscribe(self, session: Session, message: dict[str, object], *, leaving: bool) -> None:
        args = message.get("args")
        topics = [one for one in args if isinstance(one, str)] if isinstance(args, list) else []
        if isinstance(args, list) and len(topics) != len(args):
            self._fail(session, message, BAD_PARAMETER, "Params Error")
            return
        problem = self._args_problem(session, topics)
        if problem:
            self._fail(session, message, BAD_PARAMETER, problem)
            return
        if session.is_public:
            failed = [] if leaving else [one for one in topics if not self._publisher.subscribe(session, one)]
        else:
            failed = [one for one in topics if one not in TOPICS]
        self._api.note(
            session.account, "WS", f"{session.channel}:{message.get('op')}", {"args": topics}, int(bool(failed))
        )
        for topic in topics:
            if leaving:
                self._publisher.unsubscribe(session, topic)
                if session.account is not None and topic in DCP_TOPICS:
                    self._api.exchange.dead_man.released(session.account, session.id, DCP_TOPICS[topic])
            elif not session.is_public and topic not in failed:
                session.topics[topic] = None
                if session.account is not None and topic in DCP_TOPICS:
                    self._api.exchange.dead_man.connected(session.account, session.id, DCP_TOPICS[topic])
        if session.channel == "option":
            done = [one[:ECHO_CHARS_MAX] for one in topics if one not in failed]
            answer: Fields = {"failTopics": [one[:ECHO_CHARS_MAX] for one in failed], "successTopics": done}
            session.reply({"success": not failed, "conn_id": session.id, "data": answer, "type": "COMMAND_RESP"})
        elif failed:
            self._fail(session, message, BAD_PARAMETER, f"Invalid symbol :[{','.join(failed)[:ECHO_CHARS_MAX]}]")
        else:
            reply: Fields = {"success": True, "ret_msg": "subscribe" if session.channel == "spot" else ""}
            # Contracts are answered with an empty req_id where none was sent (docs: wss-authentication.mdx).
            empty: Fields = {"req_id": ""} if session.channel in {"linear", "inverse"} else {}
            reply |= {"conn_id": session.id, **empty, **self._req_id(message), "op": str(message["op"])}
            session.reply(reply)

    def _args_problem(self, session: Session, topics: list[str]) -> str | None:
        if not topics:
            return "args size is 0"
        if session.channel == "private" and session.account is None:
            return "Request not authorized"
        if session.channel == "spot" and len(topics) > SPOT_ARGS_MAX:
            return "args size >10"
        if session.channel == "option" and len(topics) + len(session.topics) > OPTION_ARGS_MAX:
            return "args size >2000"
        if sum(map(len, topics)) > ARGS_CHARS_MAX:
            return "args length >21000"
        return None

    # --- orders

    async def _order(self, session: Session, op: str, message: dict[str, object]) -> None:
        """Carry out one order request and answer it, unless the weather or a fault takes the answer."""
        api = self._api
        path = "/v5/" + op.replace(".", "/")
        fault = api.faults.for_request(path, session.account)
        kind = fault.kind if fault is not None else None
        if kind is HttpFaultKind.REQUEST_LOST or api.faults.loses_request():
            return
        if fault is not None and kind is HttpFaultKind.DELAY:
            await asyncio.sleep(fault.delay_ms / 1_000)
        params: dict[str, object] = {}
        code, text, answer = 0, "OK", Answer({})
        try:
            params = self._order_params(session, op, message)
            answer = self._carry_out(session, op, Params(params), fault)
        except WireError as error:
            code, text = error.code, error.message
        api.note(session.account, "WS", path, params, code)
        api.after_request()
        if kind is HttpFaultKind.ACK_LOST or (code == 0 and api.faults.loses_ack()):
            return
        reply: Fields = {"retCode": code, "retMsg": text, "op": op[:ECHO_CHARS_MAX]}
        reply |= {"data": answer.result, "retExtInfo": answer.ext}
        reply |= {"header": self._header(session, path, params), "connId": session.id}
        payload = orjson.dumps({**self._req_id(message, "reqId"), **reply})
        delay_s = api.faults.ack_delay_s()
        if fault is not None:
            payload = spoilt_answer(payload, fault)
            delay_s += fault.delay_ms / 1_000 if kind is HttpFaultKind.ACK_DELAY else 0.0
        for _ in range(2 if kind is HttpFaultKind.ACK_DUPLICATE else 1):
            session.answer(payload, delay_s)

    def _carry_out(self, session: Session, op: str, params: Params, fault: HttpFault | None) -> Answer:
        """Have an order request happen, unless a fault keeps it from happening or refuses it all the same."""
        answer = Answer({})
        if fault is None or is_executed(fault):
            self._api.check_may_trade(session.account or "")
            self._api.advance()
            found = ORDER_OPS[op](self._api, session.account or "", params)
            answer = found if isinstance(found, Answer) else Answer(found)
        elif fault.kind is HttpFaultKind.ACK_FALSE:
            answer = Answer(false_ack(params))
        if fault is not None and fault.kind in {HttpFaultKind.RET_CODE, HttpFaultKind.STATUS}:
            raise WireError(fault.code, fault.message)
        return answer

    def _order_params(self, session: Session, op: str, message: dict[str, object]) -> dict[str, object]:
        header, args = message.get("header"), message.get("args")
        if op not in ORDER_OPS:
            raise WireError(OP_UNKNOWN, "op type is not found")
        if session.account is None:
            raise WireError(NO_PERMISSION, "Please login first")
        self._check_req_id(session, message.get("reqId"))
        if (
            not isinstance(header, dict)
            or not isinstance(args, list)
            or len(args) != 1
            or not isinstance(args[0], dict)
        ):
            raise WireError(BAD_PARAMETER, "params error: header and one order in args are required")
        self._api.check_timestamp(scalar(header.get("X-BAPI-TIMESTAMP")), scalar(header.get("X-BAPI-RECV-WINDOW")))
        if self._api.exchange.troubles.is_down:
            raise WireError(TRADE_RESTARTS, "ws trade service is restarting, do not accept new request")
        return args[0]

    def _check_req_id(self, session: Session, req_id: object) -> None:
        if req_id is None or req_id == "":
            return
        text = scalar(req_id)
        if not text or len(text) > REQ_ID_CHARS_MAX:
            raise WireError(BAD_PARAMETER, "reqId must be 1 to 36 characters")
        if text in session.req_ids:
            raise WireError(REQ_ID_DUPLICATE, "reqId is duplicated")
        session.req_ids[text] = None
        if len(session.req_ids) > REQ_IDS_MAX:
            # The oldest is forgotten: it could be used again unseen.
            del session.req_ids[next(iter(session.req_ids))]

    def _header(self, session: Session, path: str, params: dict[str, object]) -> Fields:
        now = str(self._api.venue_ms)
        header: Fields = {"Traceid": f"{session.id}-{now}", "Timenow": now}
        if session.account is None:
            return header
        endpoint: EndpointClass = entry.order_endpoint(path, scalar(params.get("category")))
        return header | {
            name.title(): value for name, value in limit_headers(self._api, session.account, endpoint).items()
        }


def limit_headers(api: Api, account: str, endpoint: EndpointClass) -> dict[str, str]:
    """The three headers that tell a client where its budget stands."""
    state = api.exchange.rate_state(account, endpoint)
    reset_ms = state.reset_at_ns // 1_000_000 if not state.allowed else api.venue_ms
    return {
        "X-Bapi-Limit": str(state.limit),
        "X-Bapi-Limit-Status": str(state.remaining),
        "X-Bapi-Limit-Reset-Timestamp": str(reset_ms),
    }
