"""The HTML report in a browser, opened from disk: filters, keys, no script, small screens, hostile names."""

import functools
from pathlib import Path

import pytest
from accessibility import PLAIN, axe_script, one_of_each, violations
from browser import Browser, path
from documents import document, finding, hostile

from reports import branches
from reports.comparison import compare
from reports.html import write
from verifier.cli.main import main
from verifier.cli.output import source_of
from verifier.findings import Dismissed, make_document

ROOT = Path(__file__).parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.skipif(path() is None, reason="no chromium")]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The corpus' report, written by the command."""
    home = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        main(["scan", str(ROOT / "corpus"), "--config", "plain", "--rules", str(ROOT / "corpus" / "rules.toml"), "--store",
              str(home / "store"), "--build", str(home / "build"), "--format", "html", "-o", str(home / "r"), "-q", "-j", "1",
              "--fail-on", "never", "--allow-incomplete", "100"])  # fmt: skip
    assert ended.value.code == 0
    return home / "r"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(browser):
    """Opens pages; afterwards nothing was asked for but files, and the console is empty."""
    browser.requests.clear()
    browser.complaints.clear()
    browser.scripts(True)
    browser.size(1200, 900)
    browser.media()
    yield browser
    browser.scripts(True)
    assert browser.complaints == []
    assert all(url.startswith(("file://", "about:")) for url in browser.requests), browser.requests


def url(file, part=""):
    return f"file://{file}{part}"


def longest(report):
    """The finding's page with the most steps."""
    return max(sorted((report / "findings").iterdir()), key=lambda file: file.read_text(encoding="utf-8").count('id="step-'))


def rows(page):
    return page.value("document.querySelectorAll('#table tbody tr').length")


def test_filter_search_sort_and_state_in_the_address(report, page):
    page.open(url(report / "index.html"))
    everything = page.value("window.kqualFindings.rows.length")
    assert rows(page) == min(100, everything)
    choose = "{const f = document.getElementById('filter').elements.%s; f.value = %r; f.dispatchEvent(new Event('input', {bubbles: true}));}"
    page.value(choose % ("kind", "refetch"))
    found = rows(page)
    assert 0 < found < 20
    assert set(page.value("[...document.querySelectorAll('#table tbody tr')].map(r => r.cells[3].textContent)")) == {"Fetched again after the check"}
    page.value(choose % ("q", "scopes.c fd_class"))
    assert rows(page) == 1
    state = page.value("location.hash")
    assert "kind=refetch" in state and "q=scopes.c" in state
    page.open(url(report / "index.html", state))
    assert rows(page) == 1
    page.value("document.querySelector('#filter button[type=reset]').click()")
    assert rows(page) == min(100, everything) and page.value("location.hash") in ("", "#")
    page.value("document.querySelector('th[data-sort=place] button').click()")
    first = page.value("[...document.querySelectorAll('#table tbody tr')].map(r => r.cells[1].textContent.split(':')[0])")
    assert first == sorted(first) and page.value("location.hash") == "#sort=place"
    assert page.value("document.querySelector('th[data-sort=place]').getAttribute('aria-sort')") == "ascending"
    for hook in ("security_thing",):
        page.open(url(report / "index.html", f"#hook={hook}"))
        assert 0 < rows(page) and str(everything) in page.value("document.getElementById('count').textContent")
    page.open(url(report / "index.html", "#dir=refetch&object=thing&tier=error"))
    assert all(p.startswith("refetch/") for p in page.value("[...document.querySelectorAll('#table tbody tr')].map(r => r.cells[1].textContent)"))
    page.open(url(report / "index.html", "#page=2"))
    assert rows(page) == min(100, everything - 100)


def test_links_of_the_counting_pages_filter_the_index(report, page):
    for name in ("rules.html", "hooks.html", "doors.html", "directories.html"):
        page.open(url(report / name))
        href, wanted = page.value("(() => {const r = document.querySelector('table.totals tbody tr:last-child'); return [r.querySelector('td:last-child a').href, [1, 2, 3].map(i => +r.cells[i].textContent).reduce((a, b) => a + b)];})()")
        page.open(href)
        if name != "hooks.html":  # the counts there speak of siblings, too
            assert rows(page) == min(100, wanted), (name, href)


