"""A control-flow graph as a picture, its blocks and edges marked by the checks passed there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reports import wording
from reports.html.layers import layers
from reports.html.material import FunctionGraph, GraphBlock, Leaving

MOST_BLOCKS = 120  # a larger picture helps nobody; the source beside it stays
MOST_LINES = 6  # statements shown in a block
MOST_CHARACTERS = 38
CHARACTER, LINE, PAD, GAP_X, GAP_Y = 7, 16, 8, 24, 40
STATES = {  # letter: (class, what it means)
    "O": ("operation", "holds the operation of a finding"),
    "C": ("checked", "every way to it has passed the wanted checks; the text below names the objects"),
    "S": ("some", "some ways to it have passed one of them"),
    "U": ("open", "no way to it has passed one of them"),
    "K": ("asks", "asks a wanted check"),
    "-": ("plain", "nothing is known"),
}


@dataclass(frozen=True)
class BlockView:
    """A block of the picture; `lines` are (y, text), `rows` (source line, text) of all statements, `first_line` the first of
    them within the function (0: all come from macros and headers), `entry` and `leaving`
    say what was passed before it and over its edges."""

    number: int
    state: str
    letter: str
    title: str
    x: int
    y: int
    width: int
    height: int
    lines: list[tuple[int, str]]
    rows: list[tuple[int, str]]
    first_line: int
    entry: str
    leaving: list[str]


@dataclass(frozen=True)
class EdgeView:
    """An edge as an SVG path; `label` stands at its beginning.  On one that is `checked` a wanted check is passed that
    was not passed before its block."""

    path: str
    label: str
    x: int
    y: int
    back: bool
    checked: bool


@dataclass(frozen=True)
class GraphView:
    """The whole picture; `text` says it in words, `legend` are (letter, class, meaning) of the letters used."""

    width: int
    height: int
    blocks: list[BlockView]
    edges: list[EdgeView]
    text: str
    legend: list[tuple[str, str, str]]
    by_line: dict[int, int]


def letter_of(block: GraphBlock, wanted: set[str], lines: set[int], facts: bool) -> str:
    """The state of a block, as a letter of STATES."""
    if any(line in lines for line, _ in block.statements):
        return "O"
    if not facts:
        return "K" if any(f"{name}(" in text for _, text in block.statements for name in wanted) else "-"
    if not block.reached or not wanted:
        return "-"
    always = _names(block.always)
    some = always | _names(block.sometimes)
    return "C" if wanted <= always else "S" if wanted & some else "U"


def graph_view(graph: FunctionGraph, wanted: set[str], lines: set[int], withheld: bool = False) -> GraphView | None:
    """The picture; `wanted` are the checks that the function's findings want, `lines` where their operations stand: the
    function's own line where the call of it is the operation.  With `withheld` lines stand for statements.

    None for a function with more than MOST_BLOCKS blocks.
    """
    if not 0 < len(graph.blocks) <= MOST_BLOCKS:
        return None
    ranked, back = layers(len(graph.blocks), [(start, end) for start, end, _ in graph.edges])
    statements = [_rows(block, withheld) for block in graph.blocks]
    shown = [_shown(rows) for rows in statements]
    widths = [max([len(text) for text in texts] + [6]) * CHARACTER + 2 * PAD for texts in shown]
    heights = [(len(texts) + 1) * LINE + PAD for texts in shown]
    total = max(sum(widths[n] for n in layer) + GAP_X * (len(layer) - 1) for layer in ranked)
    margin = 12 * len(back) + GAP_X
    position: dict[int, tuple[int, int]] = {}
    y = PAD
    for layer in ranked:
        x = PAD + (total - sum(widths[n] for n in layer) - GAP_X * (len(layer) - 1)) // 2
        for number in layer:
            position[number] = x, y
            x += widths[number] + GAP_X
        y += max(heights[number] for number in layer) + GAP_Y
    blocks = []
    by_line: dict[int, int] = {}
    for number, block in enumerate(graph.blocks):
        letter = "O" if number == 0 and graph.line in lines else letter_of(block, wanted, lines, graph.facts)
        x, top = position[number]
        rows = statements[number]
        for line, _ in rows:
            by_line.setdefault(line, number)
        blocks.append(BlockView(
            number, STATES[letter][0], letter, f"block {number}: {STATES[letter][1]}", x, top, widths[number],
            heights[number], [(top + (i + 2) * LINE - 2, text) for i, text in enumerate(shown[number])], rows,
            next((line for line, _ in rows if graph.line <= line <= graph.end_line), 0), _passed("before it", block.always, block.sometimes) if graph.facts else "",
            [_passed(_edge_name(edge), edge.always, edge.sometimes) for edge in block.leaving],
        ))  # fmt: skip
    success = {(number, edge.to, edge.label) for number, block in enumerate(graph.blocks) for edge in block.leaving if _names(edge.always) & wanted - _names(block.always)}
    edges = []
    lane = 0
    for start, end, label in graph.edges:
        is_back = (start, end) in back
        lane += is_back
        right = total + 12 * lane if is_back else 0
        edges.append(_edge(position, widths, heights, start, end, label, right, (start, end, label) in success))
    used = {block.letter for block in blocks} | {"C" for edge in edges if edge.checked}
    marks = [f"{letter} {sum(b.letter == letter for b in blocks)}" for letter in STATES if letter in used]
    text = f"Control flow of {wording.plain(graph.name)}: {wording.counted(len(blocks), 'block')}, {wording.counted(len(edges), 'edge')}; by letter: {', '.join(marks)}."
    legend = [(letter, *STATES[letter]) for letter in STATES if letter in used]
    return GraphView(total + margin + 2 * PAD, y - GAP_Y + PAD, blocks, edges, text, legend, by_line)


def _rows(block: GraphBlock, withheld: bool) -> list[tuple[int, str]]:
    """The statements of a block as (line, text); only its lines, each once, where the text may not be shown."""
    if withheld:
        return list(dict.fromkeys((line, "") for line, _ in block.statements))
    return [(line, wording.plain(text)) for line, text in block.statements]


def _shown(rows: list[tuple[int, str]]) -> list[str]:
    texts = [_cut(f"{line} {text}" if text else f"line {line}") for line, text in rows[:MOST_LINES]]
    left = len(rows) - MOST_LINES
    return texts + ([f"{left} more"] if left > 0 else [])


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "\u2026"


def _names(facts: Iterable[str]) -> set[str]:
    """The checks that facts speak of."""
    return {fact.partition("(")[0] for fact in facts}


def _passed(where: str, always: tuple[str, ...], sometimes: tuple[str, ...]) -> str:
    """`before it: capable(21); on some ways: security_inode_unlink(dir, dentry)`"""
    out = f"{where}: {', '.join(always) or 'nothing passed'}"
    return wording.plain(out + (f"; on some ways: {', '.join(sometimes)}" if sometimes else ""))


def _edge_name(edge: Leaving) -> str:
    """`to b4 if true`, `out of the function`"""
    if edge.to < 0:
        return "out of the function"
    return f"to b{edge.to}" + (f" if {edge.label}" if edge.label else "")


def _edge(
    position: dict[int, tuple[int, int]], widths: list[int], heights: list[int], start: int, end: int, label: str, right: int,
    checked: bool,
) -> EdgeView:  # fmt: skip
    x1, y1 = position[start][0] + widths[start] // 2, position[start][1] + heights[start]
    x2, y2 = position[end][0] + widths[end] // 2, position[end][1]
    if label == "true":
        x1 -= widths[start] // 5
    elif label == "false":
        x1 += widths[start] // 5
    if right:
        path = f"M{x1} {y1} C{x1} {y1 + 25} {right} {y1 + 25} {right} {y1} L{right} {y2} C{right} {y2 - 25} {x2} {y2 - 25} {x2} {y2}"
    else:
        bend = max(12, (y2 - y1) // 2)
        path = f"M{x1} {y1} C{x1} {y1 + bend} {x2} {y2 - bend} {x2} {y2}"
    return EdgeView(path, wording.plain(label) + (" C" if checked else ""), x1 + 3, y1 + 12, bool(right), checked)
