"""The picture of the calls around a finding."""

from documents import HOSTILE, completeness, document, finding, hostile

from reports.html import Material, write
from reports.html.call_view import MOST_NODES, call_view
from reports.html.material import CallFacts, SlotCall
from verifier.findings import Step, make_document


def link(file, line):
    return f"source/{file}#L{line}"


def facts(callers=(), calls=(), slots=(), held_in=(), line=1):
    return CallFacts(line, tuple(callers), frozenset(calls), tuple(SlotCall(slot) for slot in slots), tuple(held_in))


def test_the_way_and_the_siblings():
    known = {
        "__do_sys_unlink": facts(slots=["inode_operations.unlink"]),
        "vfs_unlink": facts(callers=[("__do_sys_unlink", "fs/namei.c"), ("nfsd_unlink", "fs/nfsd/vfs.c"), ("lone", "fs/lone.c")], held_in=["inode_operations.unlink"]),
        "nfsd_unlink": facts(calls=["security_inode_unlink", "vfs_unlink"], line=5),
    }
    view = call_view(finding(), lambda file, function: known.get(function), link)
    assert [(n.letter, n.name) for n in view.nodes] == [
        ("D", "unlink(2)"), ("O", "vfs_unlink"), ("N", "vfs_rmdir"), ("N", "lone"), ("S", "nfsd_unlink"), ("C", "security_inode_unlink"),
    ]  # fmt: skip
    assert ("__do_sys_unlink", "calls through inode_operations.unlink", "vfs_unlink") in view.rows
    assert ("nfsd_unlink", "calls", "vfs_unlink") in view.rows and ("nfsd_unlink", "asks", "security_inode_unlink") in view.rows
    dashed = [edge.slot for edge in view.edges if edge.dashed]
    assert dashed == ["inode_operations.unlink"]
    assert view.text == "Calls: 2 functions from the door to the operation; 3 other callers of vfs_unlink, 1 of them with a wanted check."
    assert view.nodes[1].page == "source/fs/namei.c#L3"


def test_never_more_than_sixty():
    path = [Step(file="a.c", line=n + 1, function=f"f{n}", note="calls down") for n in range(100)]
    many = facts(callers=[(f"g{n}", "b.c") for n in range(200)])
    view = call_view(finding(path=path), lambda *_: many, link)
    assert MOST_NODES - 2 < len(view.nodes) <= MOST_NODES and any(edge.slot == "..." for edge in view.edges)
    names = [node.name for node in view.nodes]
    assert names[0] == "f0" and "f99" in names and "70 more functions, then" in [word for _, word, _ in view.rows]


def test_nothing_to_show():
    assert call_view(finding(path=[], sibling=None), lambda *_: None, link) is None


def test_on_the_page_with_hostile_names(tmp_path):
    bad = hostile().findings[0]
    bad.path.append(Step(file="x", line=1, function=f"{HOSTILE}2", note=""))
    made = make_document(completeness(), [bad])
    write(made, tmp_path / "r", material=Material(calls=lambda *_: facts([(HOSTILE, HOSTILE)], [HOSTILE], [HOSTILE], [HOSTILE])))
    page = next((tmp_path / "r" / "findings").iterdir()).read_text(encoding="utf-8")
    assert 'id="calls"' in page and "<img" not in page and "\u202e" not in page
    write(document(), tmp_path / "s")
    page = (tmp_path / "s" / "findings" / f"{document().findings[0].fingerprint}.html").read_text(encoding="utf-8")
    assert "<code id=\"triage\">kqual triage TREE add " in page
