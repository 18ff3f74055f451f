"""Notes of an audit: errors that come before any hook, and hooks that come before discretionary access control."""

from __future__ import annotations

import json

import pytest
from gate_trees import write_tree

from reports import audit_notes
from verifier.cli.main import main
from verifier.findings import AuditNotes, Blind, Early, Step

HEADER = """
struct mnt_idmap;
struct inode { int mode; };
struct dentry { struct inode *inode; };
struct thing { struct inode *inode; int kind; };
int security_thing(struct thing *thing);
int security_inode_unlink(struct inode *dir, struct dentry *dentry);
int inode_permission(struct mnt_idmap *idmap, struct inode *inode, int mask);
void use_thing(struct thing *thing);
_Bool capable(int cap);
"""
PROGRAM = HEADER + """
static int look(struct thing *thing, int how)
{
	if (how > 9)
		return -22;
	return security_thing(thing);
}

static int plain(int how)
{
	return how > 5 ? -34 : 0;
}

long __do_sys_thing(struct thing *thing, int how)
{
	int err;

	if (how < 0)
		return -22;
	if (!capable(21))
		return -1;
	err = plain(how);
	if (err)
		return err;
	err = look(thing, how);
	if (err)
		return err;
	if (how == 7)
		return -2;
	use_thing(thing);
	return 0;
}

long __do_sys_unasked(struct thing *thing, int how)
{
	if (how < 0)
		return -22;
	use_thing(thing);
	return 0;
}

long __do_sys_late_dac(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry)
{
	int err = security_inode_unlink(dir, dentry);

	if (err)
		return err;
	return inode_permission(idmap, dir, 3);
}

long __do_sys_dac_first(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry)
{
	int err = inode_permission(idmap, dir, 3);

	return err ? err : security_inode_unlink(dir, dentry);
}
"""


@pytest.fixture
def scan(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path / "tree", {"a.c": PROGRAM})

    def run(*options):
        with pytest.raises(SystemExit) as ended:
            main(["scan", "tree", "--config", "plain", "-q", *options])
        return ended.value.code, capfd.readouterr().out

    return run


def at(text: str) -> int:
    return next(n for n, line in enumerate(PROGRAM.splitlines(), 1) if text in line)


def test_errors_before_any_hook(scan):
    _, out = scan("--audit-blind", "--format", "json")
    audit = json.loads(out)["audit"]
    found = {(b["function"], b["line"], b["error"]) for b in audit["blind"] if b["door"] == "__do_sys_thing"}
    assert found == {
        ("__do_sys_thing", at("how < 0"), "EINVAL"), ("__do_sys_thing", at("!capable"), "EPERM"),
        ("__do_sys_thing", at("if (err)"), ""), ("look", at("how > 9"), "EINVAL"),
    }  # fmt: skip
    assert {b["hook"] for b in audit["blind"] if b["door"] == "__do_sys_thing"} == {"security_thing"}
    (inner,) = [b for b in audit["blind"] if b["function"] == "look"]
    assert [(s["function"], s["line"]) for s in inner["path"]] == [("__do_sys_thing", at("err = look("))]
    assert not [b for b in audit["blind"] if b["door"] == "__do_sys_unasked"]


def test_hooks_before_file_modes(scan):
    _, out = scan("--audit-blind", "--format", "json")
    (early,) = json.loads(out)["audit"]["early"]
    assert early["function"] == early["door"] == "__do_sys_late_dac"
    assert (early["hook"], early["check"], early["line"]) == ("security_inode_unlink", "inode_permission", at("return inode_permission"))


def test_neither_is_a_finding_nor_there_unasked(scan):
    with_notes, out = scan("--audit-blind", "--format", "json")
    document = json.loads(out)
    without, out = scan("--format", "json")
    plain = json.loads(out)
    assert "audit" not in plain and with_notes == without and plain["findings"] == document["findings"]


def test_tables_of_text_and_html(scan, tmp_path):
    _, out = scan("--audit-blind")
    assert "audit: Errors before any hook: 5" in out and "audit: Hooks before discretionary access control: 1" in out
    row = next(line for line in out.splitlines() if "in look" in line)
    assert row.split() == ["thing(2)", f"a.c:{at('how > 9')}", "in", "look", "EINVAL", "security_thing"]
    scan("--audit-blind", "--format", "html", "-o", "report")
    page = (tmp_path / "report" / "audit.html").read_text()
    assert "Errors before any hook (5)" in page and "security_inode_unlink" in page
    assert 'href="audit.html"' in (tmp_path / "report" / "index.html").read_text()


def test_hostile_names_stay_on_their_line():
    steps = [Step(file="a", line=1, function=f, note="") for f in ("door", "a\nb")]
    blind = Blind(door="d", file="a\x1b.c", line=1, function="f", error="", hook="h", path=steps)
    notes = AuditNotes(blind=[blind], early=[Early(file="b\n", line=2, function="g", check="c", hook="h", door="d")])
    lines = list(audit_notes.lines(notes))
    assert not any("\n" in line or "\x1b" in line for line in lines) and "negative" in "\n".join(lines)
