"""`hedgebot sim run`: the daemon's own turn through a world of faults, many seeds, and what it did not survive.

`hedgebot sim long`: faults that ask for hours, days or thousands of orders, whole.
`hedgebot sim soak`: the daemon itself on the wire, on bad lines, for long: whether it grows.
"""

import math
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from hedgebot.console.errors import WrongUse
from hedgebot.console.output import emit, plain, table
from hedgebot.console.place import JsonFlag
from hedgebot.domain.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hedgebot.lab.campaign import Scorecard
    from hedgebot.lab.longforms import Verdict
    from hedgebot.lab.minimise import Smallest
    from hedgebot.lab.outcome import Outcome

MINUTES_MIN = 4.0
MINIMISED_MAX = 10
"""Failures of which the smallest set of mishaps is sought."""


def register(app: typer.Typer) -> None:
    """Add `hedgebot sim ...` to the command line."""
    group = typer.Typer(no_args_is_help=True, help="The fault world: simulated mishaps on virtual time.")
    group.callback()(lambda: None)
    group.command(epilog="Example: hedgebot sim run --seeds 200 --minutes 30")(run)
    group.command(epilog="Example: hedgebot sim long --only N05 --only N05n")(long)
    group.command(epilog="Example: hedgebot sim soak --minutes 30")(soak)
    app.add_typer(group, name="sim")


def run(  # noqa: PLR0913, PLR0917  (one parameter for each flag)
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1_000_000, help="How many worlds.")] = 20,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="One world alone, to look at it again.")] = None,
    first: Annotated[int, typer.Option("--first", min=0, help="The first of the seeds.")] = 1,
    minutes: Annotated[float, typer.Option("--minutes", help="Simulated minutes of each world.")] = 10.0,
    only: Annotated[list[str] | None, typer.Option("--only", help="Id of a mishap; again for more.")] = None,
    book: Annotated[
        str | None,
        typer.Option("--book", help="Hedge with one instrument, two, or switch. Default: drawn; for --seed one."),
    ] = None,
    rules: Annotated[
        str | None,
        typer.Option("--rules", help="The venue by whose rules it trades. Default: drawn; for --seed bybit."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", help="With --seed: of the mishaps that it draws play this one; again for more, or none."
        ),
    ] = None,
    minimise: Annotated[
        bool, typer.Option("--minimise", help="Of a failing world seek the fewest mishaps that still break the same.")
    ] = False,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes. Default: one a core.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Let the book live through mishaps and print a scorecard by the id of each.

    Safety invariants are judged from the exchange's side and the journal; then the mishaps end and the book must be
    back in its band within a minute. Exit code: 0 all held, 1 something did not.
    """
    from hedgebot.daemon.plugins import load_strategy
    from hedgebot.lab.campaign import campaign
    from hedgebot.lab.worldbooks import BookKind
    from hedgebot.lab.worldvenues import FIRST

    _check(only or (), minutes, book, rules)
    kept = _kept(keep, seed, minutes, only or ())
    chosen = [seed] if seed is not None else list(range(first, first + seeds))
    # A line that repeats one world says what is not one hedge: lines from before there were others stay true.
    kind = BookKind(book) if book is not None else None if seed is None else BookKind.ONE
    began_s = time.monotonic()
    progress = _Progress(len(chosen), counts=sys.stderr.isatty(), minimises=minimise)
    card = campaign(
        chosen,
        minutes,
        load_strategy,
        only=only or (),
        book=kind,
        kept=kept,
        rules=rules or (None if seed is None else FIRST),
        workers=1 if seed is not None else workers,
        told=progress,
    )
    seconds = time.monotonic() - began_s
    speed = card.minutes * 60.0 / seconds
    lines = [
        *_lines(card, progress.smallest),
        f"{card.runs} worlds, {card.minutes:.0f} minutes, in {seconds:.0f} s: {speed:.0f} times real time",
    ]
    data = msgspec.to_builtins(card) | {"score": card.score, "speed": speed, "seconds": seconds}
    data["smallest"] = [msgspec.to_builtins(one) for one in progress.smallest.values()]
    emit(data, lines, as_json=as_json)
    raise typer.Exit(ExitCode.OK if card.passed else ExitCode.FAILED)


def long(
    only: Annotated[list[str] | None, typer.Option("--only", help="Name of one; again for more. Default: all.")] = None,
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Processes. Default: one a core.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Play the faults whole that ask for hours, days or thousands of orders: C04, N05, N05n (ids not unique), P11.

    Each is judged like any world of `sim run`. Exit code: 0 all held, 1 something did not.
    """
    from hedgebot.daemon.plugins import load_strategy
    from hedgebot.lab.longforms import FORMS, play

    names = only or list(FORMS)
    if unknown := [name for name in names if name not in FORMS]:
        raise WrongUse(f"there is no long form {unknown[0]!r}; known: {', '.join(FORMS)}")
    found = play(names, load_strategy, lambda one: _say(_long_line(one)), workers or os.cpu_count() or 1)
    emit([msgspec.to_builtins(one) for one in found], [_long_line(one) for one in found], as_json=as_json)
    raise typer.Exit(ExitCode.OK if all(one.passed for one in found) else ExitCode.FAILED)


def _long_line(one: "Verdict") -> str:
    verdict = "held" if one.passed else f"FAILED: {plain(one.problem)}"
    return f"{one.id:4} {one.title}: {verdict} ({one.figures}; {one.cpu_s:.0f} s of a core)"


