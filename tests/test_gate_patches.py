"""Patches from strangers: what is read, what is refused, and that nothing outside of the scratch folder is touched."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from verifier.errors import KqualError
from verifier.gate import overlay as overlay_of
from verifier.gate.mail import pieces
from verifier.gate.overlay import read_patch, read_series
from verifier.gate.patch import sections

OLD = "".join(f"line {n}\n" for n in range(1, 11))
CHANGE = """--- a/dir/a.c
+++ b/dir/a.c
@@ -4,3 +4,3 @@ line 3
 line 4
-line 5
+line five
 line 6
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "tree" / "dir").mkdir(parents=True)
    (tmp_path / "tree" / "dir" / "a.c").write_text(OLD)
    (tmp_path / "outside.c").write_text("outside\n")
    return str(tmp_path / "tree")


def read(root, text):
    return read_patch(root, text.encode() if isinstance(text, str) else text)


def test_a_plain_diff(root):
    overlay = read(root, CHANGE)
    assert overlay.files == {"dir/a.c": OLD.replace("line 5", "line five").encode()}
    assert not overlay.removed and not overlay.notes
    assert Path(root, "dir/a.c").read_text() == OLD


def test_nothing_is_an_empty_overlay(root):
    assert not read(root, " \n").touched


@pytest.mark.parametrize("path", ["../outside.c", "dir/../../outside.c", "x/.git/config"])
def test_paths_that_leave_the_tree(root, path, tmp_path):
    for text in (
        f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-outside\n+inside\n",
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+made\n",
        f"diff --git a/dir/a.c b/{path}\nsimilarity index 100%\nrename from dir/a.c\nrename to {path}\n",
        f"diff --git a/{path} b/{path}\nold mode 100644\nnew mode 100755\n",
    ):
        with pytest.raises(KqualError, match="leaves the tree"):
            read(root, text)
    assert (tmp_path / "outside.c").read_text() == "outside\n"


def test_absolute_paths(root, tmp_path):
    place = tmp_path / "outside.c"
    with pytest.raises(KqualError, match="leaves the tree"):
        read(root, f"--- {place}\n+++ {place}\n@@ -1 +1 @@\n-outside\n+inside\n")
    with pytest.raises(KqualError, match="leaves the tree"):
        read(root, f"--- a/{place}\n+++ b/{place}\n@@ -1 +1 @@\n-outside\n+inside\n")


def test_quoted_paths(root):
    text = '--- /dev/null\n+++ "b/dir/\\303\\244 \\"x\\".c"\n@@ -0,0 +1 @@\n+int x;\n'
    assert read(root, text).files == {'dir/ä "x".c': b"int x;\n"}
    with pytest.raises(KqualError, match="leaves the tree"):
        read(root, '--- /dev/null\n+++ "b/\\056\\056/x.c"\n@@ -0,0 +1 @@\n+int x;\n')


def test_links_on_disk(root, tmp_path):
    os.symlink(tmp_path, f"{root}/out")
    os.symlink("dir", f"{root}/inner")
    for path in ("out/outside.c", "inner/a.c"):
        with pytest.raises(KqualError, match="symbolic link"):
            read(root, f"--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-outside\n+inside\n")


def test_links_in_the_patch_are_set_aside(root):
    text = "diff --git a/l.c b/l.c\nnew file mode 120000\n--- /dev/null\n+++ b/l.c\n@@ -0,0 +1 @@\n+/etc/passwd\n\\ No newline at end of file\n"
    overlay = read(root, text + CHANGE)
    assert list(overlay.files) == ["dir/a.c"] and overlay.notes == ["l.c: symbolic link, not read"]


def test_binary_files_are_set_aside(root):
    text = "diff --git a/logo.gif b/logo.gif\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\nliteral 4\nLcmZQzU|?i\n\n"
    overlay = read(root, text + "diff --git a/dir/a.c b/dir/a.c\n" + CHANGE)
    assert list(overlay.files) == ["dir/a.c"] and overlay.notes == ["logo.gif: binary, not read"]


def test_mode_changes_and_renames(root):
    assert read(root, "diff --git a/dir/a.c b/dir/a.c\nold mode 100644\nnew mode 100755\n").files == {"dir/a.c": OLD.encode()}
    overlay = read(root, "diff --git a/dir/a.c b/dir/b.c\nsimilarity index 100%\nrename from dir/a.c\nrename to dir/b.c\n")
    assert overlay.files == {"dir/b.c": OLD.encode()} and overlay.removed == ["dir/a.c"]
    assert overlay.renamed == {"dir/b.c": "dir/a.c"}


