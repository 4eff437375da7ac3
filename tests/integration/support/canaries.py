"""THREATS.md H15: pieces of every token of a run, none of which may turn up in a log.

Whoever makes or sends a token tells remember(); every server's log is searched when the
server stops. A piece is the first or the last 24 characters of a part: log lines that
cut long values would hold one of them.
"""

import re

LENGTH = 24
_RUN = re.compile(r"[A-Za-z0-9_-]{%d,}" % LENGTH)
_TOKEN = re.compile(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*")

_pieces = set()


def remember(text):
    """Every token in this text (a header field, a URL, a whole request)."""
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    for token in _TOKEN.findall(text):
        for part in token.split("."):
            if len(part) >= 40:
                _pieces.update((part[:LENGTH], part[-LENGTH:]))


def found_in(log):
    """The pieces that a log holds."""
    return {run[i:i + LENGTH] for run in _RUN.findall(log)
            for i in range(len(run) - LENGTH + 1)} & _pieces
