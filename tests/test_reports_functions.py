"""What a report tells of functions: states before and behind blocks, steps through slots, directories, audit notes."""

import re
import subprocess

import pytest

from reports.html.audit_view import audit_view
from reports.html.descent import descent
from reports.html.directories_view import directories_view
from reports.html.doors_view import doors_view
from reports.html.graph_view import graph_view
from reports.html.material import (
    CallFacts,
    DoorText,
    FunctionGraph,
    GraphBlock,
    Leaving,
    Material,
    Obligation,
    RuleText,
    SlotCall,
)
from reports.html.reach_view import doors_above
from reports.html.source_text import Sources
from verifier.cli.main import main
from verifier.findings import AuditNotes, Blind, Early, Step

RULES = """
[[rule]]
id = "thing-use"
service = "file"
operation = "controlled_op(thing)"
requires = ["security_thing(thing)"]
reason = "uses the thing"
good = "int f(void);"
bad = "int g(void);"
"""
PROGRAM = """struct thing { int kind; };
struct thing_ops { int (*use)(struct thing *thing); };
int security_thing(struct thing *thing);
void controlled_op(struct thing *thing);

static int one(struct thing *thing)
{
	int err;

	if (thing->kind) {
		err = security_thing(thing);
		if (err)
			return err;
	}
	controlled_op(thing);
	return 0;
}

static int two(struct thing *thing)
{
	return 0;
}

static const struct thing_ops first = { .use = one };
static const struct thing_ops second = { .use = two };
const struct thing_ops *tables[] = { &first, &second };

long __do_sys_thing(struct thing *thing, int number)
{
	return tables[number]->use(thing);
}
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a program in a git checkout, and the checkout."""
    place = tmp_path_factory.mktemp("functions")
    (place / "tree" / "lib").mkdir(parents=True)
    (place / "tree" / "lib" / "use.c").write_text(PROGRAM)
    (place / "rules").mkdir()
    (place / "rules" / "own.toml").write_text(RULES)
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=place / "tree", check=True)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        main(["scan", str(place / "tree"), "--config", "plain", "--rules", str(place / "rules"), "-q", "--format", "html", "-o", str(place / "r")])
    assert ended.value.code == 1
    return place / "r", place / "tree"


def line_of(text):
    return next(n for n, line in enumerate(PROGRAM.splitlines(), 1) if text in line)


def test_blocks_say_what_leaves_them(report):
    page = next((report[0] / "functions").iterdir()).read_text(encoding="utf-8")
    assert "if false: security_thing(thing)" in page, "passed where the result is 0"
    assert "if true: nothing passed" in page
    assert page.count('class="edge checked"') == 1 and ">false C</text>" in page
    assert "before it: nothing passed; on some ways: security_thing(thing)" in page, "the operation's block joins both"


@pytest.mark.parametrize("source, link", [
    ("none", ""), ("https://host.example/tree", "https://host.example/tree/lib/use.c#L15"), ("https://host.example/{file}?l={line}", "https://host.example/lib/use.c?l=15"),
])  # fmt: skip
def test_trees_that_may_not_be_copied(report, tmp_path, monkeypatch, source, link):
    monkeypatch.setenv("XDG_CACHE_HOME", str(report[1].parent / "cache"))
    with pytest.raises(SystemExit) as ended:
        main(["report", "--format", "html", "--source", source, "-o", str(tmp_path / "r")])
    assert ended.value.code == 0 and not list((tmp_path / "r" / "source").iterdir())
    pages = [file.read_text(encoding="utf-8") for file in sorted((tmp_path / "r").rglob("*.html"))]
    assert not any("return tables[number]" in page or "->use(thing)" in page.replace("&gt;", ">") for page in pages)
    picture = next((tmp_path / "r" / "functions").iterdir()).read_text(encoding="utf-8")
    assert re.search(r">line \d+</text>", picture) and "security_thing(thing)" in picture, "lines, and what was passed there"
    assert link == "" or any(f'href="{link}"' in page for page in pages)


