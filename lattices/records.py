"""The small tables of rule files as records: one function each, from an entry to its record or None after a problem."""

from __future__ import annotations

from lattices import expressions
from lattices.entries import Entry, similar
from lattices.model import (
    ACCESS,
    ALLOW,
    FAMILIES,
    NAMESPACES,
    Accessor,
    Check,
    Door,
    Exemption,
    Family,
    Hook,
    Privilege,
    SubjectChange,
)
from lattices.reading import Reader


def accessor(reader: Reader, entry: Entry) -> Accessor | None:
    """What a function or macro stands for, over its parameters."""
    call = reader.expression(entry, "call", entry.values["call"])
    if call is None:
        return None
    if call[0] != "call" or not isinstance(call[1], str) or any(a[0] not in ("name", "any") for a in call[2]):
        entry.fail("`call` is a function with plain names", 'write e.g. call = "file_inode(file)"', "call")
        return None
    params = tuple(a[1] if a[0] == "name" else f"_{n}" for n, a in enumerate(call[2]))
    value = reader.expression(entry, "is", entry.values["is"], params)
    return None if value is None else Accessor(params, value)


def check(reader: Reader, entry: Entry) -> Check | None:
    """What a checking function means."""
    values = entry.values
    family, allow = values.get("family", "lsm"), values.get("allow", "errno")
    if family not in FAMILIES:
        entry.fail(f"unknown family {family!r}", f"one of {', '.join(FAMILIES)}", "family")
    if isinstance(allow, list):
        allowed = [reader.expression(entry, "allow", text, ()) for text in allow]
        if any(item is None or item[0] != "int" for item in allowed) or not allowed:
            entry.fail("`allow` is a list of constants", 'write e.g. allow = ["-ENOSYS"]', "allow")
            return None
        allow = tuple(item[1] for item in allowed if item is not None)
    elif allow not in ALLOW:
        entry.fail(f"unknown allow {allow!r}", f"one of {', '.join(ALLOW)}, or a list of constants", "allow")
    modifiers = reader.expression(entry, "modifiers", values.get("modifiers", "0"), ())
    if modifiers is not None and modifiers[0] != "int":
        entry.fail("`modifiers` is no constant", "", "modifiers")
        modifiers = None
    implies = []
    for text in entry.strings("implies"):
        left_text, arrow, right_text = text.partition(" -> ")
        if not arrow:
            entry.fail("an implication has the form passed(...) -> granted(...)", "", "implies", text)
            continue
        left = reader.expression(entry, "implies", left_text)
        right = reader.expression(entry, "implies", right_text, expressions.names(left) if left else ())
        if left is None or right is None:
            continue
        if left[0] != "call" or right[0] != "call":
            entry.fail("both sides of an implication are calls of checks", "", "implies", text)
            continue
        implies.append((left, right))
    return Check(
        values["name"], family, allow, values.get("namespace"), values.get("mask"),
        tuple(values.get("objects", ())), values.get("subject"), modifiers[1] if modifiers else 0,
        tuple(implies), values.get("reason", ""), tuple(values.get("writes", ())), entry.strings("slots"),
        values.get("member", ""), values.get("whole", False), values.get("labels", False),
    )  # fmt: skip


def exemption(reader: Reader, entry: Entry) -> Exemption | None:
    """A named condition that stands in for checks."""
    params = entry.strings("params")
    condition = reader.expression(entry, "condition", entry.values["condition"], params)
    checks = [reader.expression(entry, "checks", text, params) for text in entry.strings("checks")]
    silences = [reader.expression(entry, "silences", text, params) for text in entry.strings("silences")]
    if condition is None or None in checks or None in silences:
        return None
    return Exemption(condition, entry.values["reason"], entry.values["name"], params, tuple(checks), tuple(silences))


def subject(_: Reader, entry: Entry) -> SubjectChange:
    """A function that changes whose credentials count."""
    values = entry.values
    if values["effect"] not in ("set", "restore", "new"):
        entry.fail(f"unknown effect {values['effect']!r}", "one of set, restore, new", "effect")
    return SubjectChange(
        values["function"], values["effect"], values.get("cred"), values.get("subject", ""), values.get("reason", "")
    )


def opened(_: Reader, entry: Entry) -> str:
    """Why the success of a slot comes before all other uses of its table."""
    if entry.values["slot"].count(".") != 1:
        entry.fail(f"opening slot {entry.values['slot']!r}", 'write "struct_tag.member"', "slot")
    return entry.values["reason"]


def door(_: Reader, entry: Entry) -> Door:
    """A way into the kernel."""
    values = entry.values
    registrars = []
    for item in entry.strings("registrars"):
        function, _, number = item.partition(":")
        if not number.isdigit():
            entry.fail(f"registrar {item!r}", 'write "function:argument number", counted from 0', "registrars", item)
            continue
        registrars.append((function, int(number)))
    return Door(
        values["name"], values["kind"], values["subject"], entry.strings("functions"), entry.strings("slots"),
        tuple(registrars), entry.strings("attributes"), values.get("reason", ""),
    )  # fmt: skip


def hook(_: Reader, entry: Entry) -> Hook:
    """What the catalogue says of a hook."""
    values = entry.values
    functions = entry.strings("functions") if "functions" in values else (f"security_{values['name']}",)
    return Hook(
        values["name"], functions, entry.strings("within"), values.get("nothing", ""), entry.strings("guards"),
        values.get("wider", ""), entry.source.shown, entry.source.line_of("hook", entry.index),
    )  # fmt: skip


def family(_: Reader, entry: Entry) -> Family | None:
    """Where the checks of a family are declared."""
    values, other = entry.values, {}
    if values["name"] not in FAMILIES:
        entry.fail(f"unknown family {values['name']!r}", f"one of {', '.join(FAMILIES)}", "name")
        return None
    for item in values.get("other", []):
        if not isinstance(item, dict) or not all(isinstance(item.get(key), str) for key in ("name", "reason")):
            entry.fail("`other` holds names with reasons", 'write {name = "...", reason = "..."}', "other")
            return None
        other[item["name"]] = item["reason"]
    return Family(values["name"], entry.strings("files"), entry.strings("names"), other)


def privilege(reader: Reader, entry: Entry) -> Privilege | None:
    """What one must have to get somewhere."""
    values = entry.values
    if values["capability"] not in reader.pack.constants:
        entry.fail(f"unknown capability {values['capability']!r}", similar(values["capability"], reader.pack.constants), "capability")
    for key, known in (("namespace", NAMESPACES), ("access", ACCESS)):
        if values.get(key, known[-1]) not in known:
            entry.fail(f"unknown {key} {values[key]!r}", f"one of {', '.join(known)}", key)
    if sum(key in values for key in ("check", "door", "slots")) != 1:
        entry.fail("a privilege is asked for by one of `check`, `door` and `slots`", "write just one of them", "name")
    when = reader.expression(entry, "when", values["when"]) if "when" in values else None
    registrars = [reader.expression(entry, "registrars", text) for text in entry.strings("registrars")]
    if None in registrars or any(call is not None and call[0] != "call" for call in registrars):
        return None
    return Privilege(
        values["name"], values["capability"], values["namespace"], values.get("check", ""), values.get("door", ""),
        entry.strings("slots"), tuple(call for call in registrars if call is not None), when, values.get("mode", ""),
        values.get("access", ACCESS[-1]), values["reason"],
    )  # fmt: skip