def test_stepping_to_the_end_by_keyboard(report, page):
    page.open(url(longest(report)))
    steps = page.value("document.querySelectorAll('ol.steps > li').length")
    assert steps > 5
    for _ in range(steps):
        page.key("j")
    assert page.value("document.getElementById('at-step').textContent").startswith(f"step {steps} of {steps}: ")
    assert page.value("document.querySelector('li.current').id") == f"step-{steps}"
    assert page.value("document.querySelector('pre .current a.step') !== null")
    seen = page.value("(() => {const b = document.querySelector('pre .current').getBoundingClientRect(); return b.top >= 0 && b.bottom <= innerHeight;})()")
    assert seen
    page.key("k")
    assert page.value("document.querySelector('li.current').id") == f"step-{steps - 1}"
    lines = "[...document.querySelectorAll('pre > b')].filter(l => l.offsetParent).length"
    before = page.value(lines)
    page.key("f")
    assert page.value("document.getElementById('near').checked") and page.value(lines) < before
    page.key("?")
    assert page.value("document.getElementById('key-list').hidden") is False
    page.value("document.getElementById('prev-step').click()")
    assert page.value("document.querySelector('li.current').id") == f"step-{steps - 2}"


@pytest.mark.parametrize("key, rel", [("n", "next"), ("p", "prev"), ("u", "up")])
def test_keys_lead_to_other_findings(report, page, key, rel):
    page.open(url(longest(report)))
    there = page.value(f"document.querySelector('a[rel={rel}]').href")
    before = page.loaded
    page.key(key)
    page.settle(before)
    assert page.value("location.href").partition("#")[0] == there


def test_copying(report, page):
    page.open(url(longest(report)))
    page.value("document.querySelector('button[data-copy=fingerprint]').click()")
    label = "new Promise(done => setTimeout(() => done(document.querySelector('button[data-copy=fingerprint]').textContent), 200))"
    assert page.value(label) in ("Copied", "Selected")
    assert "What is the problem?" in page.value("document.getElementById('report').textContent")


