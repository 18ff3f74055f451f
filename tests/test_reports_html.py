"""The HTML report: every name is text, every link leads somewhere, nothing comes from outside."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from documents import completeness, document, finding, hostile

from reports.html import write
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
        assert page.tags.count("script") == (0 if name.startswith(("findings/", "ledger")) else 1)
        for link in page.links:
            if link.startswith("#"):
                continue
            assert not re.match(r"[a-z]+:|//", link), link
            assert ((tmp_path / "r" / name).parent / link).resolve().is_file(), (name, link)


def test_index(tmp_path):
    write(document(), tmp_path / "r")
    page = pages(tmp_path / "r")["index.html"]
    assert page.text.index("completeness: analysed 9 of 10 units") < page.text.index("Overview")
    assert "1 of 1 errors" in page.text and "fs/namei.c:3" in page.text
    assert "table" in page.tags and "th" in page.tags


def test_finding_page_shows_path_and_source(tmp_path):
    write(document(), tmp_path / "r", lambda file: SOURCE if file == "fs/namei.c" else None)
    page = pages(tmp_path / "r")[f"findings/{document().findings[0].fingerprint}.html"]
    assert "line_9(void)" in page.text and "<b>9</b>" in page.text and "line_14" not in page.text
    assert "Protected sibling" in page.text and "security_inode_rmdir" in page.text
    assert "Assumptions" in page.text


def test_missing_source_and_lines_beyond_the_end(tmp_path):
    write(make_document(completeness(), [finding(line=0), finding(line=99999)]), tmp_path / "a", lambda _: "one line")
    write(document(), tmp_path / "b", lambda _: None)


def test_many_findings_are_paged(tmp_path):
    write(make_document(completeness(), [finding(tier="note", line=n + 1) for n in range(1201)]), tmp_path / "r")
    found = pages(tmp_path / "r")
    assert {"notes.html", "notes-2.html", "notes-3.html"} <= set(found)
    assert found["notes-3.html"].tags.count("tr") == 202
    assert not list((tmp_path / "r" / "findings").iterdir())


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


def test_a_browser_shows_it(tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium")
    index = write(hostile(), tmp_path / "r", lambda _: SOURCE)
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile", "--dump-dom",
               f"file://{index}"]  # fmt: skip
    run = subprocess.run(command, capture_output=True, timeout=120, check=False, env=os.environ | {"HOME": str(tmp_path)})
    dom = run.stdout.decode("utf-8", "replace")
    assert '<p class="filter"><label>' in dom, run.stderr.decode(errors="replace")[-500:]
    assert "<img" not in dom
