"""`hedgebot treasury list | approve | reject | adopt | forget`: top-ups of collateral and an operator's word on them.

Decides nothing.
"""

from typing import Annotated

import msgspec
import typer

from hedgebot.console import place as common
from hedgebot.console.output import emit, plain, table
from hedgebot.console.place import Place, find_place
from hedgebot.console.replies import confirm_or_show, say, snapshot_of, user_name
from hedgebot.console.snapshot import BookSnapshot, MoveRow, TreasuryRow
from hedgebot.domain.decimals import plain as digits

NumberArgument = Annotated[int, typer.Argument(help="Number of the proposal; `hedgebot treasury list` shows it.")]
MoveArgument = Annotated[int, typer.Argument(help="Number of a move without a proven end, as the list shows it.")]
NeededOperator = Annotated[str, typer.Option("--operator", help="Who says so; journaled.")]
NeededReason = Annotated[str, typer.Option("--reason", help="Why; journaled.")]


def register(app: typer.Typer) -> None:
    """Add `hedgebot treasury ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Collateral: segments, top-ups, and what waits for an operator.")
    group.callback()(lambda: None)
    group.command("list", epilog="Example: hedgebot treasury list --json")(list_all)
    group.command(epilog='Example: hedgebot treasury approve 3 --reason "crash, buffer is there for it"')(approve)
    group.command(epilog='Example: hedgebot treasury reject 3 --reason "the book is closed instead"')(reject)
    group.command(epilog='Example: hedgebot treasury adopt 3 --operator eve --evidence "both wallets show it"')(adopt)
    group.command(epilog='Example: hedgebot treasury forget 3 --operator eve --evidence "support ticket 42"')(forget)
    app.add_typer(group, name="treasury")


def list_all(
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Show the segments of each account, the plan if one is needed, and the moves with their numbers."""
    book = snapshot_of(find_place(config, state_dir)).book
    data = {"treasury": msgspec.to_builtins(book.treasury), "moves": msgspec.to_builtins(book.moves)}
    emit(data, lines(book), as_json=as_json)


def lines(book: BookSnapshot) -> list[str]:
    """The treasury as text."""
    if not book.treasury:
        return ["no [treasury.ACCOUNT] is configured: nothing moves, top-ups are only told"]
    found = [line for one in book.treasury for line in _segments(one)]
    if not book.moves:
        return [*found, "no move was wanted yet"]
    head = ("number", "account", "quantity", "status", "age", "what and why")
    return [*found, *table([head, *(_row(one) for one in book.moves)])]


def _segments(one: TreasuryRow) -> list[str]:
    held = ((one.trading_qty, "trading"), (one.buffer_qty, "buffer"), (one.emergency_qty, "emergency"))
    parts = ", ".join(f"{name} {'unknown' if qty is None else digits(qty)}" for qty, name in held)
    age = "never read" if one.age_ms is None else f"read {one.age_ms / 1e3:.0f} s ago"
    moved, day = one.moved_by_itself_qty or 0, one.day_max_qty or 0
    uses = "" if one.line_use is None else f"; topped up above a use of {one.line_use:.0%} to {one.target_use:.0%}"
    found = [
        f"{one.account}: {parts} {one.coin} ({age}){uses}",
        f"  moved by itself in 24 h: {moved} of {day} {one.coin}",
    ]
    found += [f"  plan: {plain(one.plan)}"] if one.plan else []
    if one.spare_qty:
        words = f"{digits(one.spare_qty)} {one.coin} in trading are more than it keeps for itself"
        found.append(f"  spare: {words}; nothing moves back by itself, at the venue you may")
    return found + ([f"  the funding wallet cannot be read: {plain(one.problem)}"] if one.problem else [])


def _row(one: MoveRow) -> tuple[str, ...]:
    left = "" if one.left_ms is None else f" ({one.left_ms / 60_000:.0f} min left)"
    qty = "?" if one.qty is None else digits(one.qty)
    said = "; ".join(word for word in (one.why, one.note, f"by {one.operator}" if one.operator else "") if word)
    age = "" if one.age_ms is None else f"{one.age_ms / 60_000:.0f} min"
    return str(one.number), one.account, f"{qty} {one.coin}", f"{one.status}{left}", age, plain(said)


def approve(
    number: NumberArgument,
    reason: NeededReason,
    operator: common.OperatorOption = None,
    confirm: common.ConfirmOption = None,
    dry_run: common.DryRunFlag = False,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Have a proposed move made: coins go from the account's own funding wallet into its trading account, once.

    Nothing can be named but the number: no other amount, no other wallet, no address.
    """
    where = find_place(config, state_dir)
    found = next((one for one in snapshot_of(where).book.moves if one.number == number), None)
    would = [f"would have {' '.join(_row(found)[1:3])} moved: {plain(found.why)}"] if found else []
    confirm_or_show(f"approve move {number}", confirm, would, dry_run=dry_run, as_json=as_json)
    say("treasury-approve", where, as_json=as_json, number=number, operator=operator or user_name(), reason=reason)


def reject(
    number: NumberArgument,
    reason: NeededReason,
    operator: common.OperatorOption = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Turn a proposed move down; while the need lasts, a new one is proposed."""
    where = find_place(config, state_dir)
    say("treasury-reject", where, as_json=as_json, number=number, operator=operator or user_name(), reason=reason)


def adopt(
    number: MoveArgument,
    operator: NeededOperator,
    evidence: Annotated[str, typer.Option("--evidence", help="What both wallets and the history show; journaled.")],
    confirm: common.ConfirmOption = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Say that a move which the venue cannot prove has arrived: losses are measured with it inside from then on."""
    _resolve("adopt", number, operator, evidence, confirm, find_place(config, state_dir), as_json=as_json)


def forget(
    number: MoveArgument,
    operator: NeededOperator,
    evidence: Annotated[str, typer.Option("--evidence", help="Why it was never made; journaled.")],
    confirm: common.ConfirmOption = None,
    config: common.ConfigOption = None,
    state_dir: common.StateDirOption = None,
    as_json: common.JsonFlag = False,
) -> None:
    """Say that a move which the venue cannot prove was never made.

    By itself nothing moves then, until a move that an operator approved has succeeded.
    """
    _resolve("forget", number, operator, evidence, confirm, find_place(config, state_dir), as_json=as_json)


def _resolve(
    verb: str, number: int, operator: str, evidence: str, confirm: str | None, where: Place, *, as_json: bool
) -> None:
    confirm_or_show(f"{verb} move {number}", confirm, [], dry_run=False, as_json=as_json)
    say(f"treasury-{verb}", where, as_json=as_json, number=number, operator=operator, reason=evidence)
