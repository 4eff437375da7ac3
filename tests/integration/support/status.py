"""The status page of a server, and its forms for programs, read strictly."""

import re
from html.parser import HTMLParser

from .wait import wait_until

#: Where the tests have it; open to whoever is on this machine.
PAGE = "/auth0-status"
OPENED = f"""
<Location "{PAGE}">
    SetHandler auth0-status
    Require local
</Location>
"""

LINE = re.compile(r'([a-z][a-z0-9_]*)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? '
                  r'(-?\d+(?:\.\d+)?)')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\.)*)"')


def status_of(server):
    """The JSON form."""
    answer = server.get(PAGE + "?json")
    assert answer.status == 200, repr(answer)
    assert answer.header("Content-Type") == "application/json; charset=utf-8"
    return answer.json()


def requests_of(server):
    """(accepted, {reason: refused}, {reason: reported}); no reason that did not occur."""
    requests = status_of(server)["requests"]
    refused, reported = ({reason: count for reason, count in requests[name].items() if count}
                         for name in ("refused_by_reason", "reported_by_reason"))
    assert requests["refused"] == sum(refused.values())
    assert requests["reported"] == sum(reported.values())
    return requests["accepted"], refused, reported


def wait_for_requests(server, accepted, refused, reported=None):
    """An answer is counted just after it was sent."""
    expected = accepted, refused, reported or {}
    found = []

    def is_right():
        found[:] = [requests_of(server)]
        return found[0] == expected

    try:
        wait_until(is_right, 5, "the count")
    except AssertionError:
        raise AssertionError(f"counted {found[0]} and not {expected}") from None


def metrics_of(server):
    """{name: {labels: value}}, labels being the pairs in order, and {name: type}."""
    answer = server.get(PAGE + "?metrics")
    assert answer.status == 200, repr(answer)
    assert answer.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    values, types = {}, {}
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, types[name] = line.split(" ")
            continue
        if line.startswith("# HELP "):
            continue
        found = LINE.fullmatch(line)
        assert found, f"no line of the format: {line!r}"
        name, labels, value = found.groups()
        pairs = tuple((label, re.sub(r"\\(.)", r"\1", text))
                      for label, text in LABEL.findall(labels or ""))
        assert pairs not in values.setdefault(name, {}), f"twice: {line}"
        assert name in types, f"no TYPE before {line}"
        values[name][pairs] = float(value)
    return values, types


class Page(HTMLParser):
    """What a person sees of a page: headings, paragraphs, rows of tables.

    tags holds every element with its attributes, in order; times the moments: {words:
    datetime}.
    """

    VOID = {"meta", "link", "br", "img", "hr", "input"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.headings, self.rows, self.texts = [], [], [], []
        self.times = {}
        self._open = []
        self.feed(text)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")
        elif tag in ("p", "li"):
            self.texts.append("")
        elif tag == "time":
            assert dict(attrs)["datetime"] == dict(attrs)["title"]

    def handle_endtag(self, tag):
        assert self._open and self._open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        for tag, last in (("h1", self.headings), ("h2", self.headings),
                          ("h3", self.headings), ("p", self.texts), ("li", self.texts)):
            if tag in self._open:
                last[-1] += data
        if self._open and self._open[-1] == "time":
            self.times[data] = self.tags[-1][1]["datetime"]
        if self.rows and self.rows[-1] and ("th" in self._open or "td" in self._open):
            self.rows[-1][-1] += data

    def row(self, head):
        """The other cells of the one row with this head."""
        (found,) = [row[1:] for row in self.rows if row[0] == head]
        return found


def page_of(server):
    answer = server.get(PAGE)
    assert answer.status == 200, repr(answer)
    return Page(answer.text)
