"""`hedgebot margin verify --frames`: recorded frames of venues through their dialects and our models, as a table."""

from importlib.resources import files
from pathlib import Path

import msgspec

from hedgebot.console.errors import WrongUse
from hedgebot.console.output import plain, table
from hedgebot.daemon.risk_files import read_records, read_tiers
from hedgebot.domain.errors import DataError, ExitCode
from hedgebot.domain.health import AccountHealth
from hedgebot.margin.frame_models import Records, parse_frame_contracts
from hedgebot.margin.frames import Finding, Word, companions_of, judge
from hedgebot.venues.health.dialects import frames_of, read_frame
from hedgebot.venues.reading import FrameProblem

CONTRACTS_FILE = "frame_contracts_20261126.json"
SUFFIXES = (".json", ".yaml", ".yml")


class FrameFinding(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with where it stands."""

    file: str
    venue: str
    account: str
    unit: str
    finding: Finding


class FrameReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of them; `silent` are files that say nothing of margin, `unread` those that are not read, with the reason."""

    findings: tuple[FrameFinding, ...]
    accounts: int
    silent: int
    unread: tuple[str, ...]

    def count(self, word: Word) -> int:
        """How many numbers have this word."""
        return sum(one.finding.word is word for one in self.findings)

    @property
    def exit_code(self) -> int:
        """FAILED where a number differs or nothing was there; DEGRADED where a frame contradicts itself."""
        if self.count(Word.DIFFERS) or not self.accounts:
            return ExitCode.FAILED
        return ExitCode.DEGRADED if self.count(Word.CONTRADICTS) else ExitCode.OK


def shipped_records() -> Records:
    """The dated records beside the models."""
    content = files("hedgebot.margin").joinpath(CONTRACTS_FILE).read_bytes()
    return Records(
        contracts=parse_frame_contracts(content, CONTRACTS_FILE),
        figures={record.id: record for venue in read_records() for record in venue.records},
        bybit=read_tiers(),
    )


def verify_frames(paths: list[Path]) -> FrameReport:
    """Read every JSON file and cassette below the paths and judge what they say of accounts."""
    records, accounts, unread, silent = shipped_records(), [], [], 0
    for root in paths:
        if not root.exists():
            raise WrongUse(f"--frames {root} does not exist: name a file or a folder of recorded frames")
        for path in sorted([root] if root.is_file() else [one for one in root.rglob("*") if one.suffix in SUFFIXES]):
            name = path.name if root.is_file() else str(path.relative_to(root.parent))
            try:
                frames = frames_of(path.read_bytes(), name)
                found = [one for frame in frames for one in read_frame(frame) or ()]
            except DataError as error:
                unread.append(str(error))
                continue
            except FrameProblem as error:
                unread.append(f"{name}: {error}")
                continue
            silent += not found
            accounts += [(name, one) for one in found]
    companions = companions_of(one for _, one in accounts)
    return FrameReport(
        findings=tuple(
            _placed(name, account, finding)
            for name, account in accounts
            for finding in judge(account, records, companions)
        ),
        accounts=len(accounts),
        silent=silent,
        unread=tuple(unread),
    )


def _placed(name: str, account: AccountHealth, finding: Finding) -> FrameFinding:
    return FrameFinding(file=name, venue=account.venue, account=account.account, unit=account.unit, finding=finding)


def report_lines(report: FrameReport, *, show_all: bool) -> list[str]:
    """A table, what is missing below it, and the count. Without `show_all` what only agrees with itself is left out."""
    rows: list[tuple[str, ...]] = []
    rows += [("frame", "venue", "number", "venue's", "ours", "difference", "allowed", "verdict")]
    notes = []
    for one in report.findings:
        finding = one.finding
        said = finding.word is Word.LACKS and finding.stated is None and finding.ours is None
        if not show_all and (finding.word is Word.CONSISTENT or (said and finding.quantity != "use")):
            continue
        gap = None if finding.stated is None or finding.ours is None else abs(finding.stated - finding.ours)
        words = (finding.stated, finding.ours, gap, finding.off)
        rows.append(
            (
                plain(Path(one.file).stem),
                one.venue,
                plain(finding.quantity),
                *("-" if number is None else f"{number:.10g}" for number in words),
                finding.word.value,
            )
        )
        if finding.note:
            notes.append(
                f"  {plain(Path(one.file).stem)}, {plain(one.account)}, {finding.quantity}: {plain(finding.note)}"
            )
    counts = ", ".join(f"{report.count(word)} {word.value}" for word in Word)
    unread = [f"  not read: {plain(one)}" for one in report.unread]
    head = f"{report.accounts} accounts in frames, {report.silent} files without any: {counts}"
    return [*table(rows), *dict.fromkeys(notes), *unread, head]
