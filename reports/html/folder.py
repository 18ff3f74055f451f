"""The folder of a report: taken over only when it is ours, written only where something changed."""

from __future__ import annotations

from pathlib import Path

from verifier.errors import KqualError

MARKER = ".kqual-report"
ROOMS = ("assets", "data", "findings", "functions", "hooks", "rules", "source")
_OURS = (".html", ".js", ".css")


class Folder:
    """Files of one report.  Use `put` for each, then `finish`, which removes what an earlier report left."""

    def __init__(self, path: Path) -> None:
        """Make the folder; raises KqualError when it is a file, or holds something that is no report."""
        if path.exists() and not path.is_dir():
            raise KqualError(f"{path} is a file, the HTML report is a folder", "name a folder with -o DIR")
        path.mkdir(parents=True, exist_ok=True)
        marker = path / MARKER
        if not marker.exists() and any(path.iterdir()):
            raise KqualError(f"{path} is not empty and holds no kqual report", "name another folder with -o DIR")
        marker.write_text("This folder is written by kqual; its pages are replaced at the next report.\n")
        self.path = path
        self.names: set[str] = set()
        self.written = 0
        for room in ROOMS:
            (path / room).mkdir(exist_ok=True)

    def put(self, name: str, data: bytes) -> None:
        """Write a file, unless it is there with these bytes already: links and caches on it stay good."""
        self.names.add(name)
        target = self.path / name
        try:
            if target.stat().st_size == len(data) and target.read_bytes() == data:
                return
        except FileNotFoundError:
            pass
        target.write_bytes(data)
        self.written += 1

    def finish(self) -> None:
        """Remove pages that this report no longer has; files that are none of ours stay."""
        for room in ("", *ROOMS):
            for old in (self.path / room).iterdir():
                name = old.relative_to(self.path).as_posix()
                if old.suffix in _OURS and old.is_file() and name not in self.names:
                    old.unlink()
