"""From effects to a site's status: load-bearing, redundant with a named other site, or unexplained."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from verifier.coverage.asks import Asks
from verifier.coverage.difference import Effect, Flip, effect
from verifier.coverage.inside import protected
from verifier.coverage.removal import Remover, TooFar
from verifier.coverage.sites import Site
from verifier.findings import CheckPlace
from verifier.findings import Site as Shown
from verifier.flow.values import SITE_BITS
from verifier.ir.dominance import dominates, dominators
from verifier.program.analyse import Analysis
from verifier.program.frontier import Frontier, Node
from verifier.program.opened import openers

MOST_PROTECTED = 20
# Other sites that are tried together with one: so many, in functions so many calls up or down, none of them in a
# function with more callers than that (a check that half of the kernel calls says nothing of this place).
MOST_PARTNERS, CALLS, MOST_CALLERS = 8, 2, 12
FAR = 3  # calls between a site and an operation that is looked for around it


class Judge:
    """Removes sites from one base and judges them; `effects` are those of single sites that are known already."""

    def __init__(self, base: Analysis, frontier: Frontier, sites: Sequence[Site], asks: Asks) -> None:
        self.base = base
        self.frontier = frontier
        self.asks = asks
        self.remover = Remover(base.program, base.bodies, base.pack, frontier)
        self.effects: dict[Site, Effect] = {}
        self.reached: dict[Site, bool] = {}
        self.unsteady: dict[str, set[Node]] = {}
        self.together: dict[tuple[Site, frozenset[Site]], Effect] = {}
        self._steps: dict[tuple[bool, str], list[str]] = {}
        self._openers = openers(base.program)
        self.here: dict[str, list[Site]] = {}
        for site in sites:
            self.here.setdefault(site.fid, []).append(site)

    def alone(self, site: Site) -> Effect:
        """The effect of removing one site."""
        found = self.effects.get(site)
        if found is None:
            if self.asks.grants(site.check) & self.remover.book.predicates:
                found = self._remove([site])
                self.reached[site] = (site.fid, site.block << SITE_BITS | site.index) in self.remover.met
            else:  # no rule speaks of anything that it grants, so no state of any function can depend on it
                found, self.reached[site] = Effect(set(), set(), [], [], 0), True
            self.effects[site] = found
        return found

    def joint(self, site: Site, sites: Sequence[Site], around: Container[str]) -> Effect:
        """The effect of removing several sites at once on the functions `around` one."""
        key = (site, frozenset(sites))
        if key not in self.together:
            self.together[key] = self._remove(sorted(sites), around)
        return self.together[key]

    def _remove(self, sites: Sequence[Site], within: Container[str] | None = None) -> Effect:
        layer = self.remover.without(sites, within=within)
        met = self.remover.met
        found = effect(self.frontier, layer)
        if found.fresh:
            noise = set().union(*(self._noise(fid) for fid in sorted({s.fid for s in sites})))
            if noise & found.fresh:
                found = effect(self.frontier, layer, noise)
        self.remover.met = met
        return found

    def _noise(self, fid: str) -> set[Node]:
        """What opens when a function is analysed once more with nothing removed (recursion that was cut off)."""
        if fid not in self.unsteady:
            self.unsteady[fid] = effect(self.frontier, self.remover.again([fid], whole=True)).fresh
        return self.unsteady[fid]

    # --- redundancy ------------------------------------------------------------------------------------------------

    def partner(self, site: Site) -> tuple[Site, list[Flip]] | None:
        """Another site whose removal together with this one opens what neither of them opens alone; None where there is
        none, or where it would take too much of the program to tell."""
        if not self.reached[site] or not self._reached_from_a_door(site.fid) or not self.operations(site):
            return None
        near = self._partner_among(site, self.partners(site))
        if near is not None:
            return near
        common = self.common(site)
        return self._partner_among(site, common, common)

    def _partner_among(self, site: Site, others: Sequence[Site], widely: Sequence[Site] = ()) -> tuple[Site, list[Flip]] | None:
        try:
            return self._partner_of(site, others, self._around(site.fid, widely)) if others else None
        except TooFar:
            return None

    def _partner_of(self, site: Site, others: Sequence[Site], around: Container[str]) -> tuple[Site, list[Flip]] | None:
        together = self.joint(site, [site, *others], around)
        opened = [self.joint(site, [other], around).fresh for other in others] if together.lowest else []
        if not together.lowest - set().union(*opened):
            return None
        for other, without in zip(others, opened, strict=True):
            pair = self.joint(site, [site, other], around)
            if pair.lowest - without:
                return other, self._named(pair, pair.lowest - without)
        more = together.lowest - self.joint(site, others, around).fresh
        return (others[0], self._named(together, more)) if more else None

    def _around(self, fid: str, widely: Sequence[Site] = ()) -> Container[str]:
        """Where a site can make a difference beside others: its function and all that call it, on any way, or use what it
        opened, with what lies between it and its partners.  What they do to the rest of the kernel is not looked at.
        How far up a removal is followed does not matter: a lowest node of two that opens without one of them is a
        lowest one there, too.  Other callers of functions with sites that are called `widely` stay as they are."""
        out, work = {fid}, [fid]
        while work:
            f = work.pop()
            above = [g for g in (*self._step(True, f), *self.remover.opened_by.get(f, ())) if g not in out]
            out.update(above)
            work += above
        out.update(f for _, f in self.near(fid, CALLS))
        return out.difference(*(self.base.program.callers.get(site.fid, ()) for site in widely)) | {fid}

    def _named(self, found: Effect, nodes: set[Node]) -> list[Flip]:
        operations = {(n[0][0], n[0][5], n[0][2]) for n in nodes}
        return [f for f in found.flips if (f.rule, f.operation, f.function) in operations]

    def partners(self, site: Site) -> list[Site]:
        """Sites that could do the work of this one, nearest first: in the same function, those that dominate it
        before others, then in its callees and callers."""
        names = self.asks.alternatives(site.check, {rule for _, _, rule in self.operations(site)})
        found: list[tuple[tuple[int, int, Site], Site]] = []
        body = self.base.bodies.body(self.base.program.functions[site.fid])
        bits = dominators(body.blocks) if body is not None else []
        for distance, fid in self.near(site.fid, CALLS):
            if distance and len(self.base.program.callers.get(fid, ())) > MOST_CALLERS:
                continue
            for other in self.here.get(fid, ()):
                if other == site or not self.asks.grants(other.check) & names:
                    continue
                after = 1
                if not distance:
                    same = other.block == site.block
                    after = int(other.index > site.index if same else not dominates(bits, other.block, site.block))
                found.append(((distance, after, other), other))
        return [other for _, other in sorted(found)][:MOST_PARTNERS]

    def common(self, site: Site) -> list[Site]:
        """Sites of the same check in functions that this one's calls itself, and that many others call, too: tried where
        nearer ones do not do its work, for an operation of its own function."""
        if all(distance for distance, _, _ in self.operations(site)):
            return []
        called = [fid for fid in self._step(False, site.fid) if len(self.base.program.callers.get(fid, ())) > MOST_CALLERS]
        return sorted(other for fid in called for other in self.here.get(fid, ()) if other.check == site.check)[:MOST_PARTNERS]

    def operations(self, site: Site) -> list[tuple[int, str, str]]:
        """Operations of the rules that ask for a site's check, around it: (calls away, function, rule)."""
        rules = sorted({rule for rule, _ in self.asks.asking(site.check)})
        if not any(rule in self.asks.performed for rule in rules):
            return []
        near = {fid: distance for distance, fid in self.near(site.fid, FAR)}
        return sorted({(near[f], f, rule) for rule in rules for f, _, _ in self.asks.performed.get(rule, ()) if f in near})

    def near(self, fid: str, most: int) -> list[tuple[int, str]]:
        """A function with its callees and its callers, and how many calls away they are."""
        out = {fid: 0}
        for up in (False, True):
            level = [fid]
            for distance in range(1, most + 1):
                level = [n for f in level for n in self._step(up, f) if n not in out or out[n] > distance]
                for n in level:
                    out[n] = min(out.get(n, distance), distance)
        return sorted((distance, f) for f, distance in out.items())

    def _step(self, up: bool, fid: str) -> list[str]:
        """Callers or callees, direct ones and those through operations tables; whoever opens a table's object comes
        before its other functions, like a caller."""
        found = self._steps.get((up, fid))
        if found is None:
            program = self.base.program
            if up:
                through = (c for slot in program.slots_of(fid) for c in program.slot_callers.get(slot, ()))
                opening = (opener for _, opener in self._openers.get(fid, ()))
                found = list(dict.fromkeys([*program.callers.get(fid, ()), *through, *opening]))
            else:
                found = list(dict.fromkeys([*self.base.doors.callees(fid), *self.remover.opened_by.get(fid, ())]))
            self._steps[(up, fid)] = found
        return found

    def _reached_from_a_door(self, fid: str) -> bool:
        return fid in self.base.doors.nearest or fid in self.base.doors.other

    # --- the verdict -----------------------------------------------------------------------------------------------

    def judge(self, site: Site, explain: Callable[[Judge, Site], str]) -> Shown:
        """The site as it is reported; `explain` says why a site protects nothing that is known."""
        flips = self.alone(site).flips or protected(self.asks, site)
        status, other, reason = "load-bearing", None, ""
        if not flips:
            found = self.partner(site)
            if found is not None:
                other, flips = found
                status = "redundant"
                reason = "nothing opens without it alone; without both these do: " + _listed(flips)
            else:
                status, reason = "unexplained", explain(self, site)
        else:
            reason = f"without it {len(flips)} obligation{'s' if len(flips) > 1 else ''} would be unmediated"
        return Shown(
            file=site.file, line=site.line, function=site.function, check=site.check, family=site.family,
            service=self.asks.service(site, [f.rule for f in flips]), status=status,
            protects=[str(f) for f in flips[:MOST_PROTECTED]] if status == "load-bearing" else [],
            dominated_by=CheckPlace(file=other.file, line=other.line, check=other.check) if other is not None else None,
            reason=reason,
        )  # fmt: skip


def _listed(flips: list[Flip]) -> str:
    shown = ", ".join(str(f) for f in flips[:3])
    return shown + (f" and {len(flips) - 3} more" if len(flips) > 3 else "")
