"""`python -m hedgebot.journal.whole FOLDER`: the whole journal verified in its own process, at the lowest priority.

Owns what that process prints. The daemon starts it once a day: hashing a year of rows would make its loop late.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hedgebot.domain.errors import ExitCode, JournalCorrupt, JournalError
from hedgebot.journal.verify import verify

NICENESS = 19
TOLD_MAX = 3


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows were held against the chain, and the first things that are wrong (`count` in all)."""

    rows: int = 0
    count: int = 0
    problems: tuple[str, ...] = ()


def look(state_dir: Path) -> Finding:
    """Verify all of a journal; a file that is no intact database is a finding. JournalError: nothing can be read."""
    try:
        report = verify(state_dir)
    except JournalCorrupt as error:
        return Finding(count=1, problems=(str(error),))
    return Finding(rows=report.rows, count=len(report.problems), problems=report.problems[:TOLD_MAX])


def main(words: Sequence[str]) -> int:
    """Print the finding as JSON; exit code 0 whatever it says, 1 with a sentence where nothing could be checked."""
    os.nice(NICENESS)
    try:
        found = look(Path(words[0]))
    except JournalError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.FAILED
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