def test_without_scripts_everything_is_readable(report, page):
    page.scripts(False)
    page.open(url(report / "index.html"))
    assert page.value("document.querySelectorAll('#table tbody tr').length") == 50
    assert page.value("document.getElementById('filter').offsetParent === null")
    page.open(url(longest(report)))
    assert page.value("document.querySelector('ol.steps > li').offsetParent !== null")
    assert page.value("document.querySelector('pre .here').offsetParent !== null")
    assert page.value("document.querySelector('.stepper') === null")
    assert page.value("[...document.querySelectorAll('button')].every(b => b.offsetParent === null)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_four_hundred_pixels_and_both_schemes(report, page, scheme):
    page.size(400, 800)
    page.media(prefers_color_scheme=scheme)
    for file in [*sorted(report.glob("*.html")), longest(report), next(iter(sorted((report / "source").iterdir()))),
                 *sorted((report / "functions").iterdir())[:2]]:  # fmt: skip
        page.open(url(file))
        assert page.value("document.documentElement.scrollWidth <= innerWidth"), file
    assert page.value(CONTRAST) >= 4.5, page.value(CONTRAST)


CONTRAST = """(() => {
  const light = (c) => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255).map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
  const style = getComputedStyle(document.documentElement);
  const probe = document.createElement('i'); document.body.append(probe);
  const of = (name) => { probe.style.color = style.getPropertyValue(name); return light(getComputedStyle(probe).color); };
  const worst = [];
  for (const paper of ['--paper', '--band', '--code', '--here', '--now'])
    for (const ink of ['--ink', ...(/here|now/.test(paper) ? [] : ['--soft', '--link', '--error', '--warning', '--note', '--good', '--keyword', '--comment', '--string'])]) {
      const [a, b] = [of(paper), of(ink)].sort((x, y) => y - x); worst.push((a + .05) / (b + .05)); }
  probe.remove();
  return Math.min(...worst);
})()"""


def test_print_shows_the_path(report, page):
    page.media("print")
    page.open(url(longest(report)))
    assert page.value("getComputedStyle(document.querySelector('.stepper')).display") == "none"
    assert page.value("[...document.querySelectorAll('ol.steps > li, pre > b')].every(l => l.offsetParent !== null)")


def test_the_order_of_focus_and_names_for_pictures(report, page):
    page.open(url(report / "index.html"))
    assert page.value("document.querySelector('a, button, input').className") == "skip"
    assert page.value("[...document.querySelectorAll('[tabindex]')].every(e => e.tabIndex === 0)")
    assert page.value("[...document.querySelectorAll('#filter input, #filter select')].every(e => e.labels.length === 1)")
    for file in sorted((report / "functions").iterdir())[:3]:
        page.open(url(file))
        assert page.value("document.querySelector('svg').getAttribute('aria-label').length > 20")
        assert page.value("[...document.querySelectorAll('g.block')].every(g => g.querySelector('title').textContent)")


def test_names_headings_and_order(report, page):
    for file in one_of_each(report):
        page.open(url(file))
        assert page.value(PLAIN) == [], file


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(report, page, scheme):
    script = axe_script()
    page.media(prefers_color_scheme=scheme)
    for file in one_of_each(report):
        page.open(url(file))
        assert violations(page, script) == [], file


def test_axe_finds_nothing_in_comparisons_and_hostile_names(tmp_path, page):
    from test_reports_hostile import everything

    made, material = everything()
    earlier = make_document(made.completeness, [finding(function="gone")])
    over = branches.over([branches.Branch("old", earlier), branches.Branch("new", made)])
    write(made, tmp_path / "r", lambda _: "int f(void)\n{\n}\n", material, compare(earlier, made), over)
    script = axe_script()
    pages = one_of_each(tmp_path / "r")
    assert {"compare.html", "branches.html", "dismissed.html", "audit.html", "modules.html"} <= {file.name for file in pages}
    for file in pages:
        page.open(url(file))
        assert violations(page, script) == [], file


def test_axe_can_find_something(tmp_path, page):
    (tmp_path / "bad.html").write_text("<html><body><img src='data:,'><p style='color:#ccc;background:#fff'>pale</p>")
    script = axe_script()
    page.open(url(tmp_path / "bad.html"))
    assert {found.partition(":")[0] for found in violations(page, script)} >= {"image-alt", "color-contrast", "html-has-lang"}


def test_the_matrix_leads_to_the_places(report, page):
    page.open(url(report / "coverage.html"))
    for verdict in ("unmediated", "mediated"):
        page.open(url(report / "coverage.html"))
        link = f'td a[href$="#{verdict}"]'
        href, number = page.value(f"(() => {{const a = document.querySelector({link!r}); return [a.href, +a.textContent];}})()")
        page.open(href)
        title = page.value(f"document.getElementById('{verdict}').textContent")
        assert title == f"Operations {verdict}: {number}"
        rows_below = page.value(f"document.getElementById('{verdict}').nextElementSibling.querySelectorAll('tbody tr').length")
        assert rows_below == number
        there = page.value(f"document.getElementById('{verdict}').nextElementSibling.querySelector('td a').href")
        page.open(there)
        assert page.value("document.getElementById(location.hash.slice(1)).getBoundingClientRect().top < innerHeight")


def test_from_the_graph_to_the_source_and_back(report, page):
    file = max(sorted((report / "functions").iterdir()), key=lambda f: f.stat().st_size)
    page.open(url(file))
    page.value("document.querySelector('g.operation a').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))")
    line = page.value("location.hash.slice(1)")
    assert line.startswith("L") and page.value(f"document.getElementById('{line}').classList.contains('here')")
    page.value("document.querySelector('pre .m a').click()")
    assert page.value("document.querySelector('g.block:target') !== null")


def test_calls_as_a_picture(report, page):
    for file in sorted((report / "findings").iterdir()):
        if 'id="calls"' in file.read_text(encoding="utf-8"):
            page.open(url(file))
            assert 2 <= page.value("document.querySelectorAll('svg g.block').length") <= 60
            boxes = page.value("[...document.querySelectorAll('svg g.block rect')].map(r => [r.x.baseVal.value, r.y.baseVal.value])")
            assert len(boxes) == len({tuple(box) for box in boxes}), "no box covers another"
            return
    raise AssertionError("no finding shows its calls")


def test_dismissed_findings_show_when_asked_for(tmp_path, page):
    made = document()
    made.dismissed = [Dismissed(finding=made.findings.pop(0), verdict="known", reason="told <upstream>")]
    index = write(made, tmp_path / "r")
    page.open(url(index, "#tier=all"))
    assert rows(page) == 3
    page.open(url(index, "#tier=all&state=dismissed"))
    assert rows(page) == 1 and "known: told <upstream>" in page.value("document.querySelector('#table tbody').textContent")
    new = make_document(document().completeness, [*document().findings, finding(function="came")])
    index = write(new, tmp_path / "s", comparison=compare(document(), new))
    page.open(url(index, "#tier=all&state=new"))
    assert rows(page) == 1 and "came" in page.value("document.querySelector('#table tbody').textContent")
    for found in (document().findings[0], document().findings[-1]):
        page.open(url(index, f"#tier=all&q={found.fingerprint}"))
        assert rows(page) == 1, "fingerprints are found, those of notes, too"
    assert page.value("document.querySelector('#table tbody td:nth-child(5) a').getAttribute('href')").startswith("rules/")


def test_hostile_names_stay_text(tmp_path, page):
    source = "int f(void) /* </pre></script><img src=x onerror=alert(1)> \\u202e */\n{ }\n"
    index = write(hostile(), tmp_path / "r", functools.partial(lambda text, _: text, source))
    for file in sorted((tmp_path / "r").rglob("*.html")):
        page.open(url(file))
        assert page.value("document.images.length") == 0, file
        assert page.value("[...document.scripts].every(s => /(assets|data)\\/[a-z]+\\.js$/.test(s.src))"), file
    page.open(url(index))
    assert page.value("document.querySelector('#table tbody').textContent").count("<img") > 2
    assert source_of(None)("x") is None
