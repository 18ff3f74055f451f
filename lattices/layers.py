"""The files of the pack and of those laid over it become entries, constants and names of globals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lattices.entries import KEYS, Entry
from lattices.source import Problem, Source, read
from lattices.versions import version_matches

DIRECTORY = Path(__file__).parent / "linux"


def files_of(where: Path) -> list[Path]:
    """The rule files of a directory, in the order in which they are read; a file stands for itself."""
    return sorted(where.rglob("*.toml")) if where.is_dir() else [where]


class Layers:
    """What the files of several directories say for one kernel version; later directories lie over earlier ones.

    `entries` are well-formed tables by name, `elsewhere` the ids of rules that hold for other kernel versions.
    """

    def __init__(self, version: str) -> None:
        self.version = version
        self.sources: list[Source] = []
        self.entries: dict[str, list[Entry]] = {table: [] for table in KEYS}
        self.constants: dict[str, int] = {}
        self.globals: frozenset[str] = frozenset()
        self.initial: frozenset[str] = frozenset()
        self.unmapped: frozenset[str] = frozenset()
        self.elsewhere: set[str] = set()

    @property
    def problems(self) -> list[Problem]:
        """Everything that was reported of any file so far."""
        return [problem for source in self.sources for problem in source.problems]

    def add(self, where: Path, layer: int) -> None:
        """Read the files of a directory, or one file."""
        for path in files_of(where):
            shown = path.relative_to(where).as_posix() if path != where else path.name
            if layer == 0 and where == DIRECTORY:
                shown = f"lattices/linux/{shown}"
            elif where.is_dir():
                shown = f"{where.as_posix().rstrip('/')}/{shown}"
            else:
                shown = path.as_posix()
            source = read(path, shown)
            self.sources.append(source)
            self._tables(source, layer)

    def _tables(self, source: Source, layer: int) -> None:
        for table, content in source.tables.items():
            if table == "prelude" and isinstance(content, str):
                continue
            if table == "constants":
                self._constants(source, content)
            elif table == "globals":
                self.globals |= _names(content)
            elif table == "initial":
                self.initial |= _names(content)
            elif table == "unmapped":
                self.unmapped |= _names(content)
            elif table not in KEYS:
                line, column = source.position(table, 0)
                known = ", ".join(sorted([*KEYS, "constants", "globals", "initial", "prelude", "unmapped"]))
                source.problems.append(Problem(source.shown, line, column, f"unknown table `{table}`", f"one of {known}"))
            elif not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
                line, column = source.position(table, 0)
                source.problems.append(
                    Problem(source.shown, line, column, f"`{table}` is a list of tables", f"write [[{table}]]")
                )
            else:
                for index, values in enumerate(content):
                    entry = Entry(source, table, index, layer, values)
                    if self._holds(entry):
                        self.entries[table].append(entry)

    def _constants(self, source: Source, content: Any) -> None:
        for name, value in content.items() if isinstance(content, dict) else ():
            if isinstance(value, dict):
                self._constants(source, value)
            elif isinstance(value, int) and not isinstance(value, bool):
                self.constants[name] = value
            else:
                text = next((n for n, line in enumerate(source.lines, 1) if line.lstrip().startswith(name)), 1)
                source.problems.append(Problem(source.shown, text, 1, f"constant {name} is no integer"))

    def _holds(self, entry: Entry) -> bool:
        """Whether the entry is well formed and meant for this kernel version."""
        good, ranges = entry.well_formed(), entry.values.get("versions")
        if not isinstance(ranges, str):
            return good
        try:
            matches = version_matches(self.version, ranges)
        except ValueError as error:
            entry.fail(str(error), 'write e.g. versions = ">=6.1,<6.8"', "versions")
            return good
        if not matches and entry.table == "rule":
            self.elsewhere.add(str(entry.values.get("id")))
        return matches and good


def _names(content: Any) -> frozenset[str]:
    names = content.get("names", []) if isinstance(content, dict) else content
    return frozenset(name for name in names if isinstance(name, str))
