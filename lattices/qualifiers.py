"""The lattice that obligations move along, read from `linux/hooks.lattice` and compiled to integers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lattices.cqual import load
from lattices.order import Code, OrderError

FILE = Path(__file__).parent / "linux" / "hooks.lattice"


@cache
def order_of(name: str, file: Path = FILE) -> Code:
    """The order of a lattice file that has the qualifier `name`, as integers whose join is `|`.

    Raises LatticeError for a file that cannot be read, OrderError for one without that qualifier and for an order in
    which joins do not always exist.
    """
    for block in load(file).orders:
        if block.qualifier(name) is not None:
            code = Code(block.order)
            if not code.bitwise:
                raise OrderError(f"{file}: the order of {name} is no distributive lattice")
            return code
    raise OrderError(f"{file}: no order has {name}")
