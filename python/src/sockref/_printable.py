"""Text of foreign origin, for terminals."""

from __future__ import annotations

import unicodedata

_SHORT = {"\n": "\\n", "\r": "\\r"}

_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""What a terminal obeys or does not show: control characters, and those that change the direction of writing; and
halves of letters, which cannot be written at all."""


def printable(text: str) -> str:
    """A text such as a path or a label: on one line, and with escapes for whatever a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(_escaped(letter) if _is_hidden(letter) else letter for letter in text)


def _is_hidden(letter: str) -> bool:
    return letter != "\t" and unicodedata.category(letter) in _HIDDEN


def _escaped(letter: str) -> str:
    """As JSON writes it: an escape for each half of what has two."""
    units = letter.encode("utf-16-be", "surrogatepass")
    halves = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return _SHORT.get(letter) or "".join(f"\\u{half:04x}" for half in halves)
