"""Two scans side by side."""

import json

import pytest
from documents import HOSTILE, completeness, document, finding, hostile

from reports import bug_report, comparison, text, wording
from reports.html import write
from verifier.cli.main import main
from verifier.findings import RuleNote, Step, encode, make_document

RULES = [RuleNote(id="inode-unlink", service="inode"), RuleNote(id="other", service="net")]


def scan(*found):
    return make_document(completeness(), found, rules=RULES, configuration={"kernel": "6.12"})


def test_new_fixed_changed_by_service():
    old = scan(finding(line=3), finding(line=9, function="gone"), finding(line=4, function="better"))
    new = scan(finding(line=30), finding(line=4, function="better", kind="weaker-check", tier="warning"), finding(rule="other", function="came"))
    found = comparison.compare(old, new, {"inode": "Inode operations"})
    assert found.counts == (1, 1, 1) and found.same == 1
    assert [s.name for s in found.services] == ["Inode operations", "net"]
    inode, net = found.services
    assert [f.function for f in inode.fixed] == ["gone"] and [f.function for f in net.new] == ["came"]
    assert comparison.changes(*inode.changed[0]) == ["tier was error, is warning", "kind was missing-check, is weaker-check"]
    assert not comparison.worse(inode.changed[0])
    shown = comparison.render(found)
    assert shown.splitlines()[-1] == "comparison: 1 new, 1 fixed, 1 changed, 1 the same"
    assert "fs/namei.c:9: fixed: " in shown and "    kind was missing-check, is weaker-check" in shown
    mailed = comparison.render(found, mail=True)
    assert mailed.startswith("Subject: kqual: 1 new, 1 fixed, 1 changed, 1 the same\n\nold completeness: ")
    assert "\n>> fs/namei.c:3: error: " in mailed


def test_a_scan_equals_itself_even_when_lines_move():
    found = comparison.compare(document(), document())
    assert found.counts == (0, 0, 0) and found.services == [] and found.same == 4
    moved = comparison.compare(scan(finding(line=1)), scan(finding(line=500, file="lib/namei.c")))
    assert moved.counts == (0, 0, 0)


def test_two_of_a_kind_and_one_goes():
    old = scan(finding(line=1), finding(line=2), finding(line=3))
    assert comparison.compare(old, scan(finding(line=2))).counts == (0, 2, 0)
    assert comparison.compare(scan(finding(line=2)), old).counts == (2, 0, 0)


def test_the_page_and_hostile_names(tmp_path):
    found = comparison.compare(document(), hostile())
    page = write(hostile(), tmp_path / "r", comparison=found).with_name("compare.html").read_text(encoding="utf-8")
    assert "<img" not in page and "\u202e" not in page and "&lt;img" in page
    assert 'href="compare.html"' in (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert "\x1b" not in comparison.render(found, mail=True)


@pytest.mark.parametrize("form, expected", [("text", "comparison: 0 new"), ("mail", "Subject: kqual: 0 new")])
def test_the_command(tmp_path, capfd, form, expected):
    for name in ("old.json", "new.json"):
        (tmp_path / name).write_bytes(encode(document()))
    with pytest.raises(SystemExit) as ended:
        main(["report", "--compare", str(tmp_path / "old.json"), str(tmp_path / "new.json"), "--format", form])
    assert ended.value.code == 0 and expected in capfd.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["report", "--compare", str(tmp_path / "old.json"), str(tmp_path / "new.json"), "--format", "markdown"])
    assert ended.value.code == 2


def test_terse_and_emacs():
    lines = text.terse(document()).splitlines()
    assert len(lines) == 4 and lines[0].startswith("completeness: ") and lines[-1].startswith("result: ")
    fingerprint = document().findings[0].fingerprint
    assert lines[1].startswith("fs/namei.c:3: error: ") and lines[1].endswith(f" [inode-unlink] {fingerprint}")
    lines = text.terse(document(), emacs=True, tree="/src/linux").splitlines()
    assert lines[1] == "kqual: Entering directory '/src/linux'" and lines[-2] == "kqual: Leaving directory '/src/linux'"
    assert lines[3] == "fs/namei.c:9:1: note: unlink(2): calls down"
    assert text.terse(document(), notes=True).count(": note: ") == 2
    assert len(text.terse(hostile(), emacs=True).splitlines()) == 4


def test_branches_say_where_the_path_goes_on():
    def step(line, note):
        return Step(file="a.c", line=line, function="f", note=note)

    path = [step(1, "branch: taken"), step(5, "branch: calls security_thing"), step(6, "branch: not taken"), step(9, "op()")]
    shown = text.render(make_document(completeness(), [finding(path=path)]))
    assert "a.c:1: f: branches, goes on to line 5" in shown and "a.c:5: f: asks security_thing" in shown
    assert "a.c:6: f: branches, goes on to line 9" in shown and "branch: " not in shown


def test_branches_on_one_line_are_one_step():
    def step(line, note):
        return Step(file="a.c", line=line, function="f", note=note)

    path = [step(1, "branch: taken"), step(1, "branch: calls security_thing"), step(1, "branch: taken"), step(1, "branch: not taken"),
            step(4, "branch: case 2"), step(9, "op()")]  # fmt: skip
    assert [s.note for s in wording.condensed(path)] == [path[1].note, path[3].note, path[4].note, path[5].note]
    shown = text.render(make_document(completeness(), [finding(path=path)]))
    assert shown.count("a.c:1: f: ") == 2 and "a.c:4: f: takes case 2, goes on to line 9" in shown


def test_objects_without_a_name():
    assert wording.headline(finding(kind="wrong-object", object="?"), "").startswith("security_inode_unlink is asked about another object than the one that")
    assert "?" not in wording.obligation(finding(object="?"))
    assert "_ stands for any argument" in wording.obligation(finding(operation="f(a, _)"))


def test_report_to_maintainers():
    made = document()
    shown = bug_report.render(made.findings[0], made, "unlinking is a write to the directory")
    assert shown.startswith("Subject: fs/namei.c: vfs_unlink: ")
    for title in ("What is the problem?", "Who can reach it?", "What follows?", "Evidence", "Suggested fix", "How was it found"):
        assert f"\n{title}" in shown, title
    assert "Door: unlink(2)." in shown and "vfs_rmdir passes security_inode_rmdir" in shown and "kernel 6.12" in shown
    assert max(map(len, shown.splitlines()[1:])) <= 80
    bad = bug_report.render(hostile().findings[0], hostile(), HOSTILE)
    assert "\x1b" not in bad and "\u202e" not in bad
    bad.encode("utf-8")


def test_explain_as_report(tmp_path, capfd, monkeypatch):
    from verifier.store import Store

    with Store.open(tmp_path / "s") as store:
        store.put("document", "scan", encode(document()))
    with pytest.raises(SystemExit) as ended:
        main(["explain", document().findings[0].fingerprint, "--report", "--store", str(tmp_path / "s")])
    out = capfd.readouterr().out
    assert ended.value.code == 0 and out.startswith("Subject: fs/namei.c: vfs_unlink: ") and "Suggested fix" in out
    assert json.loads(encode(document()))["schema"] == "kqual/1"
