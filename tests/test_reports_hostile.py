"""Names, texts and reasons that try to be markup: a mark for each place where they appear in the HTML report."""

import re

import pytest
from documents import HOSTILE, completeness, finding

from reports import branches
from reports.comparison import compare
from reports.html import Material, write
from reports.html.material import (
    CallFacts,
    DoorText,
    FunctionGraph,
    GraphBlock,
    Leaving,
    Modules,
    ModuleText,
    Obligation,
    RuleText,
    SlotCall,
)
from verifier.findings import (
    AuditNotes,
    Blind,
    Dismissed,
    Early,
    ExemptionNote,
    LedgerEntry,
    RuleNote,
    Sibling,
    SlotCalls,
    Step,
    UnitTrouble,
    make_document,
)

FINDING = ("rule", "operation", "object", "function", "door", "reason")
MARKS = [
    *FINDING, "wanted", "file", "assumption", "exemption", "passed", "step-file", "step-function", "step-note", "sibling-file",
    "sibling-function", "sibling-check", "lost-file", "lost-error", "ledgerkind", "ledger-what", "slot", "key", "value", "granted",
    "granted-reason", "granted-condition", "dismissed-verdict", "dismissed-reason", "command", "rule-operation", "rule-reason", "rule-good",
    "rule-requires", "rule-exempt", "service", "graph-text", "graph-fact", "graph-edge", "caller", "caller-file", "calls-slot",
    "site-place", "site-function", "site-reason", "site-protects", "site-dominates", "obligation-file", "obligation-function",
    "module", "module-note", "module-hook", "vacuous", "unimplemented", "door-name", "door-subject", "door-check", "tree", "commit",
    "source-text", "source-comment", "source-string", "order", "leaving-label", "leaving-fact", "blind-door", "blind-file", "blind-function",
    "blind-error", "blind-through", "blind-hook", "early-file", "early-function", "early-check", "early-hook", "early-door", "privilege",
    "tree-key", "tree-value", "gone-function", "changed-check",
]  # fmt: skip


def bad(mark):
    return f"{HOSTILE}\0{mark}!"


