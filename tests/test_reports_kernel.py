"""The HTML report of a real kernel in a browser.

KQUAL_REPORT_STORE names the store of a finished scan of everything (`kqual scan linux-6.12 --store FILE`); without it ipc/
of the kernel in KQUAL_KERNELS is scanned, which has operations and no findings.
"""

import os
import time
from pathlib import Path

import pytest
from browser import Browser, path
from test_reports_browser import PLAIN, longest, one_of_each, url

from verifier.cli.main import main

pytestmark = [pytest.mark.kernel, pytest.mark.skipif(path() is None, reason="no chromium")]
MOST_SECONDS = 60


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code == 0


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    home = tmp_path_factory.mktemp("kernel")
    store = os.environ.get("KQUAL_REPORT_STORE")
    tree = Path(os.environ.get("KQUAL_KERNELS", "")) / "linux-source-6.12"
    if store is None:
        if not (tree / "ipc").is_dir():
            pytest.skip("KQUAL_KERNELS names no folder with linux-source-6.12, and KQUAL_REPORT_STORE no store")
        store = home / "store.sqlite"
        run("scan", tree, "--scope", "ipc", "--build", home / "build", "--store", store, "--fail-on", "never", "--quiet", "-o", home / "text")
    before = time.process_time()
    run("report", "--store", store, "--format", "html", "--lsm", "landlock,yama,apparmor", "-o", home / "r")
    assert time.process_time() - before < MOST_SECONDS
    return home / "r"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def test_every_kind_of_page(report, browser):
    for width in (1200, 400):
        browser.size(width, 900)
        for file in one_of_each(report):
            browser.open(url(file))
            assert browser.value("document.documentElement.scrollWidth <= innerWidth"), (file, width)
            assert browser.value(PLAIN) == [], file
    assert browser.complaints == []
    assert all(asked.startswith(("file://", "about:")) for asked in browser.requests)


def test_from_a_number_to_the_source(report, browser):
    browser.open(url(report / "coverage.html"))
    page = browser.value("document.querySelector('td a[href$=\"#mediated\"]').href")
    browser.open(page)
    places = browser.value("[...document.querySelectorAll('table.places td:first-child a')].map(a => a.href)")
    assert places
    browser.open(places[0])
    assert browser.value("document.getElementById(location.hash.slice(1)).textContent.length > 0")


def test_paths_to_their_last_step(report, browser):
    findings = sorted((report / "findings").iterdir())
    if not findings:
        assert "No error and no warning." in (report / "index.html").read_text(encoding="utf-8")
        return
    for file in dict.fromkeys([longest(report), *findings[:5]]):
        browser.open(url(file))
        steps = browser.value("document.querySelectorAll('li.at').length")
        for _ in range(steps):
            browser.key("j")
        assert browser.value("document.querySelector('li.current').id") == f"step-{steps}"
        assert browser.value("document.querySelector('pre .current') !== null"), "the operation's line is shown"
    browser.scripts(False)
    browser.open(url(findings[0]))
    assert browser.value("document.querySelector('pre .here').offsetParent !== null")
    browser.scripts(True)
