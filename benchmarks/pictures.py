"""Pictures of a report's pages for the documentation.

    python benchmarks/pictures.py REPORT FOLDER

REPORT is the corpus' report.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from browser import Browser

SHOWN = "fd_class_twice_bad"  # a function of the corpus with a finding
WIDTH = 1000


def page_with(folder: Path, text: str) -> Path:
    """The first page of a folder that holds a text."""
    return next(file for file in sorted(folder.iterdir()) if text in file.read_text(encoding="utf-8"))


def main(report: Path, out: Path) -> None:
    """Write the pictures of a finding, the index, the coverage and a function."""
    pages = [  # name, page, height, what is scrolled to
        ("report.png", page_with(report / "findings", f"<code>{SHOWN}</code>"), 1300, "main"),
        ("report-index.png", report / "index.html", 900, "main"),
        ("report-coverage.png", report / "coverage.html", 760, "main"),
        ("report-function.png", next(file for file in sorted((report / "functions").iterdir()) if SHOWN in file.name), 760, "svg"),
    ]
    with tempfile.TemporaryDirectory() as home, Browser(home, WIDTH) as browser:
        for name, page, height, shown in pages:
            browser.size(WIDTH, height)
            browser.open(f"file://{page.resolve()}")
            browser.value(f"document.querySelector({shown!r}).scrollIntoView()")
            browser.picture(out / name)
            print(out / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
