import os
import subprocess
import sys
from pathlib import Path

import pytest

from hedgebot.domain.errors import ExitCode, InstanceError, JournalError
from hedgebot.journal.lock import LOCK_FILE, WriterLock


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    lock = WriterLock(tmp_path)
    with pytest.raises(InstanceError, match=str(os.getpid())) as refused:
        WriterLock(tmp_path)
    assert refused.value.exit_code == ExitCode.OWNED_ELSEWHERE
    lock.release()
    lock.release()
    WriterLock(tmp_path).release()


def test_the_lock_ends_with_its_process(tmp_path: Path, root: Path) -> None:
    script = (
        "import os, sys; from pathlib import Path; from hedgebot.journal.lock import WriterLock; "
        "WriterLock(Path(sys.argv[1])); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root, check=False).returncode == 9
    WriterLock(tmp_path).release()


def test_a_lock_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(JournalError, match="lock file"):
        WriterLock(tmp_path)
