"""Ranges of kernel versions, as data files write them: `>=6.1,<6.8`."""

from __future__ import annotations

import re


def version_matches(version: str, ranges: str) -> bool:
    """Whether a kernel version such as "6.12" lies in comma-separated ranges such as ">=6.1,<6.8".

    Raises ValueError where the ranges cannot be read.
    """
    have = _version(version)
    for part in ranges.split(","):
        match = re.fullmatch(r"\s*(>=|<=|==|<|>)\s*(\d+(?:\.\d+)*)\s*", part)
        if not match:
            raise ValueError(f"{part.strip()!r} is no version range")
        want = _version(match[2])
        now = have[: len(want)] if match[1] in ("<=", "==", ">") else have
        if not {
            ">=": now >= want, "<=": now <= want, "==": now == want, "<": now < want, ">": now > want,
        }[match[1]]:  # fmt: skip
            return False
    return True


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text.split("-")[0])) or (0,)
