import subprocess
import sys


def test_the_package_is_the_command_line() -> None:
    told = subprocess.run([sys.executable, "-m", "hedgebot", "--help"], capture_output=True, text=True, check=False)
    assert told.returncode == 0
    assert "Usage: hedgebot" in told.stdout
    assert "backtest" in told.stdout
