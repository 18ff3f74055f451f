"""`kqual explain`: a finding, a rule or a kind of finding, in full."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import Any

import click

from verifier.cli import messages
from verifier.cli.report import stored_document
from verifier.errors import KqualError
from verifier.findings import KINDS, Document, Finding

SIBLINGS = ("slot-sibling", "door-sibling")  # how the rules of sibling findings begin


@click.command(epilog="Exit status: 0, or 2 for an error, such as an id that no finding has.")
@click.argument("what", metavar="ID|RULE|KIND")
@click.option("--store", "store_path", type=click.Path(readable=False), metavar="FILE", help="Store of the scan that has the finding.")
@click.option("--rules", multiple=True, type=click.Path(exists=True), metavar="DIR", help="Rule files over the bundled ones.")
@click.option("--report", "as_report", is_flag=True, help="A finding as a report to the code's maintainers.")
@click.pass_obj
def explain(services: Any, what: str, store_path: str | None, rules: tuple[str, ...], as_report: bool) -> None:
    """Explain a finding by its id (or the beginning of it), a rule by its name, or a kind of finding.

    \b
        kqual explain missing-check
        kqual explain inode-unlink
        kqual explain 3f2a9c
        kqual explain 3f2a9c --report       what, who can reach it, effect, evidence, fix, how it was found
    """
    if as_report:
        pack = services.load_pack(rules, "")
        finding, document = find_in(what, store_path, pack)
        rule = pack.rule(finding.rule)
        from reports import bug_report

        click.echo(bug_report.render(finding, document, rule.reason if rule is not None else ""), nl=False)
        return
    if what in KINDS:
        click.echo(kind_page(what))
        return
    if what.partition(":")[0] in SIBLINGS:
        click.echo(page("siblings", "siblings.md", "the page of sibling findings"))
        return
    pack = services.load_pack(rules, "")
    rule = pack.rule(what)
    if rule is not None:
        click.echo(messages.clean(rule_page(rule, pack)))
        return
    finding = find(what, store_path, pack)
    from reports.text import finding_lines

    click.echo("\n".join(finding_lines(finding)))
    rule = pack.rule(finding.rule)
    if rule is not None:
        click.echo("\n" + messages.clean(rule_page(rule, pack)))
    click.echo(f"\nThe kind: kqual explain {finding.kind}")
    if finding.rule.partition(":")[0] in SIBLINGS:
        click.echo(f"What siblings are: kqual explain {finding.rule.partition(':')[0]}")


def find(what: str, store_path: str | None, pack: Any) -> Finding:
    """The finding of the last scan or gate whose fingerprint begins so; raises KqualError when it is not just one."""
    return find_in(what, store_path, pack)[0]


def find_in(what: str, store_path: str | None, pack: Any) -> tuple[Finding, Document]:
    """The finding that `find` finds, and its document."""
    from difflib import get_close_matches

    if len(what) >= 4 and all(c in "0123456789abcdef" for c in what.lower()):
        what = what.lower()
        known: set[str] = set()
        found: dict[str, tuple[Finding, Document]] = {}
        for which in ("scan", "gate"):
            try:
                document, store = stored_document(store_path, which)
            except KqualError:
                if which == "scan":
                    raise
                continue
            store.close()
            for finding in [*document.findings, *(document.fixed or [])]:
                known.add(finding.fingerprint)
                if finding.fingerprint.startswith(what):
                    found.setdefault(finding.fingerprint, (finding, document))
        if len(found) == 1:
            return next(iter(found.values()))
        if found:
            raise KqualError(f"{len(found)} findings begin with {what}", f"more digits: {' '.join(sorted(found)[:4])}")
        near = get_close_matches(what, sorted({name[: len(what)] for name in known}), 3, 0.7)
        raise KqualError(f"no finding {what} in the last scan", " or ".join(near) or "the id stands under each finding of `kqual report`")
    names = [*KINDS, *(rule.id for rule in pack.rules)]
    close = get_close_matches(what, names, 3, 0.5)
    raise KqualError(f"{what!r} is no kind, no rule, and no id of a finding", " or ".join(close) or f"one of {', '.join(KINDS)}")


def kind_page(kind: str) -> str:
    """The page of a kind of finding, from the documentation beside the sources or installed with kqual."""
    return page(kind, f"kinds/{kind}.md", f"the page of {kind}")


def page(name: str, path: str, title: str) -> str:
    """A page of the documentation; the installed ones lie in one folder, by `name`."""
    places = [Path(__file__).parents[2] / "docs" / path, Path(sysconfig.get_path("data")) / "share" / "kqual" / "kinds" / f"{name}.md"]
    for place in places:
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise KqualError(f"{title} is not installed", f"docs/{path} in the sources of kqual")


def rule_page(rule: Any, pack: Any) -> str:
    """A rule in words and with its examples."""
    out = [f"rule {rule.id} ({pack.services.get(rule.service, rule.service)}), {rule.tier}", f"    {rule.reason}", ""]
    out.append(f"operation   {rule.operation_text}" + (f"   through slot {rule.slot}" if rule.slot else ""))
    if rule.member:
        out.append(f"member      {rule.member}")
    out += [f"requires    {line}" for line in rule.requires_text]
    if rule.in_functions:
        out.append(f"only in     {', '.join(rule.in_functions)}")
    if rule.not_in:
        out.append(f"not in      {', '.join(rule.not_in)}")
    out += [f"exempt      {exemption.name or 'where a condition holds'}: {exemption.reason}" for exemption in rule.exempt]
    out.append(f"subject     {rule.subject}")
    out.append(f"stands in   {rule.file}:{rule.line}")
    for title, code in (("passes", rule.good), ("is reported", rule.bad)):
        if code.strip():
            out += ["", f"This {title}:", ""]
            out += [f"    {line}" for line in code.strip("\n").split("\n")]
    return "\n".join(out)