def test_a_store_of_another_version_gives_pictures_without_states(report, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("XDG_CACHE_HOME", str(report[1].parent / "cache"))
    monkeypatch.setattr("verifier.program.stored.read", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main(["report", "--format", "html", "-o", str(tmp_path / "r")])
    assert ended.value.code == 0 and "scan again" in capfd.readouterr().err
    page = next((tmp_path / "r" / "functions").iterdir()).read_text(encoding="utf-8")
    assert "K asks a wanted check" in page.replace("<b>", "").replace("</b>", "") and "before it:" not in page


def test_a_step_through_a_slot_shows_its_line(report):
    page = next((report[0] / "findings").iterdir()).read_text(encoding="utf-8")
    assert "through thing_ops.use, one of 2 functions there" in page
    assert re.search(rf"<b class=here>(<span.*?</span>)?<u>{line_of('->use(thing)')}</u>", page)


def test_the_configuration_names_the_commit_and_the_lattice(report):
    page = (report[0] / "configuration.html").read_text(encoding="utf-8")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=report[1], capture_output=True, text=True, check=True).stdout.strip()
    assert head in page and '<th scope="row">lattice</th>' in page and "libclang " in page and "kqual scan TREE --config plain --rules rules" in page


def test_the_coverage_page_says_how_to_get_what_it_lacks(report):
    assert "kqual scan --audit-blind" in (report[0] / "coverage.html").read_text(encoding="utf-8")
    assert "lib/" in (report[0] / "directories.html").read_text(encoding="utf-8")


def test_directories_count_operations_and_findings(report):
    from documents import finding

    places = [Obligation("r", "fs/ext4/a.c", "f", 1, "mediated"), Obligation("r", "net/b.c", "g", 2, "unknown")]
    lines = directories_view([finding(), finding(tier="note")], places)
    assert [(line.name, line.depth, line.findings, line.operations) for line in lines] == [
        ("all of the tree", 0, ["1", "0", "1"], ["0", "1", "1"]),
        ("fs/", 1, ["1", "0", "1"], ["0", "0", "1"]),
        ("ext4/", 2, ["0", "0", "0"], ["0", "0", "1"]),
        ("net/", 1, ["0", "0", "0"], ["0", "1", "0"]),
    ]
    assert lines[2].query == "dir=fs%2Fext4" and lines[0].query == ""
    assert directories_view([], None)[0].operations == []


def test_edges_on_which_a_wanted_check_is_passed():
    blocks = (
        GraphBlock(((1, "err = security_thing(x)"),), leaving=(Leaving(1, "true"), Leaving(2, "false", ("security_thing(x)",)))),
        GraphBlock(((2, "return err"),), leaving=(Leaving(-1, ""),)),
        GraphBlock(((3, "op(x)"),), ("security_thing(x)",), leaving=(Leaving(-1, "", ("security_thing(x)",), ("capable(21)",)),)),
    )
    view = graph_view(FunctionGraph("f", "a.c", 1, 4, blocks, ((0, 1, "true"), (0, 2, "false")), True), {"security_thing"}, {3})
    assert [(edge.label, edge.checked) for edge in view.edges] == [("true", False), ("false C", True)]
    assert view.blocks[0].leaving == ["to b1 if true: nothing passed", "to b2 if false: security_thing(x)"]
    assert view.blocks[2].entry == "before it: security_thing(x)"
    assert view.blocks[2].leaving == ["out of the function: security_thing(x); on some ways: capable(21)"]
    assert [block.letter for block in view.blocks] == ["U", "U", "O"]


def test_a_function_that_is_the_operation_is_marked_at_its_entry():
    graph = FunctionGraph("f", "a.c", 1, 4, (GraphBlock(((2, "x"),)), GraphBlock(((3, "y"),))), ((0, 1, ""),), True)
    assert [block.letter for block in graph_view(graph, {"security_thing"}, {1}).blocks] == ["O", "U"]


def test_doors_that_lead_to_the_same_share_a_row():
    material = Material(rules={"r": RuleText("r", checks=("capable",))}, doors=[
        DoorText(name, "a.c", 1, subject, (("r", verdict, 2),))
        for name, subject, verdict in (
            ("__do_sys_b", "user", "mediated"), ("__do_sys_a", "user", "mediated"), ("c_rcv", "remote", "mediated"), ("d", "user", "unmediated"),
        )
    ])  # fmt: skip
    view = doors_view(material, [], lambda file, line: "")
    assert [([name for name, _ in row.names], row.subject, row.cells, row.every, row.none) for row in view.doors] == [
        (["d"], "user", ["2", "", ""], [], ["capable"]),
        (["a(2)", "b(2)"], "user", ["", "", "2"], ["capable"], []),
        (["c_rcv"], "remote", ["", "", "2"], ["capable"], []),
    ]
    assert view.count == "4"


def test_other_doors_are_those_above_by_direct_calls():
    from documents import finding

    known = {
        "vfs_unlink": CallFacts(1, (("helper", "a.c"), ("__do_sys_unlink", "a.c")), frozenset(), (), ()),
        "helper": CallFacts(1, (("smb2_close", "b.c"), ("starts", "b.c"), ("vfs_unlink", "fs/namei.c")), frozenset(), (), ()),
        "smb2_close": CallFacts(1, (), frozenset(), (), (), "ksmbd", "remote"),
        "starts": CallFacts(1, (), frozenset(), (), (), "init", "none"),
        "__do_sys_unlink": CallFacts(1, (), frozenset(), (), (), "syscall", "user"),
    }
    assert doors_above(finding(), lambda file, name: known.get(name)) == ["smb2_close (a remote peer)"], "its own door is named already"
    assert doors_above(finding(door=None), lambda file, name: known.get(name)) == ["unlink(2)", "smb2_close (a remote peer)"]
    assert doors_above(finding(), lambda *_: None) == []


def test_calls_by_name_come_before_slots():
    sources = Sources(lambda _: "int f(void)\n{\n\tg();\n\tops->use();\n}\n")
    facts = {"f": CallFacts(1, (), frozenset(), (SlotCall("ops.use", (4,), 7),), ()), "g": CallFacts(9, (), frozenset(), (), ("ops.use",))}
    f, g = Step(file="a.c", line=1, function="f", note=""), Step(file="a.c", line=9, function="g", note="")
    assert descent(f, g, lambda _, name: facts[name], sources).lines == [3]
    other = Step(file="a.c", line=9, function="h", note="")
    through = descent(f, other, lambda _, name: facts["g" if name == "h" else name], sources)
    assert (through.lines, through.through) == ([4], "through ops.use, one of 7 functions there")
    assert descent(f, other, lambda *_: None, sources).lines == []


def test_audit_notes_lead_to_source_and_hooks():
    notes = AuditNotes(
        blind=[Blind(door="__do_sys_x", file="a.c", line=4, function="f", error="EINVAL", hook="security_x")],
        early=[Early(file="b.c", line=5, function="g", check="inode_permission", hook="security_y", door="__do_sys_y")],
    )
    blind, early = audit_view(notes, lambda file, line: f"{file}#{line}", {"security_x": "hooks/x.html", "security_y": "hooks/y.html"})
    assert [(cell.text, cell.page) for cell in blind.rows[0] if cell.page] == [("a.c:4 in f", "a.c#4"), ("security_x", "hooks/x.html")]
    assert [(cell.text, cell.page) for cell in early.rows[0] if cell.page] == [("b.c:5 in g", "b.c#5"), ("security_y", "hooks/y.html")]
