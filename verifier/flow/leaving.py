"""What leaves each block of a solved function: facts appear on the edge where a check's result says "allowed", and so
the states behind a block differ from edge to edge."""

from __future__ import annotations

from verifier.flow.solver import Solver
from verifier.flow.state import State
from verifier.flow.values import Value

OUT = -1  # the target of edges that leave the function


class LeavingSolver(Solver):
    """A solver that can be asked, once it has run, for the facts on each edge."""

    _seen: dict[tuple[int, int], list[frozenset[Value]]] | None = None

    def leaving(self) -> dict[tuple[int, int], list[frozenset[Value]]]:
        """The facts of every state that takes an edge (from, to), by edge.  One pass over the states of the fixpoint."""
        self._seen = {}
        for number, table in enumerate(self.table):
            for state in list(table.values()):
                self._block(number, state.copy())
        found, self._seen = self._seen, None
        return found

    def _arrive(self, source: int, target: int, state: State) -> None:
        if self._seen is None:
            super()._arrive(source, target, state)
        else:
            self._seen.setdefault((source, target), []).append(state.facts)

    def _exit(self, number: int, state: State, value: Value | None, line: int) -> None:
        if self._seen is None:
            super()._exit(number, state, value, line)
        else:
            self._seen.setdefault((number, OUT), []).append(state.facts)
