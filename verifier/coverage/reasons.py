"""Why a site protects nothing that is known, as precisely as the base can tell: rules are written from it."""

from __future__ import annotations

from verifier.coverage.inside import dropped
from verifier.coverage.judge import FAR, Judge
from verifier.coverage.sites import Site
from verifier.findings import DECIDES_NOTHING, FOR_NOBODY, ONLY_TELLS
from verifier.program.link import Program

MOST_NAMED = 4


def explain(judge: Judge, site: Site) -> str:
    """One sentence; the first that holds of: decides nothing, not reached, not asked for, no operation, met anyhow."""
    base, asks = judge.base, judge.asks
    record = base.pack.check(site.check)
    if record is not None and record.allow == "none":
        return DECIDES_NOTHING + (f": {record.reason}" if record.reason else "")
    if site.family == "capability" and site.function in base.pack.idle:
        return f"{DECIDES_NOTHING}: " + base.pack.idle[site.function]
    result = base.results.get(site.fid)
    if result is None:
        return "its function was not analysed"
    ignored = [s for s in result.shapes if s.check == site.check and s.line == site.line]
    if ignored:
        return f"its result decides nothing: {ignored[0].note}"
    if dropped(base, site):
        if record is not None and record.writes:
            return f"{ONLY_TELLS}: only what {site.check} gives back is looked at"
        return f"its result decides nothing: the result of {site.check} is dropped"
    if not judge.reached.get(site, True):
        return "no path of its function that the analysis follows reaches the call" + (f" ({result.cut})" if result.cut else "")
    asking = asks.asking(site.check)
    if not asking:
        return f"no rule asks for {site.check}"
    door = base.doors.entries.get(site.fid)
    if door is not None and door.subject == "none":
        return f"{FOR_NOBODY}: {door.reason}"
    rules = sorted({rule for rule, _ in asking})
    cold = judge.alone(site).cold
    if cold:
        return f"opens {_some([str(f) for f in cold])}, but no door with a subject that the rule is about reaches it"
    if site.fid not in base.doors.nearest and site.fid not in base.doors.other:
        return f"no door reaches {site.function}"
    own = [(rule, line, is_open) for rule in rules for fid, line, is_open in asks.performed.get(rule, ()) if fid == site.fid]
    if own:
        return _in_own_function(judge, site, own)
    wanted = set(rules)
    met = sorted({(d.key[0], d.key[2], d.line) for d in result.discharges if d.key[0] in wanted})
    if met:
        what = _some([f"{rule} @ {sink}" for rule, sink, _ in met])
        return f"{what}, called from here, stays met without it: another check, a condition or an exemption of the rule holds"
    left = sorted({(r.rule, r.sink.function) for r in (*result.summary.requires, *result.closed) if r.rule in wanted})
    if left:
        what = _some([f"{rule} @ {sink}" for rule, sink in left])
        return f"{what}, called from here, is open all the same: the check is about another object, comes later, or not on every path"
    found = judge.operations(site)
    if found:
        places = _some(_unique(f"{rule} @ {_name(base.program, fid)}" for _, fid, rule in found))
        return f"operations that need it are near ({places}), but it is not on a resolved way to them or they ask it of another object"
    matched = sorted({(rule, fid) for rule in rules for fid, _, _ in asks.performed.get(rule, ())})
    if matched:
        places = _some(_unique(f"{rule} @ {_name(base.program, fid)}" for rule, fid in matched))
        return f"no operation that needs it in this function, its callers or callees ({FAR} calls); elsewhere: {places}"
    return f"rules that ask for it match no operation of this program: {_some(rules)}"


def _in_own_function(judge: Judge, site: Site, own: list[tuple[str, int, bool]]) -> str:
    places = _some(_unique(f"{rule} at line {line}" for rule, line, is_open in own if not is_open))
    if places:
        return f"{places} in this function stays met without it: another check, a condition or an exemption of the rule holds"
    places = _some(_unique(f"{rule} at line {line}" for rule, line, _ in own))
    after = all(line < site.line for _, line, _ in own)
    why = "the call comes after it" if after else "the check is about another object, or not on every path to it"
    return f"{places} in this function is open in spite of it: {why}"


def _name(program: Program, fid: str) -> str:
    return program.functions[fid].index.name if fid in program.functions else fid


def _unique(items: object) -> list[str]:
    return list(dict.fromkeys(items))  # type: ignore[call-overload]


def _some(items: list[str]) -> str:
    shown = ", ".join(items[:MOST_NAMED])
    return shown + (f" and {len(items) - MOST_NAMED} more" if len(items) > MOST_NAMED else "")
