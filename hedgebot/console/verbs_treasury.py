"""`hedgebot treasury list | approve | reject`: top-ups of collateral that wait for an operator. Decides nothing."""

from typing import Annotated

import msgspec
import typer

from hedgebot.console import place as common
from hedgebot.console.output import emit, plain, table
from hedgebot.console.place import find_place
from hedgebot.console.replies import confirm_or_show, say, snapshot_of, user_name
from hedgebot.console.snapshot import BookSnapshot, MoveRow, TreasuryRow
from hedgebot.domain.decimals import plain as digits

NumberArgument = Annotated[int, typer.Argument(help="Number of the proposal; `hedgebot treasury list` shows it.")]
NeededReason = Annotated[str, typer.Option("--reason", help="Why; journaled.")]


def register(app: typer.Typer) -> None:
    """Add `hedgebot treasury ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Collateral: segments, top-ups, and what waits for an operator.")
    group.callback()(lambda: None)
    group.command("list", epilog="Example: hedgebot treasury list --json")(list_all)
    group.command(epilog='Example: hedgebot treasury approve 3 --reason "crash, buffer is there for it"')(approve)
    group.command(epilog='Example: hedgebot treasury reject 3 --reason "the book is closed instead"')(reject)
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
