"""The files of a tree and its build directory: names, contents (with an overlay), content hashes."""

from __future__ import annotations

import hashlib
import os
import re

from verifier.frontend.flags import digest

_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f])")


def spelled(path: str) -> str:
    """A path as text that every format can hold: bytes that are no UTF-8 become `\\xff`."""
    return path if path.isprintable() else os.fsencode(path).decode("utf-8", "backslashreplace")


def unspelled(text: str) -> str:
    """The path that `spelled` made the text from."""
    return os.fsdecode(_ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), os.fsencode(text)))


class Sources:
    """Files by the name that reports use: relative to the tree, or to the build directory for generated ones.

    `overlay` holds new contents by name, `beside` further folders by the name that their files begin with.  Each file is
    hashed at most once.
    """

    def __init__(
        self, root: str, build: str | None, overlay: dict[str, bytes] | None = None, beside: dict[str, str] | None = None
    ) -> None:
        self.root = os.path.normpath(root)
        self.build = os.path.normpath(build) if build else self.root
        self.overlay = overlay or {}
        self.beside = {name: os.path.normpath(folder) for name, folder in (beside or {}).items()}
        self._hashes: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def name(self, path: str) -> str:
        """The name of a path as the compiler gives it."""
        found = self._names.get(path)
        if found is None:
            found = os.path.normpath(path)
            for name, top in (("", self.root), ("", self.build), *self.beside.items()):
                if found.startswith(top + os.sep):
                    found = os.path.join(name, found[len(top) + 1 :])
                    break
            found = spelled(found)
            self._names[path] = found
        return found

    def path(self, name: str) -> str:
        """The place of a file by its name."""
        if os.path.isabs(name):
            return name
        first, _, rest = name.partition("/")
        if first in self.beside:
            return os.path.join(self.beside[first], rest)
        path = os.path.join(self.root, name)
        if name in self.overlay:
            return path  # of the tree, even where it is new
        if os.path.exists(path):
            return path
        if self.build != self.root:
            path = os.path.join(self.build, name)
        return path if os.path.exists(path) else unspelled(path)

    def read(self, path: str) -> bytes:
        """Contents by path; OSError if there is none."""
        if self.overlay:
            name = self.name(path)
            if name in self.overlay:
                return self.overlay[name]
        with open(path if os.path.exists(path) else unspelled(path), "rb") as file:
            return file.read()

    def read_name(self, name: str) -> bytes:
        """Contents by name, b"" where there is no such file."""
        try:
            return self.read(self.path(name))
        except OSError:
            return b""

    def hash(self, name: str) -> str:
        """Hash of the contents; "absent" where there is no such file."""
        found = self._hashes.get(name)
        if found is None:
            try:
                found = hashlib.blake2b(self.read(self.path(name)), digest_size=16).hexdigest()
            except OSError:
                found = "absent"
            self._hashes[name] = found
        return found

    def key(self, name: str, dependencies: list[str]) -> str:
        """One key for a name and the present contents of these files."""
        return digest(name, [(d, self.hash(d)) for d in dependencies])

    def unsaved(self) -> dict[str, bytes]:
        """The overlay by path, as libclang takes it."""
        return {self.path(name): data for name, data in self.overlay.items()}
