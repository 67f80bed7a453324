"""Makes foreign text safe for terminals."""

from __future__ import annotations

import unicodedata

_SHORT = {"\n": "\\n", "\r": "\\r"}

_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""What a terminal obeys or does not show: control characters, and characters that change the writing direction. Also
halves of surrogate pairs, which cannot be encoded."""


def printable(text: str) -> str:
    """Makes a text such as a path or a label safe to print: on one line, with escapes for everything that a terminal obeys."""
    if text.isprintable():
        return text
    return "".join(_escaped(letter) if _is_hidden(letter) else letter for letter in text)


def _is_hidden(letter: str) -> bool:
    return letter != "\t" and unicodedata.category(letter) in _HIDDEN


def _escaped(letter: str) -> str:
    """As in JSON: a character of two code units becomes two escapes."""
    units = letter.encode("utf-16-be", "surrogatepass")
    halves = (int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2))
    return _SHORT.get(letter) or "".join(f"\\u{half:04x}" for half in halves)
