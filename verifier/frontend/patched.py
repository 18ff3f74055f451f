"""Units of a tree with a patch laid over it, parsed in this process; what the patch does not touch comes from the tree."""

from __future__ import annotations

import tempfile
from pathlib import Path

from verifier.frontend import pch as pch_of
from verifier.frontend.flags import digest
from verifier.frontend.sources import Sources
from verifier.frontend.units import HEADERS, ExtractResult, Work, header_unit, read_unit, reader_version, work_of
from verifier.tree.model import CompileCommand, Tree


def header_name(group: pch_of.Group) -> str:
    """Store key of a group's record."""
    return digest(reader_version(), HEADERS, group.key)


class Patched:
    """Units of a tree as if some files had other contents (`overlay`: by name relative to the tree)."""

    def __init__(self, tree: Tree, overlay: dict[str, bytes], place: Path | None = None) -> None:
        """Precompiled headers that the overlay changes are kept in `place`, or in a scratch folder."""
        self.tree = tree
        self.overlay = overlay
        self.build = tree.build or tree.root
        self.base = Sources(tree.root, self.build)
        self.sources = Sources(tree.root, self.build, overlay, tree.beside)
        self._scratch: tempfile.TemporaryDirectory | None = None
        self._place = place
        self._made: dict[str, tuple[pch_of.Precompiled | None, ExtractResult | None]] = {}

    def unit(self, command: CompileCommand) -> ExtractResult:
        """The unit of a command."""
        return self.read(work_of(command, self.tree.root, self.build))

    def read(self, work: Work) -> ExtractResult:
        """The unit of a command that is understood already."""
        made = self._header(work.group, False)[0] if work.group is not None else None
        return read_unit(work, made, self.sources)

    def groups(self) -> list[pch_of.Group]:
        """The groups whose precompiled header the overlay changes."""
        groups: dict[str, pch_of.Group] = {}
        if not pch_of.holds(pch_of.folder(self.tree.build), self.overlay):
            return []
        for command in self.tree.commands:
            group = work_of(command, self.tree.root, self.build).group
            if group is not None:
                groups.setdefault(group.key, group)
        return [group for _, group in sorted(groups.items()) if self.base_of(group) is not None]

    def headers(self) -> list[ExtractResult]:
        """The header units that the overlay changes, each under the key of the base's unit that it stands for."""
        return [self.header(group) for group in self.groups()]

    def header(self, group: pch_of.Group) -> ExtractResult:
        """The header unit of a group that the overlay changes, under the key of the base's unit."""
        before = self.base_of(group)
        result = self._header(group, True)[1]
        assert before is not None and result is not None
        result.key = digest(header_name(group), before.key)
        return result

    def base_of(self, group: pch_of.Group) -> pch_of.Precompiled | None:
        """The base's precompiled header when the overlay changes any file of it."""
        made = pch_of.lookup(group, pch_of.folder(self.tree.build), self.base)
        return made if made is not None and set(made.dependencies) & set(self.overlay) else None

    def _header(self, group: pch_of.Group, unit: bool) -> tuple[pch_of.Precompiled | None, ExtractResult | None]:
        """The precompiled header with the overlay's contents; its unit too where the overlay changes any of it.

        Without `unit` one that another worker has left in the same place will do.
        """
        if group.key not in self._made or (unit and self._made[group.key][1] is None):
            made = pch_of.lookup(group, pch_of.folder(self.tree.build), self.base)
            result = None
            if made is not None and set(made.dependencies) & set(self.overlay):
                if self._place is None:
                    self._scratch = tempfile.TemporaryDirectory(prefix="kqual-pch-")
                    self._place = Path(self._scratch.name)
                made = pch_of.lookup(group, self._place, self.sources) if not unit else None
                if made is None:
                    made, result = header_unit(group, self._place, self.sources)
            self._made[group.key] = made, result
        return self._made[group.key]


def changed_headers(tree: Tree, overlay: dict[str, bytes]) -> dict[str, set[str]]:
    """The precompiled headers of which an overlay changes a file, by key, with all their files."""
    patched = Patched(tree, overlay)
    found = [patched.base_of(group) for group in patched.groups()]
    return {made.key: set(made.dependencies) for made in found if made is not None}


_patched: list[Patched] = []  # the session of the previous call


def extract_file(tree: Tree, command: CompileCommand, overlay: dict[str, bytes] | None = None) -> ExtractResult:
    """One unit in this process, with new contents for some files (by name relative to the tree).

    Uses the group's precompiled header if it is on disk, or one made for the overlay when that changes a header in it;
    a unit parsed plainly gives the same functions under the same names.  Calls with the same `tree` and `overlay`
    objects share what they prepare.
    """
    overlay = overlay if overlay is not None else {}
    if not _patched or _patched[0].tree is not tree or _patched[0].overlay is not overlay:
        _patched[:] = [Patched(tree, overlay)]
    return _patched[0].unit(command)