def soak(
    minutes: Annotated[float, typer.Option("--minutes", min=0.5, max=100_000.0, help="Real minutes.")] = 30.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the market, the client and the bad lines.")] = 7,
    state_dir: Annotated[
        Path | None, typer.Option("--state-dir", "-s", help="A new folder. Default: below the XDG state folder.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Run the real daemon against the simulated exchange through a proxy that breaks its connections, and measure it.

    Judged are memory, tasks, descriptors and the journal's growth after a warm-up, and at the end that orders,
    positions and balances agree with the exchange's. Exit code: 0 all held, 1 something did not.
    """
    from hedgebot.config.loader import default_state_dir
    from hedgebot.console.demo import stoppable
    from hedgebot.console.soak import SoakWish, report_lines, run_soak

    name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = (state_dir or default_state_dir("soak") / name).expanduser().absolute()
    if (folder / "journal.db").exists():
        raise WrongUse(f"{folder} holds the journal of another run; a soak needs a new --state-dir")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with stoppable():
        found = run_soak(SoakWish(minutes=minutes, seed=seed, folder=folder), told=_say)
    emit(found, report_lines(found), as_json=as_json)
    raise typer.Exit(ExitCode.OK if found.good else ExitCode.FAILED)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


class _Progress:
    """A failure is told when it happens, so that a campaign that is broken off was not for nothing.

    On a terminal one line counts beside that.
    """

    def __init__(self, total: int, *, counts: bool, minimises: bool = False) -> None:
        self._total = total
        self._counts = counts
        self._minimises = minimises
        self.smallest: dict[int, Smallest] = {}
        self._done = 0
        self._failed = 0

    def __call__(self, outcome: "Outcome") -> None:
        """Take one more world."""
        self._done += 1
        self._failed += not outcome.passed
        if not outcome.passed:
            from hedgebot.lab.campaign import repeat_line

            sys.stderr.write(f"\rFAILED: {repeat_line(outcome)}\n")
            self._minimise(outcome)
        if not self._counts:
            return
        end = "\n" if self._done == self._total else ""
        sys.stderr.write(f"\r{self._done} of {self._total} worlds, {self._failed} failed{end}")
        sys.stderr.flush()

    def _minimise(self, outcome: "Outcome") -> None:
        """While the other processes play on; a build that breaks everywhere is told by its first failures."""
        if not self._minimises or len(self.smallest) >= MINIMISED_MAX:
            return
        from hedgebot.daemon.plugins import load_strategy
        from hedgebot.lab.minimise import minimise

        self.smallest[outcome.seed] = found = minimise(outcome, load_strategy)
        sys.stderr.write(f"  {found.sentence}\n")
        sys.stderr.flush()


def _check(only: "Sequence[str]", minutes: float, book: str | None, rules: str | None) -> None:
    """WrongUse for what no world is made of."""
    from hedgebot.lab.draws import minutes_for
    from hedgebot.lab.mishaps import BY_ID
    from hedgebot.lab.worldbooks import BookKind
    from hedgebot.lab.worldvenues import FIRST, OTHERS

    if rules is not None and rules not in {FIRST, *OTHERS}:
        raise WrongUse(f"there are no rules {rules!r}; known: {', '.join((FIRST, *OTHERS))}")
    if book is not None and book not in {kind.value for kind in BookKind}:
        raise WrongUse(f"there is no book {book!r}; known: {', '.join(BookKind)}")
    unknown = [name for name in only if name not in BY_ID]
    if unknown:
        raise WrongUse(f"there is no mishap {unknown[0]!r}; known: {', '.join(BY_ID)}")
    if minutes < MINUTES_MIN:
        raise WrongUse(f"--minutes is {minutes:g}, a world needs at least {MINUTES_MIN:g} to be broken and to recover")
    for name in only:
        if minutes < (least := math.ceil(minutes_for(BY_ID[name]))):
            raise WrongUse(f"--minutes is {minutes:g}, {name} needs a world of at least {least}")


def _kept(keep: list[str] | None, seed: int | None, minutes: float, only: "Sequence[str]") -> tuple[str, ...] | None:
    """Which of the drawn mishaps are played; None: all. WrongUse for one that the seed does not draw."""
    from hedgebot.lab.campaign import NONE, drawn_ids

    if not keep:
        return None
    if seed is None:
        raise WrongUse("--keep takes mishaps from one world: say which with --seed")
    if keep == [NONE]:
        return ()
    drawn = drawn_ids(seed, minutes, only)
    if others := [name for name in keep if name not in drawn]:
        raise WrongUse(f"seed {seed} does not draw {others[0]!r}; it draws {', '.join(drawn) or NONE}")
    return tuple(name for name in drawn if name in keep)


def _lines(card: "Scorecard", smallest: "Mapping[int, Smallest]") -> list[str]:
    from hedgebot.lab.campaign import repeat_line

    rows = [("id", "weight", "held", "of", "fault")]
    rows += [(one.id, str(one.weight), str(one.passed), str(one.played), one.title) for one in card.lines if one.played]
    lines = table(rows)
    others = [("id", "weight", "played by", "fault")]
    others += [(one.id, str(one.weight), one.elsewhere, one.title) for one in card.lines if one.elsewhere]
    lines += ["", *table(others), ""]
    for outcome in card.failed:
        lines.append(f"FAILED: {repeat_line(outcome)}")
        lines += [f"  {one.invariant}: {plain(one.sentence)}" for one in outcome.violations[:3]]
        lines += [f"  {plain(one)}" for one in outcome.unmet]
        if outcome.stuck:
            lines.append(f"  not back within a minute: {plain(outcome.stuck)}")
        if found := smallest.get(outcome.seed):
            lines.append(f"  {found.sentence}")
    if unplayed := [one.id for one in card.lines if not one.played and not one.elsewhere]:
        lines.append(f"not drawn by these seeds: {', '.join(unplayed)}")
    weight = f"{card.weight_played} of {card.weight}"
    return [*lines, f"score {card.score:.1%} of the weight that was played, {weight}; {card.hedges} hedges"]
