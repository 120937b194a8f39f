"""What every test may ask for: the recorded data beside the checkout, and one profile for property tests."""

import os
import tempfile
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parents[1]

# No deadline: the machine is shared, and a slow example is pytest-timeout's business. In CI the examples repeat, so
# that a red run can be seen again; elsewhere each run looks in new places.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.register_profile("local", deadline=None, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded market data beside the checkout; a test that needs it is skipped where it is absent."""
    # A second working tree may stand one folder deeper than the checkout.
    for parent in (ROOT.parent, ROOT.parent.parent):
        folder = parent / "shared" / "data"
        if folder.is_dir():
            return folder
    pytest.skip("no recorded data: ../shared/data is not beside this checkout")


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each test's home is made."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def _no_leaking_environment(monkeypatch: pytest.MonkeyPatch, homes: Path) -> None:
    """Keep a developer's own settings and state out of the tests: HEDGEBOT_* is unset, XDG folders are fresh."""
    for name in [name for name in os.environ if name.startswith("HEDGEBOT_")]:
        monkeypatch.delenv(name)
    # Not numbered: to find the next number all thousands of them are listed, for each test again.
    home = tempfile.mkdtemp(dir=homes)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, home)
