"""The HTML report: every name is text, every link leads somewhere, nothing comes from outside."""

import os
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from documents import HOSTILE, completeness, document, finding, hostile

from reports.html import Material, names, write
from reports.html.material import DoorText, Modules, ModuleText, Obligation, RuleText
from reports.html.modules_view import deciders
from reports.html.source_text import coloured, function_extent
from verifier.errors import KqualError
from verifier.findings import make_document

SOURCE = "\n".join(f"int line_{n}(void); /* <b>{n}</b> </script> */" for n in range(1, 20))


class Page(HTMLParser):
    """Collects tags, links and text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.attributes, self.words, self.open = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "link", "input", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))


def pages(folder):
    return {path.relative_to(folder).as_posix(): Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}


@pytest.mark.parametrize("made", [document(), document(fixed=[finding(line=7)]), hostile(), make_document(completeness(0, 0), [])])
def test_pages_are_whole_and_self_contained(tmp_path, made):
    assert write(made, tmp_path / "r", lambda _: SOURCE) == tmp_path / "r" / "index.html"
    found = pages(tmp_path / "r")
    assert {"index.html", "errors.html", "warnings.html", "notes.html", "ledger.html"} <= set(found)
    for name, page in found.items():
        assert page.open == [], name
        assert not any(attribute.startswith("on") or attribute == "style" for attribute, _ in page.attributes), name
        assert "img" not in page.tags
        assert page.tags.count("script") == {"index.html": 2}.get(name, 1 if name.startswith(("findings/", "functions/")) else 0), name
        for link in page.links:
            link, _, part = link.partition("#")
            if not link:
                assert ("id", part) in page.attributes, (name, part)
                continue
            assert not re.match(r"[a-z]+:|//", link), link
            assert ((tmp_path / "r" / name).parent / link).resolve().is_file(), (name, link)


def test_index(tmp_path):
    write(document(), tmp_path / "r")
    page = pages(tmp_path / "r")["index.html"]
    assert page.text.index("completeness: analysed 9 of 10 units") < page.text.index("Overview")
    assert "2 of 2 errors and warnings" in page.text and "fs/namei.c:3" in page.text
    for fact in ("9 of 10 units analysed", "1,234 functions", "70 obligations mediated", "2 unmediated", "8 unknown",
                 "12 of 100 indirect calls unresolved"):  # fmt: skip
        assert fact in page.text, fact
    assert "table" in page.tags and "th" in page.tags


def test_finding_page_shows_path_and_source(tmp_path):
    write(document(), tmp_path / "r", lambda file: SOURCE if file == "fs/namei.c" else None)
    page = pages(tmp_path / "r")[f"findings/{document().findings[0].fingerprint}.html"]
    assert "line_9(void)" in page.text and "<b>9</b>" in page.text and "line_15" not in page.text
    assert "Protected sibling" in page.text and "security_inode_rmdir" in page.text
    assert "Assumptions" in page.text
    assert "the task that makes the call, through unlink(2)" in page.text
    assert "security_inode_unlink must have been passed before dir->i_op->unlink(dir, dentry) on dentry" in page.text
    assert "U dentry: unchecked, security_inode_unlink not passed" in page.text
    assert "Subject: fs/namei.c: vfs_unlink: dir->i_op->unlink(dir, dentry) is reached without" in page.text


def test_missing_source_and_lines_beyond_the_end(tmp_path):
    write(make_document(completeness(), [finding(line=0), finding(line=99999)]), tmp_path / "a", lambda _: "one line")
    write(document(), tmp_path / "b", lambda _: None)


def test_many_findings_are_paged(tmp_path):
    write(make_document(completeness(), [finding(tier="note", line=n + 1) for n in range(1201)]), tmp_path / "r")
    found = pages(tmp_path / "r")
    assert {"notes.html", "notes-2.html", "notes-3.html"} <= set(found)
    assert found["notes-3.html"].tags.count("tr") == 202
    assert "1,001 to 1,201 of 1,201 notes" in found["notes-3.html"].text
    assert not list((tmp_path / "r" / "findings").iterdir())


def test_unchanged_pages_are_not_written_again(tmp_path):
    write(document(), tmp_path / "r", lambda _: SOURCE)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "r").rglob("*.html")}
    for path in before:
        os.utime(path, ns=(1, 1))
    (tmp_path / "r" / "ledger.html").write_text("damaged")
    write(document(), tmp_path / "r", lambda _: SOURCE)
    again = {path for path in before if path.stat().st_mtime_ns != 1}
    assert again == {tmp_path / "r" / "ledger.html"}


def test_names_of_pages_never_meet():
    assert names.page("hooks", "xt_MARK.c") != names.page("hooks", "xt_mark.c")
    assert names.page("hooks", "xt_MARK.c").lower() != names.page("hooks", "xt_mark.c").lower()
    for bad in ("../../etc/passwd", "a/../b", "<script>", "x" * 5000, "\0", "", ".", "con.", "\udc80"):
        assert re.fullmatch(r"hooks/[0-9A-Za-z_.-]{1,80}\.html", names.page("hooks", bad)), bad
        assert ".." not in names.page("hooks", bad).removeprefix("hooks/x")


def test_functions_are_found_by_layout():
    text = [
        "int one(void)", "{", "\treturn 1;", "}", "", "static int two(int a,", "\t       int b)", "{", "\tif (a) {", "\t\tb();", "\t}",
        "}", "int three(void) {", "\treturn 3;", "}", "int global;",
    ]  # fmt: skip
    extents = [function_extent(text, line) for line in range(1, len(text) + 1)]
    assert extents[0] == extents[2] == extents[3] == (1, 4)
    assert extents[4] is None and extents[15] is None
    assert extents[5] == extents[6] == extents[9] == extents[11] == (6, 12)
    assert extents[13] == (13, 15)


def test_colours_change_no_text():
    text = 'static int f(void) /* a\n<b> */ { return "x\\"</script>" != NULL; } // end'
    marked = "\n".join(coloured(text))
    assert re.sub(r"</?i[^>]*>", "", marked).replace("&lt;", "<").replace("&gt;", ">").replace("&#34;", '"').replace("&#39;", "'") == text
    assert "<i>static</i>" in marked and "<i class=c>/* a</i>\n<i class=c>&lt;b> */</i>" in marked


def test_the_folder_is_replaced_only_when_it_is_ours(tmp_path):
    write(document(), tmp_path / "r")
    write(make_document(completeness(), []), tmp_path / "r")
    assert not list((tmp_path / "r" / "findings").iterdir())
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.html").write_text("x")
    with pytest.raises(KqualError, match="not empty"):
        write(document(), tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.html").read_text() == "x"
    with pytest.raises(KqualError, match="is a file"):
        write(document(), tmp_path / "mine" / "thesis.html")


def test_equal_bytes(tmp_path):
    for name in ("a", "b"):
        write(document(), tmp_path / name, lambda _: SOURCE)
    for path in sorted((tmp_path / "a").rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_coverage(tmp_path):
    site = {"file": "fs/namei.c", "line": 9, "function": "f", "check": "security_inode_unlink", "family": "lsm", "service": "inode",
            "status": "load-bearing", "protects": ["a", "b"], "dominated_by": [], "reason": HOSTILE}  # fmt: skip
    sites = [site, site | {"status": "redundant", "protects": 0, "check": HOSTILE}, site | {"status": "odd"}, "no site", {}]
    write(document(), tmp_path / "r", material=Material(coverage={"sites": sites}))
    found = pages(tmp_path / "r")
    text = found["coverage.html"].text
    assert "inode" in text and "load-bearing" in text and "All services" in text
    hook = found[names.page("hooks", "security_inode_unlink")].text
    assert "Sites that ask it" in hook and "fs/namei.c:9" in hook and "load-bearing" in hook
    for name, page in found.items():
        assert "img" not in page.tags and page.open == [], name
    row = next(r for r in re.findall(r"<tr>.*?</tr>", (tmp_path / "r" / "coverage.html").read_text()) if "security_inode_unlink" in r)
    assert re.findall(r'class="n">(?:<a [^>]*>)?([^<]*)<', row) == ["2", "", "", "4", "1", "", "", "1"]


OBLIGATIONS = [Obligation("inode-unlink", "fs/namei.c", "vfs_unlink", 3, "unmediated"),
               Obligation("inode-unlink", "fs/other.c", "other", 8, "mediated"),
               Obligation("inode-rename", "fs/namei.c", "vfs_rename", 9, "unknown")]  # fmt: skip
RULES = {name: RuleText(name, "inode", operation=f"{name}()", checks=("security_inode_unlink",)) for name in
         ("inode-unlink", "inode-rename", "inode-never")}  # fmt: skip
MODULES = Modules(
    (ModuleText("selinux", 2, False), ModuleText("landlock", 1, True, ("active",))), "landlock", (("Inode", 2, {"selinux": 2, "landlock": 1}),),
    ("inode_nobody",), (("inode-rename", "Inode", ("inode_rename",)),),
    {"inode-unlink": (("inode_unlink",), ("selinux", "landlock")), "inode-rename": (("inode_rename",), ("selinux",))},
    {"security_inode_unlink": ("selinux", "landlock")},
)  # fmt: skip


def row_of(folder, name, text):
    rows = re.findall(r"<tr[^>]*>.*?</tr>", (folder / name).read_text(encoding="utf-8"), re.DOTALL)
    row = next(row for row in rows if text in row)
    return [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)]


def test_operations_by_check_and_verdict(tmp_path):
    material = Material(rules=RULES, services={"inode": "Inode operations"}, obligations=OBLIGATIONS)
    write(document(), tmp_path / "r", material=material)
    found = pages(tmp_path / "r")
    assert row_of(tmp_path / "r", "coverage.html", "security_inode_unlink") == ["security_inode_unlink", "lsm", "1", "1", "1"]
    assert row_of(tmp_path / "r", "coverage.html", "All services")[1:] == ["1", "1", "1"]
    hook = names.page("hooks", "security_inode_unlink")
    assert f"{hook}#unmediated" in found["coverage.html"].links
    assert row_of(tmp_path / "r", hook, "inode-rename()") == ["inode-rename()", "inode-rename", "", "1", ""]
    assert row_of(tmp_path / "r", hook, "inode-never()")[2:] == ["", "", ""], "a rule without an operation here is said, too"
    assert "Operations mediated: 1" in found[hook].text and row_of(tmp_path / "r", hook, "fs/other.c") == ["fs/other.c:8", "other", "inode-unlink"]
    assert "inode-rename" in found["rules.html"].text and "inode-never" not in found["rules.html"].text
    rule = found[names.page("rules", "inode-rename")].text
    assert "Operations unknown: 1" in rule and "fs/namei.c:9" in rule


def test_modules(tmp_path):
    write(document(), tmp_path / "r", material=Material(rules=RULES, obligations=OBLIGATIONS, modules=MODULES))
    found = pages(tmp_path / "r")
    text = found["modules.html"].text
    assert "Loaded are those of lsm=landlock" in text and "inode_nobody" in text and "Mediated in name only: 1" in text
    assert row_of(tmp_path / "r", "modules.html", "<code>selinux") == ["selinux", "2", "no", ""]
    assert row_of(tmp_path / "r", "modules.html", "All services") == ["All services", "2", "2", "1"]
    assert "Implemented by selinux (not loaded), landlock" in found[names.page("hooks", "security_inode_unlink")].text
    page = found[f"findings/{document().findings[0].fingerprint}.html"].text
    assert "landlock implements inode_unlink; selinux would, too, but not with lsm=landlock." in page
    assert "None of those loaded (lsm=landlock): only selinux implements inode_rename." in found[names.page("rules", "inode-rename")].text


def test_doors_say_which_checks_hold_on_every_some_and_no_way(tmp_path):
    rules = RULES | {"other": RuleText("other", "inode", operation="o()", checks=("capable",))}
    doors = [
        DoorText("__do_sys_unlink", "fs/namei.c", 3, "user", (("inode-unlink", "mediated", 2), ("inode-rename", "unmediated", 1), ("other", "mediated", 4))),
        DoorText("ioctl", "fs/x.c", 1, "user", (("inode-never", "unknown", 1),)),
    ]  # fmt: skip
    write(document(), tmp_path / "r", lambda _: SOURCE, Material(rules=rules, obligations=OBLIGATIONS, doors=doors))
    assert row_of(tmp_path / "r", "doors.html", "<code>unlink(2)</code></a></th><td>user") == [
        "unlink(2)", "user", "1", "", "6", "", "security_inode_unlink", "capable",
    ]  # fmt: skip
    assert row_of(tmp_path / "r", "doors.html", "<code>ioctl") == ["ioctl", "user", "", "1", "", "security_inode_unlink", "", ""]


def test_who_decides_in_every_case():
    free = replace(MODULES, order="")
    assert deciders(None, "inode-unlink") == ""
    assert deciders(replace(free, modules=tuple(replace(m, loaded=True) for m in free.modules)), "inode-unlink") == (
        "selinux and landlock implement inode_unlink; whichever of them is loaded is asked."
    )
    assert deciders(free, "capable-only").startswith("No security module:")
    assert deciders(free, "capable-only", ["capable"]).startswith("No security module:")
    behind = replace(MODULES, checks={"may_look": ("landlock",), "security_inode_unlink": ("selinux", "landlock")})
    assert deciders(behind, "may-look", ["may_look"]) == "landlock implements a hook that may_look asks."
    assert deciders(behind, "slot-sibling:x", ["security_inode_unlink"]) == "landlock implements inode_unlink; selinux would, too, but not with lsm=landlock."
    assert "in name only" in deciders(behind, "slot-sibling:x", ["security_inode_other"])
    assert "in name only" in deciders(replace(free, rules={"x": (("inode_x",), ())}), "x")
