"""The closed list: every reason's name, outcome and sentence, read from its C table."""

import functools
import re

from .paths import TOP

SOURCE = TOP / "src" / "token" / "reason.c"

#: The outcomes of DESIGN.md section 2, under the names of the C table.
OUTCOMES = {"OUTCOME_OK": "OK", "OUTCOME_NO_CREDENTIALS": "E1",
            "OUTCOME_INVALID_REQUEST": "E2", "OUTCOME_INVALID_TOKEN": "E3",
            "OUTCOME_INSUFFICIENT_SCOPE": "E4", "OUTCOME_UNAVAILABLE": "E5",
            "OUTCOME_MISCONFIGURED": "E6"}

_ROW = re.compile(r'\[REASON_(\w+)\]\s*=\s*\{\s*"(\w+)"\s*,\s*(OUTCOME_\w+)\s*,\s*'
                  r'((?:"(?:[^"\\]|\\.)*"|\w+|\s)+?)\s*,?\s*\}')
_DEFINE = re.compile(r'#define\s+(\w+)\s+((?:"(?:[^"\\]|\\.)*"\s*)+)')


class Reason:
    def __init__(self, name, outcome, sentence):
        self.name, self.outcome, self.sentence = name, outcome, sentence


def _text(expression, defines):
    pieces = re.findall(r'"((?:[^"\\]|\\.)*)"|(\w+)', expression)
    return "".join(literal or defines.get(name, "") for literal, name in pieces)


@functools.lru_cache(maxsize=None)
def table():
    source = SOURCE.read_text()
    defines = {name: _text(value, {}) for name, value in _DEFINE.findall(source)}
    rows = {name: Reason(name, OUTCOMES[outcome], _text(sentence, defines))
            for _, name, outcome, sentence in _ROW.findall(source)}
    assert len(rows) >= 30, f"the table of {SOURCE} was not understood: {sorted(rows)}"
    return rows


def sentences(outcome):
    """All that a client may be told under this outcome."""
    return {row.sentence for row in table().values() if row.outcome == outcome}
