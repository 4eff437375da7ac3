"""Draw docs/performance-comparison.svg and docs/performance-growth.svg.

    /usr/bin/python3 tests/bench/plot.py     from build/bench/*.json, whichever is there
"""

import json
import sys

import common
from accounting import added, of
from report import BASE, number
from svg import Drawing, decades, logarithmic, round_steps

DOCS = common.TOP / "docs"
MODES = (("warm", "first", "a token seen before"), ("cold", "second", "a new token"),
         ("reject", "third", "a forged token"))
LABELS = 285  # wide, for the names of the servers; 8 for a letter is plenty
LEAST = 1.0  # microseconds; what is below cannot be told from nothing


def comparison(found):
    """A group of bars for each server: what it adds to a request."""
    samples = found["samples"]
    groups = []
    for server in found["servers"]:
        if server["name"] in (BASE, "express-open"):
            continue
        bars = [(kind, added(samples, mode, server["name"], server["base"]))
                for mode, kind, _ in MODES]
        groups.append((server["title"], [bar for bar in bars if bar[1] is not None]))
    left, top, width, bar, gap = LABELS, 78, 460, 14, 14
    height = sum(len(bars) * bar + gap for _, bars in groups)
    ticks = decades(LEAST, max((value for _, bars in groups for _, value in bars),
                               default=10))
    drawing = Drawing(left + width + 75, top + height + 55,
                      "CPU time that each guard adds to a request")
    drawing.text(16, 28, drawing.title, kind="title")
    drawing.legend(16, 54, [(kind, label) for _, kind, label in MODES])
    place = logarithmic(ticks[0], ticks[-1], width)
    for tick in ticks:
        drawing.line(left + place(tick), top, left + place(tick), top + height)
        drawing.text(left + place(tick), top + height + 18, number(tick, 0), "middle")
    y = top + gap / 2
    for title, bars in groups:
        drawing.text(left - 10, y + len(bars) * bar / 2 + 4, title, "end")
        for kind, value in bars:
            drawing.rectangle(left, y + 1, max(place(value), 2), bar - 2, f"bar {kind}")
            label = number(value) if value >= LEAST else f"under {LEAST:.0f}"
            drawing.text(left + max(place(value), 2) + 5, y + bar - 3, label, kind="small")
            y += bar
        y += gap
    drawing.line(left, top, left, top + height, "axis")
    file_cost = of(samples, "warm", BASE, "cpu_us")
    drawing.text(left + width / 2, top + height + 40, "microseconds of CPU a request, "
                 f"logarithmic (the file itself: {number(file_cost, 0)})", "middle")
    return drawing.finish()


PANEL, TALL, LEFT, ABOVE = 360, 190, 62, 46


def panel(drawing, x, y, title, points):
    """One series: steps along the bottom, microseconds upwards."""
    points = [point for point in points if point.get("warm")]
    if not points:
        return
    curves = [(kind, [point[mode]["added_us"] for point in points])
              for mode, kind, _ in MODES[:2]]
    highest = max(value for _, values in curves for value in values)
    ticks = round_steps(max(highest, 10))
    wide = PANEL - LEFT - 20

    def up(value):
        return y + ABOVE + TALL - TALL * max(value, 0) / ticks[-1]

    def along(index):
        return x + LEFT + wide * (index + 0.5) / len(points)

    drawing.text(x + 8, y + 20, title)
    for tick in ticks:
        drawing.line(x + LEFT, up(tick), x + LEFT + wide, up(tick))
        drawing.text(x + LEFT - 8, up(tick) + 4, number(tick, 0), "end", "small")
    drawing.text(x + 8, y + ABOVE - 8, "us added", kind="small")
    drawing.line(x + LEFT, up(0), x + LEFT + wide, up(0), "axis")
    for index, point in enumerate(points):
        drawing.text(along(index), up(0) + 16, number(point["value"], 0), "middle", "small")
    for kind, values in curves:
        drawing.path([(along(i), up(value)) for i, value in enumerate(values)], kind)


def growth(found):
    columns, tall = 2, ABOVE + TALL + 36
    shown = list(found["series"].values())
    rows = -(-len(shown) // columns)
    drawing = Drawing(columns * PANEL + 20, 76 + rows * tall,
                      "CPU time that mod_auth0_jwt adds to a request as things grow")
    drawing.text(16, 28, drawing.title, kind="title")
    drawing.legend(16, 54, [(kind, label) for _, kind, label in MODES[:2]])
    for index, one in enumerate(shown):
        panel(drawing, 10 + index % columns * PANEL, 70 + index // columns * tall,
              one["title"], one["points"])
    return drawing.finish()


def main():
    drawn = []
    for source, target, draw in (("bench.json", "performance-comparison.svg", comparison),
                                 ("growth.json", "performance-growth.svg", growth)):
        path = common.OUTPUT / source
        if path.exists():
            (DOCS / target).write_text(draw(json.loads(path.read_text())))
            drawn.append(f"docs/{target}")
    if not drawn:
        sys.exit("Nothing was measured yet: make -f Makefile.apxs bench, or bench-growth")
    print("Drawn: " + ", ".join(drawn))


if __name__ == "__main__":
    main()
