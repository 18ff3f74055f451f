"""Identity mappings: a check about the inode of an open file that was asked with the mapping of no mount.

A file knows its mount, and with it how owners are shown there; the mapping of no mount (`unmapped` in the rule data) is
right only where the file system cannot be mounted with one (design, "Namespaces").
"""

from __future__ import annotations

from lattices.model import Check
from verifier.flow.summary import Shape
from verifier.flow.values import Value
from verifier.flow.watcher import Call

FROM_FILE = frozenset({"f_inode", "f_path"})


def neutral_idmap(call: Call, check: Check, unmapped: frozenset[str]) -> Shape | None:
    """The shape of a DAC check that ignores the mount of a file, None for any other call; `unmapped` are mappings of no mount."""
    at = check.namespace
    if check.family != "dac" or at is None or at >= len(call.args) or call.name is None:
        return None
    idmap = call.args[at]
    if idmap.op != "&" or idmap.args[0].op != "G" or idmap.args[0].args[0] not in unmapped:
        return None
    if not any(_of_file(arg) for i, arg in enumerate(call.args) if i != at):
        return None
    note = f"{call.name} is asked with {idmap.args[0].args[0]} about the inode of a file, whose mount may map owners"
    return Shape("wrong-namespace", call.name, "", call.line, note, 0)


def _of_file(value: Value) -> bool:
    """Whether a value was read through a file: file->f_inode, file->f_path.dentry->d_inode, ..."""
    while value.op in ("ld", ".", "*", "fv"):
        if value.op == "." and value.args[1] in FROM_FILE:
            return True
        value = value.args[0]
    return False
