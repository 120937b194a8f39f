"""Operators' words: read from a request, and the engine's answer to one made a reply. Decides nothing."""

from typing import Any

from hedgebot.daemon.control import Reply, refusal
from hedgebot.daemon.receipts import Answer
from hedgebot.domain.commands import Command, RecordMode, RecordOperator
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.kill import KillAction, KillScope

# Below the five seconds that the console waits.
ANSWER_S_MAX = 4.0
NOT_ON_DISK = "In force, not on disk: a restart may forget it."
OPERATOR_CHARS_MAX = 64
REASON_CHARS_MAX = 300
NAMES_MAX = 100


def operator_of(args: dict[str, Any]) -> str:
    """Who speaks."""
    return str(args.get("operator") or "local")[:OPERATOR_CHARS_MAX]


def reason_of(args: dict[str, Any], default: str) -> str:
    """Why, in one line."""
    return " ".join(str(args.get("reason") or default).split())[:REASON_CHARS_MAX]


def scope_of(args: dict[str, Any]) -> tuple[KillScope, str]:
    """Which part is meant; the whole book where nothing is said. Raises ValueError for a word that is no scope."""
    return KillScope(str(args.get("scope") or KillScope.ALL)), str(args.get("name") or "")


def action_of(args: dict[str, Any]) -> KillAction:
    """What to do there; freeze where nothing is said. Raises ValueError for a word that is no action."""
    return KillAction(str(args.get("action") or KillAction.FREEZE))


def names_of(args: dict[str, Any], key: str) -> tuple[str, ...]:
    """A list of names."""
    given = args.get(key)
    return tuple(str(one)[:REASON_CHARS_MAX] for one in given[:NAMES_MAX]) if isinstance(given, list) else ()


def outcome(answer: Answer) -> dict[str, Any]:
    """What the engine said, as data."""
    words = [one.explanation for one in answer.commands if isinstance(one, RecordOperator)]
    modes = [str(one.after) for one in answer.commands if isinstance(one, RecordMode)]
    if not answer.on_disk:
        words.append(NOT_ON_DISK)
    return {"explanation": " ".join(words), "mode": modes[-1] if modes else None, "on_disk": answer.on_disk}


def accepted(commands: tuple[Command, ...]) -> bool:
    """Whether the engine said yes; silence is no."""
    words = [one.accepted for one in commands if isinstance(one, RecordOperator)]
    return bool(words) and all(words)


def answered(verb: str, answer: Answer | None) -> Reply:
    """The engine's answer as a reply."""
    if answer is None:
        return unanswered(verb, "")
    data = outcome(answer)
    if accepted(answer.commands):
        return Reply(ok=True, data=data)
    why = data["explanation"] or "the engine gave no answer"
    return Reply(ok=False, code=ExitCode.REFUSED, data=data, error=f"{verb} refused: {why}")


def unanswered(verb: str, more: str) -> Reply:
    """Nobody answered in time: the outcome is unknown."""
    sentence = f"{verb}: the engine did not answer within {ANSWER_S_MAX:.0f} s; see `hedgebot status`. {more}"
    return refusal(sentence.strip(), ExitCode.UNKNOWN)
