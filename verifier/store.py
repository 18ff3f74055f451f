"""The store: values by kind and key in one SQLite file.

It holds the IR of translation units, summaries and results.  Every value is checked when it is read, every batch is
one transaction: a killed run loses at most the batch that it was writing.  A file that cannot be used (damaged, of
another format, of another version, not a store at all) is moved aside under a new name and a fresh one is begun;
`notices` says so.

Write from one process: workers hand their results to the parent, which writes them in batches with `put_many`.
Several runs may still share one file; writers wait for each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from verifier import __version__
from verifier.errors import StoreError

FORMAT = 1
APPLICATION = 0x6B71756C  # "kqul": tells our files from other SQLite files
SMALL = 256  # values up to this many bytes are kept as they are
BUSY_SECONDS = 60.0
CHUNK = 400  # keys in one SELECT; SQLite allows 999 variables in its oldest builds

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE entry (
    kind TEXT NOT NULL, key TEXT NOT NULL, packed INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (kind, key)
);
"""

Result = TypeVar("Result")


class _Unusable(Exception):
    """The file is there and cannot be used; the text says why."""


def cache_root() -> Path:
    """The folder for kqual's work files: $XDG_CACHE_HOME/kqual, else ~/.cache/kqual."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "kqual"


def default_path(tree: str | os.PathLike, configuration: str = "") -> Path:
    """Where the store of a tree in a configuration is kept when --store does not say: one file for each pair."""
    real = os.path.realpath(tree)
    digest = hashlib.sha256(f"{real}\0{configuration}".encode("utf-8", "surrogateescape")).hexdigest()[:12]
    name = os.path.basename(real) or "root"
    return cache_root() / f"{name}-{digest}" / "store.sqlite"


class Store:
    """One open store.  Use `Store.open`; it is a context manager."""

    def __init__(self, path: Path, readonly: bool, say: Callable[[str], None] | None) -> None:
        self.path = path
        self.readonly = readonly
        self.notices: list[str] = []
        self._say = say
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inherited: list[sqlite3.Connection] = []
        self._pid = os.getpid()
        self._inode = -1

    @classmethod
    def open(
        cls, path: str | os.PathLike, readonly: bool = False, say: Callable[[str], None] | None = None
    ) -> Store:
        """Open the store at `path`, made with its folders when absent.

        `say` is called with each notice (a file moved aside, a value dropped); they are kept in `notices` too.
        Raises StoreError when the place cannot be used, or, with `readonly`, when there is no sound store there.
        """
        store = cls(Path(path), readonly, say)
        with store._lock:
            store._connect()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        with self._lock:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    # Values

    def get(self, kind: str, key: str) -> bytes | None:
        """The value of `key`, or None when there is none or it is damaged (it is dropped then, with a notice)."""
        return self.get_many(kind, [key]).get(key)

    def get_many(self, kind: str, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of those `keys` that have a sound one, in the order of `keys`."""
        wanted = list(keys)
        found: dict[str, bytes] = {}
        damaged: list[str] = []
        for start in range(0, len(wanted), CHUNK):
            chunk = wanted[start : start + CHUNK]
            marks = ",".join("?" * len(chunk))
            query = f"SELECT key, packed, crc, data FROM entry WHERE kind = ? AND key IN ({marks})"
            for key, packed, crc, data in self._run(lambda c, q=query, k=chunk: c.execute(q, [kind, *k]).fetchall(), []):
                value = _unpack(packed, crc, data)
                if value is None:
                    damaged.append(key)
                else:
                    found[key] = value
        for key in sorted(damaged):
            self._notice(f"{self.path}: the stored {kind} {key} is damaged; it will be computed again")
            if not self.readonly:
                self.delete(kind, key)
        return {key: found[key] for key in wanted if key in found}

    def items(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """All sound values of a kind with their keys, by key; read in chunks, so that memory stays small."""
        keys = self.keys(kind)
        for start in range(0, len(keys), CHUNK):
            yield from self.get_many(kind, keys[start : start + CHUNK]).items()

    def put(self, kind: str, key: str, data: bytes) -> None:
        """Store one value in a transaction of its own; for more than a few use `put_many`."""
        self.put_many(kind, [(key, data)])

    def put_many(self, kind: str, items: Iterable[tuple[str, bytes]]) -> None:
        """Store all (key, value) pairs in one transaction: after a crash all of them are there or none.

        Raises StoreError when the disk is full or the store read-only.
        """
        rows = [(kind, key, *_pack(data)) for key, data in items]
        self._write(lambda c: c.executemany("INSERT OR REPLACE INTO entry VALUES (?, ?, ?, ?, ?)", rows))

    def keys(self, kind: str, prefix: str = "") -> list[str]:
        """The keys of a kind that begin with `prefix`, sorted."""
        query = "SELECT key FROM entry WHERE kind = ? AND key >= ? AND key < ? ORDER BY key"
        span = [kind, prefix, prefix + "\U0010ffff"]
        return [key for (key,) in self._run(lambda c: c.execute(query, span).fetchall(), [])]

    def count(self, kind: str) -> int:
        """How many values a kind has."""
        query = "SELECT count(*) FROM entry WHERE kind = ?"
        return self._run(lambda c: c.execute(query, [kind]).fetchone()[0], 0)

    def sizes(self) -> dict[str, tuple[int, int]]:
        """For each kind, sorted: how many values, and how many bytes they take in the file."""
        query = "SELECT kind, count(*), sum(length(data)) FROM entry GROUP BY kind ORDER BY kind"
        return {kind: (count, size) for kind, count, size in self._run(lambda c: c.execute(query).fetchall(), [])}

    def compact(self) -> None:
        """Give the space of deleted values back to the file system; needs as much free space as the file will have."""
        with self._lock:
            try:
                self._connect().execute("VACUUM")
                self._connect().execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                raise self._cannot("compact", error) from error

    def copy_to(self, path: str | os.PathLike) -> None:
        """Write a compact copy of the store into a new file, whole or not at all; replaces one that is there."""
        target = Path(path)
        beside = target.with_name(f".{target.name}.{os.getpid()}.new")
        try:
            beside.unlink(missing_ok=True)
            with self._lock:
                self._connect().execute("VACUUM INTO ?", [os.fspath(beside)])
            for suffix in ("-wal", "-shm"):
                target.with_name(target.name + suffix).unlink(missing_ok=True)
            os.replace(beside, target)
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise StoreError(f"cannot copy the store {self.path} to {target}: {reason}", "name another place") from error
        finally:
            beside.unlink(missing_ok=True)

    def delete(self, kind: str, key: str) -> None:
        """Forget one value; nothing happens when there is none."""
        self._write(lambda c: c.execute("DELETE FROM entry WHERE kind = ? AND key = ?", [kind, key]))

    def prune(self, kind: str, keep: Iterable[str]) -> int:
        """Forget the values of a kind whose key is not in `keep`; returns how many."""
        gone = sorted(set(self.keys(kind)) - set(keep))
        if gone:
            pairs = [(kind, key) for key in gone]
            self._write(lambda c: c.executemany("DELETE FROM entry WHERE kind = ? AND key = ?", pairs))
        return len(gone)

    def clear(self, kind: str) -> None:
        """Forget all values of a kind."""
        self._write(lambda c: c.execute("DELETE FROM entry WHERE kind = ?", [kind]))

    def meta(self, key: str) -> str | None:
        """A property of the whole store (`tree`, `configuration`, ...), or None."""
        row = self._run(lambda c: c.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone(), None)
        return row[0] if row else None

    def set_meta(self, key: str, value: str) -> None:
        """Set a property of the whole store."""
        self._write(lambda c: c.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value]))

    # Below: connections and trouble

    def _notice(self, text: str) -> None:
        self.notices.append(text)
        if self._say is not None:
            self._say(text)

    def _connect(self) -> sqlite3.Connection:
        """The connection of this process; a forked child opens its own, as SQLite demands."""
        if self._pid != os.getpid():
            if self._connection is not None:
                self._inherited.append(self._connection)  # never closed here: it belongs to the parent
            self._connection, self._pid = None, os.getpid()
        if self._connection is None:
            if self.readonly:
                self._connection = self._open_readonly()
            else:
                with self._alone():
                    self._connection = self._open_or_begin_again()
        return self._connection

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from making or replacing the file at the same moment: a lock on its folder."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            folder = os.open(self.path.parent, os.O_RDONLY)
        except OSError as error:
            raise self._cannot("use", error) from error
        try:
            with suppress(OSError):  # a file system without locks: then the processes are on their own
                fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _open_or_begin_again(self) -> sqlite3.Connection:
        try:
            return self._open_file()
        except _Unusable as why:
            return self._begin_again(str(why))

    def _open_file(self) -> sqlite3.Connection:
        """Open the file for writing, made when absent; raises _Unusable when it is no sound store."""
        try:
            if self.path.exists() and not self.path.is_file():
                raise StoreError(f"{self.path} is not a file", "name a file with --store FILE")
            if not self.path.exists() or self.path.stat().st_size == 0:
                self._create()
            if not os.access(self.path, os.W_OK) or not os.access(self.path.parent, os.W_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise self._cannot("use", error) from error
        connection = self._attach(f"{self.path.absolute().as_uri()}?mode=rw")
        try:
            self._examine(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._inode = self.path.stat().st_ino
        except sqlite3.DatabaseError as error:
            connection.close()
            raise self._translate(error) from error
        except OSError as error:
            connection.close()
            raise self._cannot("use", error) from error
        except _Unusable:
            connection.close()
            raise
        return connection

    def _open_readonly(self) -> sqlite3.Connection:
        if not self.path.is_file():
            raise StoreError(f"no store at {self.path}", "run `kqual scan TREE` first, or name the store with --store FILE")
        uri = self.path.absolute().as_uri()
        # On a read-only medium SQLite cannot make the shared-memory file of the write-ahead log; without one the
        # file does not change and may be opened as immutable.
        ways = [f"{uri}?mode=ro", f"{uri}?mode=ro&immutable=1"]
        for way in ways:
            connection = self._attach(way)
            try:
                self._examine(connection)
                return connection
            except sqlite3.OperationalError as error:
                connection.close()
                if way == ways[-1]:
                    raise self._cannot("read", error) from error
            except (sqlite3.DatabaseError, _Unusable) as error:
                connection.close()
                raise StoreError(f"the store {self.path} cannot be read: {error}",
                                 "run `kqual scan TREE` to build it again") from error
        raise AssertionError("unreachable")

    def _attach(self, uri: str) -> sqlite3.Connection:
        try:
            return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise self._cannot("open", error) from error

    def _create(self) -> None:
        """Put a fresh store in place: made beside, then renamed, so that a killed run leaves no half of one."""
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.new")
        try:
            beside.unlink(missing_ok=True)
            connection = self._attach(f"{beside.absolute().as_uri()}?mode=rwc")
            try:
                for statement in SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute("INSERT INTO meta VALUES ('tool', ?)", [__version__])
                connection.execute(f"PRAGMA application_id = {APPLICATION}")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            finally:
                connection.close()
            for suffix in ("-wal", "-shm"):  # of an earlier file of this name: they would be replayed into the new one
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            os.replace(beside, self.path)
        except (sqlite3.Error, OSError) as error:
            raise self._cannot("write", error) from error
        finally:
            beside.unlink(missing_ok=True)

    def _examine(self, connection: sqlite3.Connection) -> None:
        """Raise _Unusable unless the file is a store of this format and version."""
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
            raise _Unusable("it is not a kqual store")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != FORMAT:
            raise _Unusable(f"it has format {version}, this kqual reads format {FORMAT}")
        tool = connection.execute("SELECT value FROM meta WHERE key = 'tool'").fetchone()
        if tool is None or tool[0] != __version__:
            raise _Unusable(f"it was written by kqual {tool[0] if tool else '(unknown)'}, this is {__version__}")
        connection.execute("SELECT kind, key, packed, crc FROM entry LIMIT 1").fetchone()

    def _begin_again(self, why: str) -> sqlite3.Connection:
        """Move the file aside under the first free name, say so, and begin a fresh store."""
        if self.readonly:
            raise StoreError(f"the store {self.path} cannot be read: {why}", "run `kqual scan TREE` to build it again")
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.unusable-{number}")).exists():
            number += 1
        try:
            os.replace(self.path, aside)
        except OSError as error:
            raise self._cannot("replace", error) from error
        self._notice(f"{self.path} cannot be used ({why}); kept as {aside.name}, building a new one")
        return self._open_file()

    def _write(self, action: Callable[[sqlite3.Connection], Any]) -> None:
        if self.readonly:
            raise StoreError(f"the store {self.path} is open for reading only", "name another one with --store FILE")

        def transaction(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            try:
                action(connection)
                connection.execute("COMMIT")
            except BaseException:  # Ctrl-C too: leave no transaction open behind
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

        with self._lock:
            for attempt in (1, 2):
                try:
                    return transaction(self._connect())
                except sqlite3.DatabaseError as error:
                    self._recover(error, again=attempt == 1)

    def _run(self, query: Callable[[sqlite3.Connection], Result], absent: Result) -> Result:
        """The query's result; `absent` when the file turned out to be damaged and was replaced by an empty one."""
        with self._lock:
            try:
                return query(self._connect())
            except sqlite3.DatabaseError as error:
                self._recover(error, again=True)
                return absent

    def _recover(self, error: sqlite3.DatabaseError, again: bool) -> None:
        """Put a fresh store in place of a damaged one, or raise StoreError for any other trouble."""
        trouble = self._translate(error)
        if not isinstance(trouble, _Unusable) or not again:
            raise (trouble if isinstance(trouble, StoreError) else self._cannot("use", error)) from error
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        with self._alone():
            # Another process may have put a fresh store in place already; that one is used, not replaced.
            replaced = self.path.exists() and self.path.stat().st_ino != self._inode
            self._connection = self._open_or_begin_again() if replaced else self._begin_again(str(trouble))

    def _translate(self, error: sqlite3.DatabaseError) -> StoreError | _Unusable:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        schema_lost = code == sqlite3.SQLITE_ERROR and any(word in str(error) for word in ("no such", "unsupported file format"))
        no_text = "Could not decode" in str(error)  # raised by the module itself, without a code
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or schema_lost or no_text:
            return _Unusable(f"it is damaged: {error}")
        return self._cannot("use", error)

    def _cannot(self, verb: str, error: Exception) -> StoreError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = "name another place with --store FILE"
        if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in (28, 122):
            hint = "free some space, or put the store on another disk with --store FILE; what was stored is kept"
        elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            hint = "wait for the other kqual that uses it, or name another place with --store FILE"
        return StoreError(f"cannot {verb} the store {self.path}: {reason}", hint)


def _pack(data: bytes) -> tuple[int, int, bytes]:
    """(compressed?, checksum of the stored bytes, stored bytes)."""
    stored = zlib.compress(data, 1) if len(data) > SMALL else data
    packed = len(stored) < len(data)
    if not packed:
        stored = data
    return int(packed), zlib.crc32(stored), stored


def _unpack(packed: int, crc: int, stored: Any) -> bytes | None:
    """Inverse of `_pack`; None when the checksum does not fit."""
    if not isinstance(stored, bytes) or zlib.crc32(stored) != crc:
        return None
    if not packed:
        return stored
    try:
        return zlib.decompress(stored)
    except zlib.error:
        return None
