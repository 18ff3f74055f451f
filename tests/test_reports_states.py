"""What is known at the steps of a path: checks passed on the way, and checks that are asked in vain."""

from documents import HOSTILE, completeness, finding

from reports.html import Material, write
from reports.html.material import FunctionGraph, GraphBlock
from reports.html.states_view import Known, gains, nearby, passed_at, transition
from verifier.findings import Step, make_document


def graph(check_first=False):
    """if (a) security_inode_unlink(other); op();  with one fact from the start, and one behind the branch."""
    asks = ((2, "err = security_inode_unlink(dir, other)"),)
    return FunctionGraph(
        "vfs_unlink", "fs/namei.c", 1, 9,
        (GraphBlock(asks if check_first else ((1, "if a"),), ("capable(21)", "a holds")), GraphBlock(asks, ("capable(21)",)),
         GraphBlock(((3, "op()"),), ("capable(21)", "security_inode_setattr(dentry)"))),
        ((0, 1, "true"), (0, 2, "false"), (1, 2, "")), True,
    )  # fmt: skip


def test_chips_say_what_was_passed_since():
    steps = [Step(file="fs/namei.c", line=n, function="vfs_unlink", note="") for n in (1, 3)]
    assert gains(steps, lambda *_: graph()) == [["21: unchecked \u2192 checked(capable)"], ["dentry: unchecked \u2192 checked(inode_setattr)"]]
    assert gains(steps, lambda *_: None) == [[], []]
    assert passed_at(graph(), 77) is None
    assert transition("f()") == "the caller: unchecked \u2192 checked(f)"


def test_checks_in_vain():
    def said(made):
        return [call.text for call in nearby(finding(path=[]), lambda *_: made, lambda file, line: f"{file}#{line}")]

    assert said(graph()) == ["does not lie on every way to the operation"]
    assert said(graph(check_first=True))[0].startswith("lies on every way to the operation, but")
    other = FunctionGraph("f", "a.c", 1, 9, (GraphBlock(((1, "x"),)), GraphBlock(((2, "security_inode_unlink()"),)), GraphBlock(((3, "op"),))), ((0, 1, ""), (0, 2, "")))
    assert said(other) == ["comes on another way, or after the operation"]


def test_only_so_many_functions_are_analysed():
    asked = []
    known = Known(lambda *place: asked.append(place), 2)
    for name in ("a", "a", "b", "c", "b"):
        known("x.c", name, 1)
    assert [place[1] for place in asked] == ["a", "b"]


def test_on_the_page(tmp_path):
    made = make_document(completeness(), [finding()])
    write(made, tmp_path / "r", lambda _: "a\nb\nc\nd\ne\nf\ng\nh\ni\n", Material(graph=lambda *_: graph()))
    page = next((tmp_path / "r" / "findings").iterdir()).read_text(encoding="utf-8")
    assert "dentry: unchecked \u2192 checked(inode_setattr)" in page and "Asked, yet in vain" in page
    bad = FunctionGraph(HOSTILE, HOSTILE, 1, 9, (GraphBlock(((3, f"security_inode_unlink({HOSTILE})"),), (f"{HOSTILE}()",)),), (), True)
    write(made, tmp_path / "s", material=Material(graph=lambda *_: bad))
    page = next((tmp_path / "s" / "findings").iterdir()).read_text(encoding="utf-8")
    assert "<img" not in page and "\u202e" not in page and "&lt;img" in page
