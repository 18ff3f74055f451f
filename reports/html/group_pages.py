"""The pages that count: directories, rules, checks, doors, coverage, modules, the ledger and the configuration."""

from __future__ import annotations

from reports import wording
from reports.html import audit_view, coverage_view, directories_view, doors_view, groups, modules_view, operations
from reports.html.run import Run


def write(run: Run) -> None:
    """Write them all."""
    _rules(run)
    _hooks(run)
    _doors(run)
    findings = run.document.findings
    run.page("directories.html", "directories.html.j2", operations=run.found.known, verdicts=operations.VERDICTS,
             lines=directories_view.directories_view(findings, run.material.obligations))  # fmt: skip
    if run.material.coverage is not None or run.found.known:
        matrix = coverage_view.coverage_view(run.material, run.found, [(f, run.service(f)) for f in findings], run.document.audit)
        run.page("coverage.html", "coverage.html.j2", coverage=matrix, modules=run.material.modules is not None)
    if run.material.modules is not None:
        run.page("modules.html", "modules.html.j2", modules=modules_view.modules_view(run.material.modules, run.rule_pages))
    if run.document.audit is not None:
        run.page("audit.html", "audit.html.j2", tables=audit_view.audit_view(run.document.audit, run.link, run.hook_pages))
    run.page("ledger.html", "ledger.html.j2", gaps=groups.gaps(run.document), read=groups.read_of_the_tree(run.document),
             union="union of" in run.document.configuration)  # fmt: skip
    document = run.document
    exemptions = [(wording.plain(e.name), wording.plain(e.condition), wording.plain(e.reason)) for e in document.exemptions]
    configuration = [
        (wording.plain(key), wording.plain(value), wording.CONFIGURATION.get(key.partition(" (")[0], ""))
        for key, value in sorted(document.configuration.items())
    ]
    run.page("configuration.html", "configuration.html.j2", exemptions=exemptions, configuration=configuration)


def _rules(run: Run) -> None:
    document, material = run.document, run.material
    by_rule = groups.grouped(document.findings, lambda finding: [finding.rule])
    by_rule |= {rule: [] for rule in sorted(run.rule_pages) if rule not in by_rule}
    lines = groups.totals(by_rule, "rules", "rule")
    titles = {wording.plain(rule): groups.rule_text(rule, document, material) for rule in by_rule}
    for line in lines:
        line.note = wording.plain(titles[line.name].reason)
    text = "Rules that a finding violates, and those that some operation of this tree falls under."
    run.page("rules.html", "totals.html.j2", title="Rules", column="Rule", column_note="Why", lines=lines, text=text)
    for rule, members in by_rule.items():
        text = titles[wording.plain(rule)]
        checks = dict.fromkeys([*text.checks, *(hook for finding in members for hook in finding.requires)])
        view = groups.RuleView(
            groups.shown_rule(text), wording.plain(material.services.get(text.service, text.service)),
            [run.row(finding) for finding in members[: groups.MOST_ROWS]], max(0, len(members) - groups.MOST_ROWS),
            [(wording.plain(hook), run.hook_pages.get(hook, "")) for hook in checks],
            operations.by_verdict(run.found.by_rule.get(rule, []), run.link, lambda _: "") if run.found.known else [],
            modules_view.deciders(material.modules, rule, checks),
        )  # fmt: skip
        run.page(run.rule_pages[rule], "rule.html.j2", rule=view)


def _hooks(run: Run) -> None:
    material = run.material
    sites = coverage_view.site_views(material.coverage or {})
    by_hook = groups.grouped(run.document.findings, groups.hooks_of)
    by_hook |= {hook: [] for hook in sorted(run.hook_pages) if hook not in by_hook}
    text = "Checks that a finding wants or that its protected sibling passes, and those that the rules name."
    run.page("hooks.html", "totals.html.j2", title="Hooks", column="Check", column_note="",
             lines=groups.totals(by_hook, "hooks", "hook"), text=text)  # fmt: skip
    for hook, members in by_hook.items():
        wanting = [finding for finding in members if hook in finding.requires]
        rules = sorted({*run.found.rules_of.get(hook, ()), *(finding.rule for finding in wanting)})
        own = run.found.of_check(hook)
        view = groups.HookView(
            wording.plain(hook),
            [(wording.plain(rule), run.rule_page(rule)) for rule in rules],
            [run.row(finding) for finding in wanting[: groups.MOST_ROWS]], max(0, len(wanting) - groups.MOST_ROWS),
            groups.siblings(members, hook, run.link), sites.get(hook, []),
            operations.by_operation(run.found.rules_of.get(hook, ()), run.found, material, run.rule_page),
            operations.by_verdict(own, run.link, run.rule_page) if run.found.known else [],
            [wording.plain(name) for name in material.modules.checks.get(hook, ())] if material.modules is not None else [],
            material.modules is not None and hook.startswith("security_"),
            {m.name: m.loaded for m in material.modules.modules} if material.modules is not None else {},
        )  # fmt: skip
        run.page(run.hook_pages[hook], "hook.html.j2", hook=view)


def _doors(run: Run) -> None:
    doors = groups.totals(groups.grouped(run.document.findings, groups.doors_of), "", "door")
    run.page("doors.html", "doors.html.j2", doors=doors_view.doors_view(run.material, doors, run.link))
