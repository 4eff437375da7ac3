"""Reads what callgrind wrote: what functions cost themselves, and with what they call."""

import re
from collections import Counter

_NAME = re.compile(r"\((\d+)\)(?: (.*))?$")


class Profile:
    """own: function -> instructions; calls: (caller, callee) -> instructions within.

    A function is (name, object). Positions and cost stand on a line as callgrind writes
    them with its default options: one position, one event.
    """

    def __init__(self, text):
        self.own = Counter()
        self.calls = Counter()
        self._names = {}
        self._read(text)

    def _name(self, space, text):
        """A name: written in full the first time, then by its number alone."""
        number, name = _NAME.match(text).groups()
        if name is not None:
            self._names[space, number] = name
        return self._names[space, number]

    def _read(self, text):
        binary = called_binary = function = called = None
        for line in text.splitlines():
            key, equals, rest = line.partition("=")
            if key == "ob":
                binary = called_binary = self._name("ob", rest)
            elif key == "cob":
                called_binary = self._name("ob", rest)
            elif key == "fn":
                function = (self._name("fn", rest), binary)
                called_binary = binary
            elif key == "cfn":
                called = (self._name("fn", rest), called_binary)
            elif line[:1] in "0123456789+-*" and not equals and line:
                cost = int(line.split()[1]) if " " in line else 0
                if called is not None:
                    self.calls[function, called] += cost
                    called, called_binary = None, binary
                elif function is not None:
                    self.own[function] += cost

    @property
    def total(self):
        return sum(self.own.values())

    def inclusive(self, pattern):
        """What functions of such a name cost, called ones included, nothing twice."""
        match = re.compile(pattern).match
        return sum(cost for (caller, callee), cost in self.calls.items()
                   if match(callee[0]) and not match(caller[0]))
