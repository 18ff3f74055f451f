"""One subsystem of a real kernel, from sources to findings and to its report in a browser.

ipc/ of the kernel in KQUAL_KERNELS is scanned, for the report with a rule that its code violates.  KQUAL_REPORT_STORE may
name the store of a finished scan of everything, whose report is then looked at instead.
"""

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from accessibility import PLAIN, axe_script, one_of_each, violations
from browser import Browser, path

from verifier.cli.main import main

pytestmark = pytest.mark.kernel
RULE = """
[[rule]]
id = "ipc-addid-admin"
service = "ipc"
operation = "ipc_addid(ids, new, limit)"
requires = ["capable(CAP_SYS_ADMIN)"]
reason = "made up: no kernel asks it, so that each call is a finding"
good = "int f(void);"
bad = "int g(void);"
"""


def run(*arguments):
    """A command that must succeed."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    assert ended.value.code == 0


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a build directory and a store, and the command that scans ipc/ with them."""
    tree = Path(os.environ.get("KQUAL_KERNELS", "")) / "linux-source-6.12"
    if not (tree / "ipc").is_dir():
        pytest.skip("KQUAL_KERNELS names no folder with linux-source-6.12")
    folder = tmp_path_factory.mktemp("kernel")
    scan = ["scan", tree, "--scope", "ipc", "--build", folder / "build", "--store", folder / "store.sqlite", "--fail-on", "never", "--quiet"]
    return folder, scan


@pytest.fixture(scope="module")
def report(place, tmp_path_factory):
    """The folder of a report."""
    if store := os.environ.get("KQUAL_REPORT_STORE"):
        folder = tmp_path_factory.mktemp("whole") / "report"
        run("report", "--store", store, "--format", "html", "-o", folder)
        return folder
    folder, scan = place
    (folder / "rules").mkdir()
    (folder / "rules" / "ipc.toml").write_text(RULE)
    run(*scan, "--rules", folder / "rules", "--audit-blind", "--lsm", "landlock,yama,apparmor", "--format", "html", "-o", folder / "report")
    return folder / "report"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if path() is None:
        pytest.skip("no chromium")
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(browser):
    """Opens pages; afterwards nothing was asked for but files, and the console is empty."""
    browser.size(1200, 900)
    yield browser
    browser.scripts(True)
    browser.media()
    assert browser.complaints == []
    assert all(asked.startswith(("file://", "about:")) for asked in browser.requests), browser.requests


def longest(report):
    """The finding's page with the most steps."""
    return max(sorted((report / "findings").iterdir()), key=lambda file: file.read_text(encoding="utf-8").count('id="step-'))


def test_ipc_of_a_real_kernel(place):
    folder, scan = place
    run(*scan, "--format", "json", "-o", folder / "first.json")
    units = json.loads((folder / "first.json").read_bytes())["completeness"]["units"]
    assert units["analysed"] == units["total"] >= 10
    run(*scan, "--format", "json", "-o", folder / "second.json")
    assert (folder / "first.json").read_bytes() == (folder / "second.json").read_bytes()


@pytest.mark.parametrize("width", [1200, 400])
def test_every_kind_of_page(report, page, width):
    page.size(width, 900)
    for file in one_of_each(report):
        page.open(f"file://{file}")
        assert page.value("document.documentElement.scrollWidth <= innerWidth"), file
        assert page.value(PLAIN) == [], file


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(report, page, scheme):
    script = axe_script()
    page.media(prefers_color_scheme=scheme)
    for file in one_of_each(report):
        page.open(f"file://{file}")
        assert violations(page, script) == [], file


def test_filter_and_search(report, page):
    page.open(f"file://{report / 'index.html'}")
    rows = "[...document.querySelectorAll('#table tbody tr')].map(r => r.textContent)"
    choose = "{const f = document.getElementById('filter').elements.%s; f.value = %r; f.dispatchEvent(new Event('input', {bubbles: true}));}"
    everything = page.value("window.kqualFindings.rows.length")
    tiers = Counter(re.match("error|warning|note", row)[0] for row in page.value(rows))
    tier = min(tiers, key=tiers.get)
    page.value(choose % ("tier", tier))
    chosen = page.value(rows)
    assert 0 < len(chosen) <= everything and all(row.startswith(tier) for row in chosen)
    assert len(chosen) < everything or list(tiers) == [tier]
    function = page.value("document.querySelector('#table tbody td:nth-child(2) code:last-child').textContent")
    page.value(choose % ("q", function))
    found = page.value(rows)
    assert 0 < len(found) <= len(chosen) and all(function in row for row in found)
    assert f"q={function}" in page.value("location.hash")


def test_paths_to_their_last_step(report, page):
    for file in dict.fromkeys([longest(report), *sorted((report / "findings").iterdir())[:3]]):
        page.open(f"file://{file}")
        steps = page.value("document.querySelectorAll('ol.steps > li').length")
        for _ in range(steps):
            page.key("j")
        assert page.value("document.querySelector('ol.steps .current').id") == f"step-{steps}"
        assert page.value("document.getElementById('at-step').textContent").startswith(f"step {steps} of {steps}: ")
        assert page.value("document.querySelector('pre .current') !== null"), "the operation's line is shown"


def test_from_the_finding_over_the_control_flow_to_the_source(report, page):
    page.open(f"file://{next(file for file in sorted((report / 'findings').iterdir()) if '../functions/' in file.read_text(encoding='utf-8'))}")
    page.open(page.value("document.querySelector('a[href*=\"functions/\"]').href"))
    page.value("document.querySelector('g.operation a').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))")
    line = page.value("location.hash.slice(1)")
    assert line.startswith("L") and page.value(f"document.getElementById('{line}').getBoundingClientRect().top < innerHeight")


def test_from_a_number_to_the_source(report, page):
    page.open(f"file://{report / 'coverage.html'}")
    page.open(page.value("document.querySelector('td a[href$=\"#mediated\"]').href"))
    page.open(page.value("document.querySelector('table.places td a').href"))
    assert page.value("document.getElementById(location.hash.slice(1)).textContent.length > 0")


def test_without_scripts(report, page):
    page.scripts(False)
    page.open(f"file://{report / 'index.html'}")
    assert page.value("document.querySelectorAll('#table tbody tr').length") > 0
    page.open(f"file://{longest(report)}")
    assert page.value("document.querySelector('pre .here').offsetParent !== null")
    assert page.value("[...document.querySelectorAll('button')].every(b => b.offsetParent === null)")


def test_audit_blind_paths_lead_to_the_source(report, page):
    if not (report / "audit.html").is_file():
        pytest.skip("the stored scan was made without --audit-blind")
    page.open(f"file://{report / 'coverage.html'}")
    page.open(page.value("document.querySelector('main a[href=\"audit.html\"]').href"))
    page.open(page.value("document.querySelector('main table a[href*=\"source/\"]').href"))
    assert page.value("document.getElementById(location.hash.slice(1)).textContent").strip()
