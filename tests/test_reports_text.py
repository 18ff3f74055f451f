"""Text, Markdown and mail."""

import re

from documents import completeness, document, finding, hostile

from reports import mail, markdown, text, wording
from verifier.findings import KINDS, empty_completeness, make_document


def test_completeness_first_verdict_last():
    lines = text.render(document()).splitlines()
    assert lines[0].startswith("completeness: analysed 9 of 10 units (90.0 %; 0 partial, 1 lost), 1,234 functions")
    assert "88.0 % of 100 indirect calls resolved" in lines[0]
    assert lines[-1] == "result: 1 error, 1 warning, 2 notes; 1 unit of 10 not fully analysed"


def test_nothing_found_is_never_said_alone():
    shown = text.render(make_document(empty_completeness(), []))
    assert shown.splitlines()[0].startswith("completeness: analysed 0 of 0 units (0.0 %")
    assert shown.splitlines()[-1] == "result: 0 errors, 0 warnings, 0 notes; nothing was analysed"


def test_a_finding_in_text():
    shown = text.render(document())
    assert "fs/namei.c:3: error: `dir->i_op->unlink(dir, dentry)` is reached without `security_inode_unlink` [inode-unlink]" in shown
    assert "\n    in vfs_unlink; door: unlink(2)\n    fs/namei.c:9: unlink(2): calls down\n" in shown
    assert "    protected sibling: fs/namei.c:7: vfs_rmdir passes security_inode_rmdir" in shown
    assert "    assumes: mm/slab.c:kfree" in shown
    assert "fs/namei.c:5: warning: the result of `security_inode_unlink` does not decide" in shown


def test_notes_are_counted_and_shown_on_demand():
    assert "2 notes not shown" in text.render(document())
    assert ": note: " not in text.render(document())
    assert text.render(document(), notes=True).count(": note: ") == 2


def test_the_ledger_is_cut_and_says_so():
    many = completeness(40, 0)
    shown = text.render(make_document(many, []))
    assert shown.count("fs/broken.c: fs/broken.c") == text.MOST_LEDGER_LINES
    assert "30 more (--ledger lists all)" in shown
    assert text.render(make_document(many, []), ledger=True).count("fs/broken.c: fs/broken.c") == 40
    assert "file_operations.read: 12 of 20 calls" in shown
    assert "arch/x86/entry.c (3 times)" in shown


def test_colour_only_when_asked_for():
    assert "\x1b" not in text.render(document())
    coloured = text.render(document(), colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text.render(document())


def test_names_cannot_write_to_the_terminal_or_forge_lines():
    for shown in (text.render(hostile(), notes=True, ledger=True), markdown.render(hostile()), mail.render(hostile())):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x80-\x9f\u202e]", shown)
        shown.encode("utf-8")


def test_markdown_escapes_markup_outside_code():
    shown = markdown.render(hostile())
    outside = re.sub(r"(`+).*?\1", "", shown)
    assert "<img" not in outside and "</script" not in outside and "@all" not in outside


def test_every_kind_has_words():
    for kind in KINDS:
        assert kind in wording.SENTENCES and kind in wording.TITLES
        assert "security_inode_unlink" in wording.headline(finding(kind=kind))


def test_gate_texts():
    made = document(fixed=[finding(line=7)])
    assert text.render(made).splitlines()[-1].startswith("result: the patch introduces 1 error, 1 warning, 2 notes; it fixes 1")
    assert "fs/namei.c:7: fixed: " in text.render(made)
    body = mail.render(made)
    assert body.startswith("Subject: kqual: 1 new error\n\ncompleteness: ")
    assert "\n>> fs/namei.c:3: error: " in body
    assert "Fixed by this patch" in markdown.render(made)


def test_percentages_never_round_up():
    assert wording.percent(99_999, 100_000) == "99.9 %"
    assert wording.percent(0, 0) == "0.0 %"


def test_braces_in_names_are_no_format():
    assert "{0}" in wording.headline(finding(operation="{0}", requires=["{x}"]))


def test_a_finding_about_the_check_itself_names_it_once():
    one = finding(kind="vacuous-check", operation="security_thing", requires=["security_thing"], object="")
    assert wording.headline(one) == "`security_thing` cannot refuse"
    assert wording.obligation(one) == "Where `security_thing` is asked, its answer must decide."
