"""Writes the HTML report: the index and its data, a page a finding, and the pages that count and explain."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from reports import comparison as comparing
from reports import json_document, wording
from reports.branches import Branches
from reports.html import (
    branches_view,
    compare_view,
    coverage_view,
    group_pages,
    groups,
    modules_view,
    names,
    operations,
    path_view,
    rows,
    source_view,
    states_view,
)
from reports.html.finding_view import finding_view
from reports.html.folder import Folder
from reports.html.graph_view import graph_view
from reports.html.material import Material, service_of
from reports.html.run import Run
from reports.html.source_text import Source, Sources
from reports.html.summary import summary
from verifier.findings import AuditNotes, Document

MOST_PAGES = 6000  # pages of findings; further ones are in the tables and in report.json
MOST_SOURCE_PLACES = 5000  # operations whose functions are shown, besides those of findings
MOST_GRAPHS = 600  # pages of functions: each takes a run of the analysis on the function
ASSETS = ("style.css", "index.js", "finding.js", "function.js")


def write(
    document: Document, folder: Path, source: Source | None = lambda _: None, material: Material | None = None,
    comparison: comparing.Comparison | None = None, over: Branches | None = None,
    remote: Callable[[str, int], str] = lambda *_: "",
) -> Path:  # fmt: skip
    """Write the report into `folder` and return its index.html.

    `source` gives the text of a file of the tree (None: nothing of the tree's text may stand in the report); `material` what is known beyond the document; `comparison` and `over`
    (the same findings in several trees) add a page each; `remote` gives addresses of source that `source` does not.  The folder is made when absent; one that is not empty and holds no report is refused.  Pages that did
    not change are not written again.  Raises KqualError for the folder, OSError when writing fails.
    """
    material = material or Material()
    environment = Environment(
        loader=PackageLoader("reports.html"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["href"] = names.href
    noted = {note.id: note.service for note in document.rules}
    findings = [*document.findings, *(document.fixed or []), *(item.finding for item in document.dismissed)]
    services = {finding.rule: wording.plain(service_of(finding, material, noted)) for finding in findings}
    report = Run(document, material, Folder(folder), environment, Sources(source, remote), services, operations.index(material))
    report.shared = {"summary": summary(document, services, material, comparison is not None, over is not None)}
    shown = [*document.findings, *(item.finding for item in document.dismissed)]
    grave = [finding for finding in shown if finding.tier != "note" and rows.has_page(finding)]
    report.pages = {id(finding): finding for finding in grave[:MOST_PAGES]}
    rules = dict.fromkeys([*(finding.rule for finding in shown), *report.found.by_rule])
    report.rule_pages = {rule: names.page("rules", rule) for rule in rules}
    hooks = [hook for finding in findings for hook in groups.hooks_of(finding)]
    hooks += [*coverage_view.site_views(material.coverage or {}), *report.found.rules_of]
    report.hook_pages = {hook: names.page("hooks", hook) for hook in hooks}
    _sources(report)
    _findings(report)
    _lists(report, comparison)
    group_pages.write(report)
    if comparison is not None:
        report.page("compare.html", "compare.html.j2", compared=compare_view.compare_view(comparison, report.row))
    if over is not None:
        report.page("branches.html", "branches.html.j2", branches=branches_view.branches_view(over, report.row))
    for name in ASSETS:
        report.folder.put(f"assets/{name}", (files("reports.html") / "assets" / name).read_bytes())
    report.folder.put("report.json", json_document.render(document))
    report.folder.finish()
    return folder / "index.html"


def _sources(report: Run) -> None:
    """A page for each file that a paged finding names, and which there are."""
    paged = list(report.pages.values())
    listed = (report.material.obligations or [])[:MOST_SOURCE_PLACES]
    of_file = groups.grouped(paged, lambda finding: [finding.file])
    for file, lines in sorted(source_view.places(paged, listed, report.document.audit or AuditNotes()).items()):
        marked = [(finding, f"findings/{finding.fingerprint}.html") for finding in of_file.get(file, [])]
        view = source_view.source_view(file, lines, marked, report.sources)
        if view is not None:
            report.source_pages[file] = path_view.source_page(file)
            report.source_lines[file] = {line.number for part in view.parts for line in part}
            report.page(report.source_pages[file], "source.html.j2", source=view)


def _findings(report: Run) -> None:
    """The pages of findings, each with its neighbours in report order, and of the functions they stand in."""
    known = states_view.Known(report.material.graph, MOST_GRAPHS)
    graphs = _graphs(report, known)
    paged = list(report.pages.values())
    for number, finding in enumerate(paged):
        rule = report.material.rules.get(finding.rule)
        before, after = paged[max(0, number - 1)], paged[min(len(paged) - 1, number + 1)]
        view = finding_view(
            finding, report.row(finding), report.document, report.sources, link=report.link,
            hook_pages=report.hook_pages, function_page=graphs.get((finding.file, finding.function), ""),
            reason=rule.reason if rule is not None else "", deciders=modules_view.deciders(report.material.modules, finding.rule, finding.requires),
            graphs=known, facts=report.material.calls,
            previous="" if before is finding else f"{before.fingerprint}.html",
            following="" if after is finding else f"{after.fingerprint}.html",
        )  # fmt: skip
        report.page(view.row.page, "finding.html.j2", finding=view)


def _graphs(report: Run, known: states_view.Known) -> dict[tuple[str, str], str]:
    """Pages of the functions that hold findings: control-flow graph and source beside each other."""
    out: dict[tuple[str, str], str] = {}
    paged = list(report.pages.values())
    members = groups.grouped(paged, lambda finding: [f"{finding.file}\0{finding.function}"])
    for key in dict.fromkeys(f"{finding.file}\0{finding.function}" for finding in paged):
        first = members[key][0]
        graph = known(first.file, first.function, first.line)
        if graph is None:
            continue
        checks = {name for finding in members[key] for name in finding.requires}
        here = {finding.line for finding in members[key]}
        picture = graph_view(graph, checks, here, report.sources.withheld)
        if picture is None:
            continue
        name = names.page("functions", key)
        lines = path_view.function_lines(graph.file, graph.line, graph.end_line, here, report.sources)
        report.page(
            name, "function.html.j2", function=wording.plain(graph.name), place=wording.plain(f"{graph.file}:{graph.line}"),
            graph=picture, parts=lines, rows=[report.row(finding) for finding in members[key]],
            checks=[(wording.plain(check), report.hook_pages[check]) for check in sorted(checks)],
        )  # fmt: skip
        out[first.file, first.function] = name
    return out


def _states(document: Document, comparison: comparing.Comparison | None) -> dict[str, str]:
    """Whether findings are new, changed or known, by fingerprint: against an older scan, or against a patch's base."""
    if document.fixed is not None:
        return {finding.fingerprint: "new" for finding in document.findings}
    return comparing.states(comparison) if comparison is not None else {}


def _lists(report: Run, comparison: comparing.Comparison | None) -> None:
    """The index with its data, and a list of each tier for readers without scripts."""
    document = report.document
    listed: dict[str, list[rows.Row]] = {}
    for finding in document.findings:
        made = report.row(finding)
        listed.setdefault(made.tier, []).append(made)
    for tier, _, _ in report.shared["summary"].counts:  # type: ignore[attr-defined]
        for name, table in rows.tables(listed.get(tier, []), tier):
            report.page(name, "list.html.j2", table=table)
    states = _states(document, comparison)
    entries = [(f, report.service(f), id(f) in report.pages, states.get(f.fingerprint, ""), "") for f in document.findings]
    entries += [
        (d.finding, report.service(d.finding), id(d.finding) in report.pages, "dismissed", f"{d.verdict}: {d.reason}") for d in document.dismissed
    ]
    data, left = rows.index_data(entries, report.rule_pages)
    if document.dismissed:
        listing = [(report.row(d.finding), wording.plain(d.verdict), wording.plain(d.reason)) for d in document.dismissed]
        report.page("dismissed.html", "dismissed.html.j2", dismissed=listing)
    report.folder.put("data/findings.js", data)
    first = [*listed.get("error", []), *listed.get("warning", [])]
    report.page(
        "index.html", "index.html.j2", first=first[: rows.FIRST_ROWS], grave=wording.number(len(first)),
        shown=wording.number(min(len(first), rows.FIRST_ROWS)), left=wording.number(left) if left else "",
        fixed=[report.row(finding) for finding in document.fixed or []],
    )  # fmt: skip


