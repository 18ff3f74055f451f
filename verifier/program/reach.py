"""What doors reach: for every function the nearest door, the first by name among equals, and the distance.

After a change the answer is mended where it changes, by Ramalingam and Reps's DynamicSWSF-FP ("An incremental
algorithm for a generalization of the shortest-path problem", J. Algorithms 1996): values are ordered pairs
(distance, door), and every step adds one to the distance, which is what the algorithm asks for.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterable, Mapping

import msgspec

from verifier.program.layered import Layered
from verifier.program.packed import WIDTH, Numbering, Table, numbers_of

Nearest = Mapping[str, tuple[str, int]]
Neighbours = Callable[[str], Iterable[str]]
FAR = (1 << 30, "")  # of what no door reaches


class ReachData(msgspec.Struct, array_like=True):
    """The stored form: by function the door's number plus one (0: none reaches it) and the distance."""

    doors: bytes
    distances: bytes


def breadth_first(sources: Iterable[str], callees: Neighbours, closed: Callable[[str], bool]) -> dict[str, tuple[str, int]]:
    """Function -> (door, distance) from the doors `sources`; nothing goes through what is `closed`."""
    out = {fid: (fid, 0) for fid in sources}
    level = dict.fromkeys(out)
    distance = 0
    while level:
        distance += 1
        following: dict[str, str] = {}
        for fid in level:
            door = out[fid][0]
            for callee in callees(fid):
                if callee in out or closed(callee):
                    continue
                other = following.get(callee)
                if other is None or door < other:
                    following[callee] = door
        out.update((fid, (door, distance)) for fid, door in following.items())
        level = dict.fromkeys(following)
    return out


def mended(
    was: Nearest, suspects: Iterable[str], source: Callable[[str], bool], closed: Callable[[str], bool], callees: Neighbours,
    callers: Neighbours,
) -> Nearest:  # fmt: skip
    """`was` after a change: `suspects` are the functions that a call to them came or went for, or that became or ceased
    to be a door.  The rest describes the changed program."""
    out = Layered(was)

    def value(fid: str) -> tuple[int, str]:
        found = out.get(fid)
        return (found[1], found[0]) if found is not None else FAR

    def right(fid: str) -> tuple[int, str]:
        if source(fid):
            return 0, fid
        if closed(fid):
            return FAR
        best = min((value(caller) for caller in callers(fid)), default=FAR)
        return (best[0] + 1, best[1]) if best != FAR else FAR

    def enter(fid: str, new: tuple[int, str]) -> None:
        if new == FAR:
            out.pop(fid, None)
        else:
            out[fid] = (new[1], new[0])

    queue: list[tuple[tuple[int, str], str]] = []
    wanted: dict[str, tuple[int, str]] = {}

    def look(fid: str) -> None:
        new = right(fid)
        if new == value(fid):
            wanted.pop(fid, None)
            return
        wanted[fid] = new
        heapq.heappush(queue, (min(new, value(fid)), fid))

    def nearer(fid: str, by: tuple[int, str]) -> None:
        """A caller came nearer: only that one has to be looked at."""
        new = by[0] + 1, by[1]
        if new < wanted.get(fid, value(fid)) and not source(fid) and not closed(fid):
            wanted[fid] = new
            heapq.heappush(queue, (new, fid))

    for fid in sorted(set(suspects)):
        look(fid)
    while queue:
        key, fid = heapq.heappop(queue)
        new, old = wanted.get(fid), value(fid)
        if new is None or key != min(new, old):
            continue
        if new < old:
            del wanted[fid]
            enter(fid, new)
            for callee in callees(fid):
                nearer(callee, new)
            continue
        enter(fid, FAR)
        look(fid)
        for callee in callees(fid):
            if wanted.get(callee, value(callee)) == (old[0] + 1, old[1]):  # of others it was not the nearest caller
                look(callee)
    return out


def pack_reach(nearest: Nearest, names: list[str]) -> ReachData:
    """The stored form, by the numbers of all functions of the program."""
    number = {fid: n for n, fid in enumerate(names)}
    doors, distances = array(WIDTH), array(WIDTH)
    for fid in names:
        found = nearest.get(fid)
        doors.append(number[found[0]] + 1 if found is not None else 0)
        distances.append(found[1] if found is not None else 0)
    return ReachData(doors.tobytes(), distances.tobytes())


def unpack_reach(data: ReachData, keys: Numbering) -> Nearest:
    """A table over the stored form; ValueError when it is of another program."""
    doors, distances = numbers_of(data.doors), numbers_of(data.distances)
    if not len(doors) == len(distances) == len(keys.names):
        raise ValueError("doors and functions do not belong together")

    def make(number: int) -> tuple[str, int] | None:
        return (keys.names[doors[number] - 1], distances[number]) if doors[number] else None

    return Table(keys, make, has=lambda number: doors[number] != 0)
