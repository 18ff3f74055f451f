"""The calls around a finding as a picture: the way from the door, who else comes to the operation, and who asks the check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from reports import wording
from reports.html.material import CallFacts, Facts
from verifier.findings import Finding, door_title

MOST_NODES = 60
MOST_CHAIN = 30  # functions of the way from the door; its ends are kept
MOST_CHECKS = 4
MOST_CHARACTERS = 34
WIDTH, HEIGHT, GAP_X, GAP_Y, PAD = 250, 40, 70, 26, 10
ROLES = {  # letter: (class, what it means)
    "D": ("door", "door"),
    "P": ("plain", "on the way from the door"),
    "O": ("operation", "performs the operation"),
    "S": ("checked", "comes here, too, and asks a wanted check"),
    "N": ("some", "comes here, too, and asks none itself"),
    "C": ("asks", "a wanted check"),
}
Place = tuple[str, str]  # function, file


@dataclass(frozen=True)
class NodeView:
    """A function of the picture; `page` leads to its source, `title` says in full what was cut short, else it is ""."""

    letter: str
    state: str
    name: str
    place: str
    page: str
    title: str
    x: int
    y: int


@dataclass(frozen=True)
class CallEdge:
    """A call as an SVG path; `slot` is that of an indirect call, which is drawn dashed."""

    path: str
    slot: str
    dashed: bool
    x: int
    y: int


@dataclass(frozen=True)
class CallView:
    """The picture; `text` says it in words, `rows` are its calls as (caller, word, callee)."""

    width: int
    height: int
    nodes: list[NodeView]
    edges: list[CallEdge]
    text: str
    legend: list[tuple[str, str, str]]
    rows: list[tuple[str, str, str]]


def call_view(finding: Finding, facts: Facts, link: Callable[[str, int], str]) -> CallView | None:
    """The picture of a finding; `facts(file, function)` tells who calls a function and what it calls, as far as the scan
    is at hand.  None when neither a way nor a sibling is known."""
    chain = _chain(finding)
    known = {place: facts(place[1], place[0]) for place, _ in chain}
    last = chain[-1][0]
    siblings = _siblings(finding, [place for place, _ in chain], known[last])
    if len(chain) < 2 and not siblings:
        return None
    checks = finding.requires[:MOST_CHECKS]
    kept = chain if len(chain) <= MOST_CHAIN else [*chain[: MOST_CHAIN // 2], *chain[len(chain) - MOST_CHAIN // 2 :]]
    siblings = siblings[: MOST_NODES - len(kept) - len(checks)]
    asked = {place: _asked(finding, place, facts) for place in [*(p for p, _ in kept), *siblings]}
    shown_checks = [check for check in checks if any(check in names for names in asked.values())]
    nodes: list[NodeView] = []
    edges: list[CallEdge] = []
    rows: list[tuple[str, str, str]] = []
    at: dict[object, tuple[int, int]] = {}

    def node(key: object, letter: str, name: str, place: str, page: str, column: int, row: int) -> None:
        x, y = PAD + column * (WIDTH + GAP_X), PAD + row * (HEIGHT + GAP_Y)
        at[key] = x, y
        title = f"{name} at {place}" if max(len(name), len(place)) > MOST_CHARACTERS else ""
        nodes.append(NodeView(letter, ROLES[letter][0], _cut(name), _cut(place), page, title, x, y))

    for number, (place, line) in enumerate(kept):
        letter = "O" if number == len(kept) - 1 else "D" if number == 0 and finding.door else "P"
        node(place, letter, wording.plain(door_title(place[0])), wording.plain(f"{place[1]}:{line}"), link(place[1], line), 0, number)
    for number, place in enumerate(siblings):
        own = facts(place[1], place[0])
        line = own.line if own is not None else finding.sibling.line if finding.sibling is not None else 0
        node(place, "S" if asked[place] else "N", wording.plain(door_title(place[0])), wording.plain(f"{place[1]}:{line}"), link(place[1], line), 1, number)
    for number, check in enumerate(shown_checks):
        node(check, "C", wording.plain(check), "", "", 2 if siblings else 1, number)
    for (before, _), (after, _) in pairwise(kept):
        adjacent = _next(chain, before) == after
        slot = _slot(known[before], known[after], after[0]) if adjacent else ""
        x, y = at[before]
        label = slot if adjacent else "..."
        edges.append(CallEdge(f"M{x + WIDTH // 2} {y + HEIGHT} V{y + HEIGHT + GAP_Y}", wording.plain(label), bool(label), x + WIDTH // 2 + 6, y + HEIGHT + 16))
        word = "calls" if not label else f"{wording.counted(len(chain) - len(kept), 'more function')}, then" if not adjacent else f"calls through {label}"
        rows.append((wording.plain(before[0]), wording.plain(word), wording.plain(after[0])))
    for place in siblings:
        slot = _slot(facts(place[1], place[0]), known[last], last[0])
        (x, y), (tx, ty) = at[place], at[last]
        edges.append(_curve(x, y + HEIGHT // 2, tx + WIDTH, ty + HEIGHT // 2, slot))
        rows.append((wording.plain(place[0]), wording.plain(f"calls through {slot}" if slot else "calls"), wording.plain(last[0])))
    for place, names in asked.items():
        for check in names:
            if check in at:
                (x, y), (tx, ty) = at[place], at[check]
                edges.append(_curve(x + WIDTH, y + HEIGHT // 2, tx, ty + HEIGHT // 2, ""))
                rows.append((wording.plain(place[0]), "asks", wording.plain(check)))
    columns = 1 + bool(siblings) + bool(shown_checks)
    height = max(len(kept), len(siblings), len(shown_checks)) * (HEIGHT + GAP_Y) - GAP_Y + 2 * PAD
    text = f"Calls: {wording.counted(len(kept), 'function')} from the door to the operation"
    if siblings:
        asking = sum(bool(asked[place]) for place in siblings)
        text += f"; {wording.counted(len(siblings), 'other caller')} of {wording.plain(last[0])}, {asking} of them with a wanted check"
    used = {view.letter for view in nodes}
    legend = [(letter, *ROLES[letter]) for letter in ROLES if letter in used]
    return CallView(2 * PAD + columns * WIDTH + (columns - 1) * GAP_X, height, nodes, edges, text + ".", legend, rows)


def _chain(finding: Finding) -> list[tuple[Place, int]]:
    """The functions from the door to the operation, each once, with the last line that the path has in them."""
    lines: dict[Place, int] = {}
    for step in finding.path:
        lines[step.function, step.file] = step.line
    if not finding.path:
        lines[finding.function, finding.file] = finding.line
    return list(lines.items())


def _next(chain: list[tuple[Place, int]], place: Place) -> Place | None:
    names = [p for p, _ in chain]
    number = names.index(place) + 1
    return names[number] if number < len(names) else None


def _siblings(finding: Finding, chain: list[Place], last: CallFacts | None) -> list[Place]:
    """Who else comes to the operation's function: the protected sibling first, then its other callers by name."""
    out = dict.fromkeys([(finding.sibling.function, finding.sibling.file)] if finding.sibling is not None else [])
    out |= dict.fromkeys(sorted(last.callers) if last is not None else [])
    return [place for place in out if place not in chain]


def _asked(finding: Finding, place: Place, facts: Facts) -> list[str]:
    """The wanted checks that a function asks itself."""
    own = facts(place[1], place[0])
    names = set(own.calls) if own is not None else set()
    if finding.sibling is not None and place == (finding.sibling.function, finding.sibling.file):
        names.add(finding.sibling.check)
    return [check for check in finding.requires if check in names]


def _slot(caller: CallFacts | None, callee: CallFacts | None, name: str) -> str:
    """The slot of an indirect call; "" for a direct one, and where it is not known."""
    found = caller.through(name, callee) if caller is not None and callee is not None else None
    return found.slot if found is not None else ""


def _curve(x1: int, y1: int, x2: int, y2: int, slot: str) -> CallEdge:
    middle = (x1 + x2) // 2
    return CallEdge(f"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}", wording.plain(slot), bool(slot), min(x1, x2) + 4, y1 - 4)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "\u2026"
