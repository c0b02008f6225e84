"""The tables of docs/grammar.md: every verb, and every word."""

from __future__ import annotations

from pagefault.lang.verbs import VERBS, Verb
from pagefault.lang.words import WORDS

__all__ = ["markdown_table"]

_RETURNS = {"value": "the value read", "status": "0 or a negative errno", "nothing": "nothing"}


def _takes(verb: Verb, group: str, word: str) -> bool:
    return any(word in slot.words for slot in verb.word_slots if slot.group == group)


def markdown_table() -> str:
    """The table of verbs and the table of words in docs/grammar.md."""
    lines = ["| written | does | stands for | a register gets |", "|---|---|---|---|"]
    for verb in VERBS.values():
        written = "<br>".join(f"`{usage}`".replace("|", "\\|") for usage in verb.usages())
        returns = _RETURNS[verb.returns]
        if verb.named is not None and verb.named.side == "result":
            returns = "nothing: a name stands left of the `=`"
        lines.append(f"| {written} | {verb.help} | {verb.call} | {returns} |")
    lines += ["", "| word | of | means |", "|---|---|---|"]
    for group, words in WORDS.items():
        for word, meaning in words.items():
            users = [v.name for v in VERBS.values() if _takes(v, group, word)]
            lines.append(f"| `{word}` | {', '.join(users)} | {meaning} |")
    return "\n".join(lines) + "\n"
