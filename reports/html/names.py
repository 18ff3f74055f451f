"""File names of pages, safe on every file system whatever the thing is called."""

from __future__ import annotations

import hashlib
import re

_UNSAFE = re.compile(r"[^0-9A-Za-z_.]+")
_LONGEST = 60


def href(root: str, page: str) -> str:
    """A link to a page of the report from where `root` leads to its top; addresses elsewhere stay as they are."""
    return page if page.startswith(("https://", "http://")) else root + page


def page(folder: str, name: str) -> str:
    """`hooks/security_inode_unlink-0f3a52c1.html`: a readable stem, and a digest because systems that fold case, or
    names that differ only in what was replaced, would make two things one file."""
    stem = _UNSAFE.sub("-", name.rpartition("/")[2]).strip("-.")[-_LONGEST:] or "x"
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{folder}/{stem}-{digest}.html"
