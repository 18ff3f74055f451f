"""Pictures of a report's pages for the documentation.

    python benchmarks/pictures.py REPORT FOLDER

REPORT is the corpus' report; a coverage document (COVERAGE names it) makes a picture of the coverage page, too.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from browser import Browser

SHOWN = "fd_class_twice_bad"


def page_with(folder: Path, text: str) -> Path:
    """The first page of a folder that holds a text."""
    return next(file for file in sorted(folder.iterdir()) if text in file.read_text(encoding="utf-8"))


def main(report: Path, out: Path) -> None:
    """Write report.png (a finding), and those of the index, a function, and the coverage where there is one."""
    finding = page_with(report / "findings", f"<code>{SHOWN}</code>")
    pages = {"report.png": finding, "report-index.png": report / "index.html"}
    functions = [file for file in sorted((report / "functions").iterdir()) if SHOWN in file.name]
    if functions:
        pages["report-function.png"] = functions[0]
    if (report / "coverage.html").exists():
        pages["report-coverage.png"] = report / "coverage.html"
    with tempfile.TemporaryDirectory() as home, Browser(home, 1000, 760) as browser:
        for name, page in pages.items():
            browser.open(f"file://{page.resolve()}")
            if name == "report-function.png":
                browser.value("document.querySelector('svg').scrollIntoView()")
            browser.picture(out / name)
            print(out / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
