"""What a page needs to be read by ear and walked by keyboard: our own list, and that of axe-core."""

import importlib.util
from pathlib import Path

import pytest

BUNDLE = "axe_playwright_python"  # brings axe-core; the rest of the package is not used, nor what it depends on

PLAIN = """(() => {
  const out = [], seen = new Set();
  for (const e of document.querySelectorAll('[id]')) { if (seen.has(e.id)) out.push('id twice: ' + e.id); seen.add(e.id); }
  let level = 0;
  for (const h of document.querySelectorAll('h1, h2, h3, h4')) {
    const own = +h.tagName[1]; if (own > level + 1) out.push('level skipped before: ' + h.textContent); level = own; }
  if (document.querySelectorAll('h1').length !== 1) out.push('not one h1');
  if (document.querySelectorAll('main').length !== 1 || !document.title || document.documentElement.lang !== 'en') out.push('no main, title or language');
  const name = (e) => e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length && e.labels[0].textContent.trim());
  for (const e of document.querySelectorAll('a[href], button, input, select, summary, [role=region]')) if (!name(e)) out.push('no name: ' + e.outerHTML.slice(0, 80));
  for (const t of document.querySelectorAll('table')) if (![...t.querySelectorAll('th')].every(h => h.scope)) out.push('th without scope');
  for (const s of document.querySelectorAll('svg')) if (!s.getAttribute('aria-label') || !document.querySelector('main details')) out.push('picture without text');
  const order = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex]')];
  if (order.some(e => e.tabIndex > 0)) out.push('tabindex changes the order');
  if (order[0].className !== 'skip') out.push('no way past the navigation');
  return out;
})()"""
# Rows of a table are alike, and axe-core takes seconds for hundreds of them.
FEWER = "document.querySelectorAll('tbody > tr:nth-child(n + 9), pre > b:nth-child(n + 60), li:nth-child(n + 60)').forEach(e => e.remove())"
RUN = """axe.run(document, {resultTypes: ['violations'], preload: false}).then(r => r.violations.map(
  v => `${v.id}: ${v.nodes.length} ${v.nodes[0].html} ${v.nodes[0].failureSummary}`))"""


def one_of_each(report):
    """Every page at the top, and of each folder the largest page."""
    largest = [max(sorted(folder.iterdir()), key=lambda file: file.stat().st_size) for folder in sorted(report.iterdir())
               if folder.is_dir() and any(file.suffix == ".html" for file in folder.iterdir())]  # fmt: skip
    return [*sorted(report.glob("*.html")), *largest]


def axe_script():
    """The text of axe-core; skips when it is not installed."""
    found = importlib.util.find_spec(BUNDLE)
    if found is None:
        pytest.skip(f"{BUNDLE} is not installed; `make setup` does it")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def violations(page, script):
    """What axe-core has against the page that is open, with the first rows of its tables."""
    page.value(FEWER)
    page.value(f"{script}; 0")
    return page.value(RUN)
