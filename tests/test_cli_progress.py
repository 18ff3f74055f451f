"""Progress: plain lines where there is no terminal."""

import io

from verifier.cli.progress import Progress, amount, duration


def test_one_line_a_phase():
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        for n in range(100):
            progress("parsing", n, 100)
        progress("linking\x1b[2J", 0, 0)
    assert stream.getvalue() == "kqual: parsing: 0 of 100\nkqual: linking\\x1b[2J\n"


def test_a_long_phase_fills_no_screens(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("verifier.cli.progress.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    with Progress(stream=stream) as progress:
        for n in range(3600):
            progress("parse", 1000 + n, 5600)
            now[0] += 1
    lines = stream.getvalue().splitlines()
    assert 20 < len(lines) < 50
    assert "(1/s, " in lines[-1]  # the 1,000 that were there at the beginning took no time


def test_quiet():
    stream = io.StringIO()
    with Progress(quiet=True, stream=stream) as progress:
        progress("parsing", 1, 2)
    assert stream.getvalue() == ""


def test_bars_on_a_terminal():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with Progress(stream=stream) as progress:
        progress("parsing", 0, 0)
        progress("parsing", 5, 10)
        progress("linking", 1, 10)
    assert "parsing" in stream.getvalue()


def test_amounts():
    assert amount(0, 0, 0.0) == ""
    assert amount(5, 0, 1.0) == ": 5"
    assert amount(300, 3449, 12.0) == ": 300 of 3,449 (12/s, 4 min left)"
    assert duration(40) == "40 s"
    assert duration(4800) == "80 min"
    assert duration(9000) == "2 h 30 min"
