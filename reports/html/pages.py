"""Writes the HTML report: index, lists, one page a finding, ledger and configuration, and the JSON beside them."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from pygments.formatters import HtmlFormatter

from reports import json_document
from reports.html import views
from verifier.errors import KqualError
from verifier.findings import TIERS, Document

MARKER = ".kqual-report"
MOST_PAGES = 3000  # pages of findings; further ones are in the tables and in report.json


def write(document: Document, folder: Path, source: views.Source = lambda _: None) -> Path:
    """Write the report into `folder` and return its index.html.

    `source` gives the text of a file of the tree for the excerpts.  The folder is made when absent; one that is not
    empty and holds no report is refused.  Raises KqualError then, OSError when writing fails.
    """
    _claim(folder)
    environment = Environment(
        loader=PackageLoader("reports.html"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    summary = views.summary(document)
    excerpts = views.Excerpts(source)
    everything = {"summary": summary, "root": ""}

    def page(name: str, template: str, **more: object) -> None:
        text = environment.get_template(template).render(**(everything | more))
        (folder / name).write_text(text, encoding="utf-8", errors="replace")

    grave = [finding for finding in document.findings if finding.tier != "note"]
    paged = {id(finding) for finding in grave[:MOST_PAGES]}
    listed: dict[str, list[views.Row]] = {tier: [] for tier in TIERS}
    for finding in document.findings:
        entry = views.row(finding, id(finding) in paged)
        listed[entry.tier].append(entry)
        if entry.page:
            page(entry.page, "finding.html.j2", finding=views.finding_view(finding, excerpts), root="../")
    first = []
    for tier, rows in listed.items():
        for name, table in views.tables(rows, tier, f"{tier}s"):
            page(name, "list.html.j2", table=table)
            if name == f"{tier}s.html":
                first.append(table)
    fixed = [views.row(finding, False) for finding in document.fixed or []]
    page("ledger.html", "ledger.html.j2", groups=views.groups(document), document=document)
    _assets(folder)
    (folder / "report.json").write_bytes(json_document.render(document))
    page("index.html", "index.html.j2", tables=first, fixed=fixed)
    return folder / "index.html"


def _claim(folder: Path) -> None:
    """Make the folder ours: pages of an earlier report are removed, anything else is left alone."""
    if folder.exists() and not folder.is_dir():
        raise KqualError(f"{folder} is a file, the HTML report is a folder", "name a folder with -o DIR")
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / MARKER
    if not marker.exists() and any(folder.iterdir()):
        raise KqualError(f"{folder} is not empty and holds no kqual report", "name another folder with -o DIR")
    marker.write_text("This folder is written by kqual; its pages are replaced at the next report.\n")
    for old in [*folder.glob("*.html"), *(folder / "findings").glob("*.html")]:
        old.unlink()
    (folder / "findings").mkdir(exist_ok=True)
    (folder / "assets").mkdir(exist_ok=True)


def _assets(folder: Path) -> None:
    own = files("reports.html") / "assets"
    light = HtmlFormatter(style="friendly").get_style_defs("pre.code")
    dark = HtmlFormatter(style="github-dark").get_style_defs("pre.code")
    style = (own / "style.css").read_text(encoding="utf-8")
    style += f"\n{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\npre.code {{ background: var(--code); }}\n"
    (folder / "assets" / "style.css").write_text(style, encoding="utf-8")
    (folder / "assets" / "filter.js").write_text((own / "filter.js").read_text(encoding="utf-8"), encoding="utf-8")
