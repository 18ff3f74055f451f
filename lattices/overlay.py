"""Rules of several layers become one set: what lies above adds, replaces and retires."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from lattices.entries import Entry, similar
from lattices.model import Overlaid, Rule


def rules(
    entries: Iterable[Entry], elsewhere: Collection[str], read: Callable[[Entry], Rule | None]
) -> tuple[list[Rule], list[Overlaid]]:
    """The rules that hold, and what overlays took away, each by id: a layer first retires rules below it, then adds
    and replaces.

    `entries` are those of [[rule]] and [[retire]]; `elsewhere` are ids of rules for other kernel versions, which may be
    retired and replaced all the same; `read` makes a rule of an entry.
    """
    found: dict[str, Rule] = {}
    owner: dict[str, Entry] = {}
    gone: dict[str, Overlaid] = {}
    retired: dict[str, int] = {}
    for entry in sorted(entries, key=lambda e: (e.layer, e.table == "rule")):
        name = entry.values["id"]
        before = owner.get(name)
        here = (entry.source.shown, entry.source.line_of(entry.table, entry.index))
        reason = entry.values.get("reason", "")
        if entry.table == "retire":
            if before is not None and before.layer < entry.layer:
                if not reason.strip():
                    entry.fail(f"rule {name!r} is retired without a reason", "say why it does not hold here", "reason")
                found.pop(name, None)
                del owner[name]
                retired[name] = entry.layer
                gone[name] = Overlaid(name, "retired", reason, *here)
            elif name not in elsewhere:
                entry.fail(f"no rule {name!r} to retire", similar(name, found), "id")
            continue
        replaces = entry.values.get("replaces", False)
        if before is not None:
            where = f"{before.source.shown}:{before.source.line_of('rule', before.index)}"
            if before.layer == entry.layer:
                entry.fail(f"rule {name!r} is there already", f"first one: {where}", "id")
                continue
            if not replaces:
                hint = f"it stands in {where}; write replaces = true to take its place, or choose another id"
                entry.fail(f"rule {name!r} is there already", hint, "id")
                continue
            gone[name] = Overlaid(name, "replaced", reason, *here)
        elif retired.get(name) == entry.layer:
            entry.fail(f"rule {name!r} is retired and written anew", "write replaces = true and leave [[retire]] out", "id")
        elif replaces and name not in elsewhere:
            entry.fail(f"no rule {name!r} to replace", similar(name, found) or "leave replaces out", "replaces")
        owner[name] = entry
        rule = read(entry)
        if rule is not None:
            found[name] = rule
            if name in gone and gone[name].what == "retired":
                del gone[name]
    return [found[name] for name in sorted(found)], [gone[name] for name in sorted(gone)]
