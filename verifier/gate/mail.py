"""Patches as they arrive: a bare diff, a mail of `git format-patch`, or a mailbox with a series.

A mail's body may be quoted-printable or base64 (RFC 2045); the standard library's reader decodes it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from verifier.errors import KqualError

if TYPE_CHECKING:
    from email.message import Message

MOST_MAILS = 1000
_FROM_LINE = re.compile(rb"^From \S+ +\w{3} \w{3} .*\d{4}\r?\n(?=[A-Za-z-]+:)", re.MULTILINE)
_HEADERS = re.compile(rb"\A(?:From \S+.*\r?\n)?(?:[A-Za-z][A-Za-z0-9-]*:.*\r?\n(?:[ \t].*\r?\n)*)+\r?\n")


class Piece(NamedTuple):
    """One patch of a series: its subject ("" for a bare diff) and its diff, with whatever prose is around it."""

    subject: str
    diff: bytes


def pieces(text: bytes) -> list[Piece]:
    """The patches of a text in order; mails without a diff (cover letters) are left out."""
    starts = [m.start() for m in _FROM_LINE.finditer(text)]
    if not starts or starts[0] != 0:
        if not _is_mail(text):
            return [Piece("", text)]
        starts = [0, *starts]
    if len(starts) > MOST_MAILS:
        raise KqualError(f"the mailbox holds {len(starts)} mails, more than {MOST_MAILS}", "split it")
    mails = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    found = [_piece(mail) for mail in mails]
    return [p for p in found if has_diff(p.diff)] or found[:1]


def has_diff(text: bytes) -> bool:
    """Whether a text holds the beginning of a diff."""
    return re.search(rb"^(diff --git |--- .*\r?\n\+\+\+ )", text, re.MULTILINE) is not None


def _is_mail(text: bytes) -> bool:
    headers = _HEADERS.match(text)
    return headers is not None and re.search(rb"^(Subject|From|Date):", headers[0], re.MULTILINE | re.IGNORECASE) is not None


def _piece(mail: bytes) -> Piece:
    from email import message_from_bytes, policy  # a bare diff needs nothing of this

    body = mail.split(b"\n", 1)[1] if mail.startswith(b"From ") else mail
    message = message_from_bytes(body, policy=policy.compat32)
    parts = [_decoded(part) for part in message.walk() if not part.is_multipart()]
    subject = "".join(
        part.decode(coding or "ascii", "replace") if isinstance(part, bytes) else part
        for part, coding in _words(message.get("Subject", ""))
    )
    return Piece(" ".join(subject.split()), b"\n".join(parts))


def _words(subject: object) -> list[tuple[bytes | str, str | None]]:
    """The encoded words of a subject; codings that Python does not know are read as ASCII."""
    from email.errors import HeaderParseError
    from email.header import decode_header

    try:
        words = decode_header(str(subject))
    except HeaderParseError:
        return [(str(subject), None)]
    return [(word, coding if coding and _known(coding) else None) for word, coding in words]


def _known(coding: str) -> bool:
    try:
        return bool(b"".decode(coding) == "")
    except LookupError:
        return False


def _decoded(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""
