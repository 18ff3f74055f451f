"""What the link tables and doors say of how a function is entered."""

from __future__ import annotations

from verifier.verify.clauses import Literal, covers
from verifier.verify.steps import Lemma, Steps
from verifier.verify.terms import UNKNOWN, ZERO, substitute
from verifier.verify.world import World


def call_sites(world: World, fid: str) -> list[tuple[str, int, int]]:
    """Every call that can reach a function, by the link tables; none where one of them cannot be named."""
    out: set[tuple[str, int, int]] = set()
    held = set(world.program.slots_of(fid))
    for caller in {*world.program.callers.get(fid, ()), *(f for slot in held for f in world.program.slot_callers.get(slot, ()))}:
        steps = Steps(world, caller)
        unseen = held.intersection(steps.index.slot_names())
        for b, i, s in [(b, i, s) for b, x in enumerate(steps.fn.blocks) for i, s in enumerate(x.statements) if s[0] == "call"]:
            name = steps.callee(s)
            through = held.intersection(steps.slots(s[-1])) if name is None else set()
            unseen -= through
            if through or (name and world.program.resolve(steps.unit, name) == fid):
                out.add((caller, b, i))
        if unseen:
            return []
    return sorted(out)


def unreached(world: World, fid: str, subject: str) -> bool:
    """Whether no door of the rule's subjects leads to a function, by the tables of doors, nor to one that calls it: the
    tables end at functions that run for nobody, but these may also be called by name."""
    seen = {fid}
    work = [fid]
    while work:
        f = work.pop()
        if world.doors.nearest.get(f) is not None or (subject == "any" and world.doors.other.get(f) is not None):
            return False
        door = world.doors.entries.get(f)
        slots = world.program.slots_of(f) if door is None or door.subject != "none" else ()
        callers = {*world.program.callers.get(f, ()), *(c for slot in slots for c in world.program.slot_callers.get(slot, ()))}
        work += callers - seen
        seen |= callers
    return True


def is_door(world: World, fid: str, subject: str) -> bool:
    """Whether a function is itself a door that counts for a rule."""
    door = world.doors.entries.get(fid)
    return door is not None and (door.subject == "user" or (door.subject != "none" and subject == "any"))


def declared(world: World, fid: str, literal: Literal) -> bool:
    """Whether every table entry that holds the function declares what a literal asks for, and nobody calls the function
    but through these tables."""
    check = world.pack.check(literal[1]) if literal[0] == "call" and not literal[3] and literal[2] else None
    if check is None or literal[2][0] is None or literal[2][0][0] != "c":
        return False
    held = [slot for slot in check.slots if slot in world.program.slots_of(fid)]
    places = [dict(t.constants) for slot in held for t in world.program.targets(slot) if t.fid == fid]
    # an entry without any number is a copy that a dispatcher makes of one that stands here, too
    flags = [entry.get(check.member, 0) for entry in places if entry]
    return bool(flags) and all(f & literal[2][0][1] == literal[2][0][1] for f in flags) and not world.program.callers.get(fid)


def openers_of(world: World, fid: str) -> list[str]:
    """The functions that open the tables of a function; none where one of them does not come before all use."""
    found = world.program.openers(fid)
    return [opener for _, opener in found] if all(slot in world.pack.opened for slot, _ in found) else []


def opened(world: World, fid: str, literal: Literal, lemma: Lemma) -> bool:
    """Whether what a table's opening function guarantees is the literal, in this function's parameters: those of its own,
    by types of pointers where these are unambiguous."""
    own, types = ([p.type for p in world.body(f).params] for f in (fid, lemma[0]))
    args = [("p", own.index(t)) if t[:4] == "ptr:" and own.count(t) == types.count(t) == 1 else UNKNOWN for t in types]
    guaranteed = substitute(lemma[2], args)
    return bool(lemma[1] & ZERO) and not lemma[3] and covers(guaranteed, literal, world.pack)
