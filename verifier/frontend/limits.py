"""What processes that read files of strangers may use."""

from __future__ import annotations

import resource


def lower(kind: int, most: int) -> None:
    """Let this process use no more than `most` of a resource (resource.RLIMIT_*), nor more than it may already.

    The hard limit of CPU seconds stays as it is, because the seconds that are left are set anew for each unit.
    """
    hard = resource.getrlimit(kind)[1]
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (soft, hard if kind == resource.RLIMIT_CPU else soft))