def test_a_deleted_file(root):
    body = "".join(f"-line {n}\n" for n in range(1, 11))
    overlay = read(root, f"--- a/dir/a.c\n+++ /dev/null\n@@ -1,10 +0,0 @@\n{body}")
    assert overlay.removed == ["dir/a.c"] and not overlay.files


def test_dos_line_ends(root):
    overlay = read(root, CHANGE.replace("\n", "\r\n"))
    assert b"\r" not in overlay.files["dir/a.c"] and b"line five" in overlay.files["dir/a.c"]
    assert "DOS line ends" in overlay.notes[0]
    with open(f"{root}/dir/a.c", "w", newline="") as file:
        file.write(OLD.replace("\n", "\r\n"))
    overlay = read(root, CHANGE.replace(" line", " line").replace("\n", "\r\n").replace("a.c\r", "a.c").replace("3\r", "3", 1))
    assert b"line five\r\n" in overlay.files["dir/a.c"] and not overlay.notes


def test_fuzz_is_told(root):
    near = CHANGE.replace("-4,3 +4,3", "-3,5 +3,5").replace(" line 4\n", " another 3\n line 4\n").replace(" line 6\n", " line 6\n line 7\n")
    overlay = read(root, near)
    assert b"line five" in overlay.files["dir/a.c"] and "less context" in overlay.notes[0]


def test_what_does_not_apply(root):
    with pytest.raises(KqualError, match="does not apply"):
        read(root, CHANGE.replace("-line 5", "-line fünf"))
    with pytest.raises(KqualError, match="does not apply"):
        read(root, CHANGE.replace("dir/a.c", "dir/none.c"))
    for text in ("hello\n", "+++ b/x\n", "\0" * 100, "@@ -1 +1 @@\n-a\n+b\n"):
        with pytest.raises(KqualError, match="no hunk"):
            read(root, text)


def test_text_in_a_hunk_is_no_header(root):
    body = "+--- a/../outside.c\n++++ b/../outside.c\n+@@ -1 +1 @@\n"
    overlay = read(root, f"--- /dev/null\n+++ b/dir/n.c\n@@ -0,0 +1,3 @@\n{body}")
    assert overlay.files == {"dir/n.c": b"--- a/../outside.c\n+++ b/../outside.c\n@@ -1 +1 @@\n"}
    gone = "--- a/dir/a.c\n+++ b/dir/a.c\n@@ -1,2 +1 @@\n--- a/x\n-+++ b/x\n+y\n"
    assert [(s.old, s.new) for s in sections(gone.encode())] == [("dir/a.c", "dir/a.c")]


MAIL = """From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001
From: A <a@example.org>
Date: Sat, 21 Nov 2026 12:00:00 +0000
Subject: [PATCH 1/2] dir: write
 the number out

Because.
---
 dir/a.c | 2 +-

{}--\x20
2.39.5

"""


def test_a_mail(root):
    (piece,) = pieces(MAIL.format(CHANGE).encode())
    assert piece.subject == "[PATCH 1/2] dir: write the number out"
    assert b"line five" in read(root, MAIL.format(CHANGE)).files["dir/a.c"]


def test_an_encoded_mail(root):
    head = MAIL.split("\n\n")[0] + "\nContent-Transfer-Encoding: base64\n\n"
    assert b"line five" in read(root, head + base64.encodebytes(CHANGE.encode()).decode()).files["dir/a.c"]
    head = head.replace("base64", "quoted-printable")
    assert b"line five" in read(root, head + CHANGE.replace("five", "=66ive")).files["dir/a.c"]


def test_a_series(root):
    second = CHANGE.replace("line five", "line V").replace("line 5", "line five")
    cover = MAIL.format("").replace("1/2", "0/2")
    mails = cover + MAIL.format(CHANGE) + MAIL.format(second).replace("1/2", "2/2").replace("the number", "it")
    series = read_series(root, mails.encode())
    assert [subject for subject, _ in series] == ["[PATCH 1/2] dir: write the number out", "[PATCH 2/2] dir: write it out"]
    assert [b"line V\n" in overlay.files["dir/a.c"] for _, overlay in series] == [False, True]


def test_size_is_bounded(root, monkeypatch):
    with pytest.raises(KqualError, match="more than 64 MiB") as error:
        read_patch(root, bytes((64 << 20) + 1))
    assert "--max-patch" in error.value.hint
    monkeypatch.setattr(overlay_of, "MOST_FILE", 50)
    with pytest.raises(KqualError, match="MiB"):
        read(root, CHANGE)


def test_too_many_mails(root, monkeypatch):
    from verifier.gate import mail

    monkeypatch.setattr(mail, "MOST_MAILS", 2)
    with pytest.raises(KqualError, match="3 mails"):
        read(root, MAIL.format(CHANGE) * 3)