def everything():
    """A document and material that hold a hostile text in each place."""
    path = [Step(file="a/door.c", line=1, function="door", note="calls down"),
            Step(file=bad("step-file"), line=1, function=bad("step-function"), note=bad("step-note"))]  # fmt: skip
    made = finding(
        **{name: bad(name) for name in FINDING}, requires=[bad("wanted")], file=f"fs/{bad('file')}", path=path, assumptions=[bad("assumption")],
        exemptions=[bad("exemption")], passed=[bad("passed")], line=2, reachable_with=[bad("privilege")],
        sibling=Sibling(file=bad("sibling-file"), line=1, function=bad("sibling-function"), check=bad("sibling-check")),
    )  # fmt: skip
    rest = completeness()
    rest.units.lost.append(UnitTrouble(file=bad("lost-file"), error=bad("lost-error")))
    rest.ledger.append(LedgerEntry(kind=bad("ledgerkind"), what=bad("ledger-what")))
    rest.calls.slots.append(SlotCalls(slot=bad("slot"), sites=2, targets=0, unresolved=2))
    document = make_document(
        rest, [made], configuration={bad("key"): bad("value"), "command": bad("command")}, rules=[RuleNote(id=bad("rule"), service="s")],
        exemptions=[ExemptionNote(name=bad("granted"), reason=bad("granted-reason"), condition=bad("granted-condition"))],
        dismissed=[Dismissed(finding=finding(), verdict=bad("dismissed-verdict"), reason=bad("dismissed-reason"))],
    )  # fmt: skip
    document.audit = AuditNotes(
        blind=[Blind(door=bad("blind-door"), file=bad("blind-file"), line=1, function=bad("blind-function"), error=bad("blind-error"),
                     hook=bad("blind-hook"), path=[Step(file="a", line=1, function="a", note=""), Step(file="b", line=1, function=bad("blind-through"), note="")])],
        early=[Early(file=bad("early-file"), line=1, function=bad("early-function"), check=bad("early-check"), hook=bad("early-hook"), door=bad("early-door"))],
    )  # fmt: skip
    rule = RuleText(
        bad("rule"), "s", operation=bad("rule-operation"), requires=(bad("rule-requires"),), checks=(bad("wanted"), bad("door-check")),
        reason=bad("rule-reason"), exempt=((bad("rule-exempt"), "x"),), good=bad("rule-good"),
    )  # fmt: skip
    blocks = (GraphBlock(((2, bad("graph-text")),), (f"{bad('graph-fact')}(x)",), leaving=(Leaving(1, bad("leaving-label"), (bad("leaving-fact"),)),)),
              GraphBlock(((9, "x"),)))  # fmt: skip
    graph = FunctionGraph(bad("function"), f"fs/{bad('file')}", 1, 9, blocks, ((0, 1, bad("graph-edge")),), True)
    site = {"file": bad("site-place"), "line": 1, "function": bad("site-function"), "check": bad("wanted"), "reason": bad("site-reason"),
            "status": "load-bearing", "service": "s", "protects": [bad("site-protects")], "dominated_by": {"file": bad("site-dominates")}}  # fmt: skip
    modules = Modules(
        (ModuleText(bad("module"), 1, True, (bad("module-note"),)),), bad("order"), ((bad("service"), 1, {bad("module"): 1}),),
        (bad("unimplemented"),), ((bad("rule"), bad("service"), (bad("vacuous"),)),),
        {bad("rule"): ((bad("module-hook"),), (bad("module"),))}, {bad("wanted"): (bad("module"),)},
    )  # fmt: skip
    facts = CallFacts(1, ((bad("caller"), bad("caller-file")),), frozenset(), (SlotCall(bad("calls-slot"), (1,), 3),), (bad("calls-slot"),))
    material = Material(
        rules={bad("rule"): rule}, services={"s": bad("service")}, graph=lambda *_: graph, calls=lambda *_: facts, coverage={"sites": [site]},
        obligations=[Obligation(bad("rule"), bad("obligation-file"), bad("obligation-function"), 1, "mediated")], modules=modules,
        doors=[DoorText(bad("door-name"), "x", 1, bad("door-subject"), ((bad("rule"), "unknown", 1),))]
    )  # fmt: skip
    return document, material


def source(_):
    text = f'{bad("source-text")}\nint x; /* {bad("source-comment")} */\nchar *s = "{bad("source-string")}";\n'
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    document, material = everything()
    folder = tmp_path_factory.mktemp("hostile") / "r"
    over = branches.over([branches.Branch(bad("tree"), document), branches.Branch("new", make_document(completeness(), []))], commits=lambda *_: [bad("commit")])
    earlier = make_document(completeness(), [finding(function=bad("gone-function")), finding(function="same", requires=[bad("changed-check")])], configuration={bad("tree-key"): bad("tree-value")})
    document.findings.append(finding(function="same"))
    write(document, folder, source, material, compare(earlier, document), over)
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.html"))}


@pytest.mark.parametrize("mark", MARKS)
def test_it_is_shown_and_does_no_harm(pages, mark):
    shown = [text for text in pages.values() if f"{mark}!" in text]
    assert shown, "it is in no page"
    for text in shown:
        for at in (match.start() for match in re.finditer(re.escape(f"{mark}!"), text)):
            before = text[max(0, at - 400) : at]
            start = before.rfind("/script") if "/script" in before else 0
            assert "<img" not in before[start:] and "<script" not in before[start:]


def test_nothing_raw_in_any_page(pages):
    for name, text in pages.items():
        assert not re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\u202e\ud800-\udfff]", text), name
        assert "<img" not in text, name
        assert all(src in ("index.js", "finding.js", "function.js", "findings.js") for src in re.findall(r'<script src="[./a-z]*/([a-z.]+)"', text)), name
        assert text.count("<script") == text.count("</script>") == len(re.findall(r'<script src="', text)), name
