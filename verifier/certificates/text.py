"""Terms and literals as text, for readers of certificates."""

from __future__ import annotations

from verifier.verify.steps import Steps
from verifier.verify.terms import Term


def show(term: Term, steps: Steps) -> str:
    """C-like text of a term or literal in a function."""
    op = term[0]
    inner = [show(t, steps) if isinstance(t, tuple) and t else str(t) for t in term[1:]]
    match op:
        case "p":
            return steps.fn.params[term[1]].name if term[1] < len(steps.fn.params) else f"arg{term[1]}"
        case "m":
            return f"{show(term[1][1], steps)}->{term[2]}" if term[1][0] == "d" else f"{inner[0]}.{term[2]}"
        case "o":
            return f"({f' {term[1]} '.join(inner[1:])})" if len(term) > 3 else {"neg": "-"}.get(term[1], term[1]) + inner[1]
        case "r":
            called = steps.fn.blocks[term[1]].statements[term[2]]
            return f"{steps.callee(called) or '?'}()#{term[1]}.{term[2]}"
        case "call":
            args = ", ".join({None: "_", "rest": "__"}.get(a) or show(a, steps) for a in term[2])
            return f"{'!' if term[3] else ''}{term[1]}({args})"
        case "cond":
            return "!" * (not term[2]) + inner[0]
        case "returns":
            return f"returns {inner[0]}"
    text = {"cur": "current", "s": '"{0}"', "d": "*{0}", "a": "&{0}", "i": "{0}[{1}]", "k": "container_of({0}, {1})", "u": "?",
            "ret": "result"}.get(op)  # fmt: skip
    return text.format(*inner) if text else ".".join(inner)
