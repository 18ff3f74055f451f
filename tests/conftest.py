"""What a machine lacks is a counted, printed skip; with CI=true it is a failure."""

import os
import signal

import pytest
from hypothesis import settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # started in the background by a shell: programs under test would inherit that Ctrl-C does nothing
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("kqual", deadline=None)  # a loaded machine is no failure
settings.load_profile("kqual")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn skips into failures where everything must be there."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason} (a skip is a failure with CI=true)"
