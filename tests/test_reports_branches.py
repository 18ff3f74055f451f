"""One finding over several trees: where it is open, where it is fixed, by which change."""

import json
import subprocess

import pytest
from documents import HOSTILE, completeness, finding, hostile

from reports import branches
from reports.branches import Branch
from reports.html import write
from verifier.cli.main import main
from verifier.findings import UnitTrouble, encode, make_document

OPEN = "int vfs_unlink(int a)\n{\n\tdir->i_op->unlink(dir, dentry);\n\treturn 0;\n}\n"
CLOSED = OPEN.replace("{\n", "{\n\tint error = security_inode_unlink(dir, dentry);\n\tif (error)\n\t\treturn error;\n", 1)


def scan(*found):
    return make_document(completeness(), found, configuration={"kernel": "6"})


def place(verdict="mediated", rule="inode-unlink", function="vfs_unlink", file="fs/namei.c", line=6):
    return (rule, file, function, line, verdict)


def states(*trees, **more):
    return [line.states for line in branches.over(list(trees), **more).lines]


def test_states():
    old = Branch("6.1", scan(finding()), [place("unmediated", line=3)])
    assert states(old, Branch("6.6", scan(), [place()])) == [["open", "fixed"]]
    assert states(Branch("6.1", scan(), [place()]), Branch("6.6", scan(finding()), [])) == [["protected", "open"]]
    assert states(old, Branch("6.6", scan(), [place(function="other")])) == [["open", "absent"]]
    assert states(old, Branch("6.6", scan(), [place(), place("unknown")])) == [["open", "unknown"]]
    assert states(old, Branch("6.6", scan())) == [["open", "silent"]]
    lost = scan()
    lost.completeness.units.partial.append(UnitTrouble(file="fs/namei.c", error="x"))
    assert states(old, Branch("6.6", lost, [place()])) == [["open", "unknown"]]
    assert states(old, Branch("6.6", scan(), [place()]), Branch("6.9", scan(finding()), []), Branch("7", scan(), [place()])) == [
        ["open", "fixed", "open", "fixed"]
    ]


def test_findings_meet_by_fingerprint_then_by_place():
    worse = finding(kind="weaker-check", tier="warning", file="vfs/namei.c")
    found = branches.over([Branch("a", scan(finding())), Branch("b", scan(worse))])
    assert [line.states for line in found.lines] == [["open", "open"]] and found.lines[0].finding.kind == "weaker-check"
    two = branches.over([Branch("a", scan(finding(line=1), finding(line=2))), Branch("b", scan(finding(line=2)))])
    assert sorted(line.states for line in two.lines) == [["open", "open"], ["open", "silent"]]
    assert states(Branch("a", scan(finding(tier="note")))) == []
    assert states(Branch("a", scan(finding(tier="note"))), notes=True) == [["open"]]


def test_the_change_is_shown():
    found = branches.over([
        Branch("6.1", scan(finding()), [place("unmediated", line=3)], lambda _: OPEN), Branch("6.6", scan(), [place()], lambda _: CLOSED),
    ])  # fmt: skip
    shown = branches.render(found)
    assert "    6.1: open at fs/namei.c:3, id " in shown and "    6.6: fixed\n" in shown
    assert "+       int error = security_inode_unlink(dir, dentry);" in shown
    assert shown.splitlines()[-1] == "branches: 1 finding over 2 trees; 6.1: 1 open; 6.6: 1 fixed"
    assert branches.render(found, mail=True).startswith("Subject: kqual: 1 finding over 2 trees")
    without = branches.render(branches.over([Branch("6.1", scan(finding())), Branch("6.6", scan())]))
    assert "no difference to show" in without


def test_the_page_and_hostile_names(tmp_path):
    bad = hostile()
    rule, file, function = bad.findings[0].rule, bad.findings[0].file, bad.findings[0].function
    found = branches.over(
        [Branch(HOSTILE, bad, None, lambda _: HOSTILE), Branch("new", scan(), [(rule, file, function, 1, "mediated")], lambda _: "int vfs_unlink(void)\n{\n</pre>\n}")],
        commits=lambda *_: [HOSTILE],
    )
    page = write(scan(), tmp_path / "r", over=found).with_name("branches.html").read_text(encoding="utf-8")
    assert "<img" not in page and "\u202e" not in page and "&lt;img" in page
    assert 'href="branches.html"' in (tmp_path / "r" / "index.html").read_text(encoding="utf-8")
    assert "\x1b" not in branches.render(found, mail=True) and "\x1b" not in branches.summary_line(found)


def run(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["report", *map(str, arguments)])
    return ended.value.code


@pytest.fixture
def trees(tmp_path):
    for name, made in (("a", scan(finding())), ("b", scan())):
        (tmp_path / f"{name}.json").write_bytes(encode(made))
    return f"6.1={tmp_path}/a.json,6.6={tmp_path}/b.json"


def test_the_command(tmp_path, capfd, trees):
    assert run("--trees", trees) == 0
    assert "6.6: not reported" in capfd.readouterr().out
    assert run("--trees", trees, "--format", "json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert [t["state"] for t in answer["findings"][0]["trees"]] == ["open", "silent"]
    assert run("--trees", trees, "--format", "html", "-o", tmp_path / "r") == 0
    assert "not reported" in (tmp_path / "r" / "branches.html").read_text()
    for wrong in (["--trees", "6.1"], ["--trees", f"{trees},6.1=x"], ["--trees", trees, "--compare", "x"], ["--history", "x"],
                  ["--trees", "a=/nowhere"], ["--trees", trees, "--format", "sarif"], ["--trees", trees, "--history", tmp_path]):  # fmt: skip
        assert run(*wrong) == 2, wrong


def test_commits_between_the_trees(tmp_path, capfd, trees):
    repository = tmp_path / "linux"
    (repository / "fs").mkdir(parents=True)

    def git(*arguments):
        subprocess.run(["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True)

    git("init", "-q")
    for text, message, tag in ((OPEN, "first", "v6.1"), (OPEN + "/* */\n", "a comment", ""), (CLOSED, "fs: ask before unlinking", "v6.6"), (OPEN, "later", "")):
        (repository / "fs" / "namei.c").write_text(text)
        git("add", ".")
        git("commit", "-qm", message)
        if tag:
            git("tag", tag)
    assert run("--trees", trees, "--history", repository) == 0
    shown = capfd.readouterr().out
    assert "fs: ask before unlinking" in shown and "a comment" not in shown and "later" not in shown
