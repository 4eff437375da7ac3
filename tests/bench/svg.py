"""Charts as SVG text: bars on a logarithmic scale, and lines over named steps.

The colours follow the reader's scheme; each chart brings its own background, so it can
be read wherever it is put.
"""

import math
from xml.sax.saxutils import escape

STYLE = """\
text { font-family: sans-serif; font-size: 13px; fill: #24292f }
.title { font-size: 16px; font-weight: bold }
.small { font-size: 11px }
.paper { fill: #ffffff }
.grid { stroke: #d0d7de; stroke-width: 1 }
.axis { stroke: #57606a; stroke-width: 1 }
.first { fill: #0969da; stroke: #0969da }
.second { fill: #bc4c00; stroke: #bc4c00 }
.third { fill: #6e7781; stroke: #6e7781 }
.line { fill: none; stroke-width: 2 }
.bar { stroke: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .paper { fill: #0d1117 }
  .grid { stroke: #30363d }
  .axis { stroke: #8b949e }
  .first { fill: #58a6ff; stroke: #58a6ff }
  .second { fill: #f0883e; stroke: #f0883e }
  .third { fill: #8b949e; stroke: #8b949e }
  .line { fill: none }
}
"""


def coordinate(value):
    return f"{value:.1f}".rstrip("0").rstrip(".")


class Drawing:
    def __init__(self, width, height, title):
        self.width, self.height = width, height
        self._parts = []
        self.title = title
        self.rectangle(0, 0, width, height, "paper")

    def text(self, x, y, text, anchor="start", kind=""):
        self._parts.append(f'<text x="{coordinate(x)}" y="{coordinate(y)}" '
                           f'text-anchor="{anchor}" class="{kind}">{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, kind="grid"):
        numbers = zip(("x1", "y1", "x2", "y2"), (x1, y1, x2, y2))
        self._parts.append("<line " + " ".join(f'{name}="{coordinate(value)}"'
                                               for name, value in numbers)
                           + f' class="{kind}"/>')

    def rectangle(self, x, y, width, height, kind):
        self._parts.append(f'<rect x="{coordinate(x)}" y="{coordinate(y)}" '
                           f'width="{coordinate(width)}" height="{coordinate(height)}" '
                           f'class="{kind}"/>')

    def path(self, points, kind):
        places = " ".join(f"{coordinate(x)},{coordinate(y)}" for x, y in points)
        self._parts.append(f'<polyline points="{places}" class="line {kind}"/>')
        for x, y in points:
            self._parts.append(f'<circle cx="{coordinate(x)}" cy="{coordinate(y)}" r="3" '
                               f'class="{kind}"/>')

    def legend(self, x, y, entries):
        for kind, label in entries:
            self.rectangle(x, y - 10, 12, 12, f"bar {kind}")
            self.text(x + 18, y, label)
            x += 40 + 7.5 * len(label)

    def finish(self):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" role="img" '
                f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
                f'height="{self.height}">\n<title>{escape(self.title)}</title>\n'
                f"<style>\n{STYLE}</style>\n")
        return head + "\n".join(self._parts) + "\n</svg>\n"


def logarithmic(low, high, length):
    """A function from values to places on an axis; what is below low stays at 0."""
    span = math.log10(high / low)

    def place(value):
        return length * math.log10(max(value, low) / low) / span
    return place


def decades(low, high):
    """Powers of ten from low to high."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0 ** power for power in range(first, last + 1)]


def round_steps(high, wanted=4):
    """Round values from 0 to at least high."""
    raw = max(high, 1e-9) / wanted
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
    return [step * i for i in range(math.ceil(high / step - 1e-9) + 1)]
