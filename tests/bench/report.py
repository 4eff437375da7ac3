"""The tables of a run, in Markdown.

    /usr/bin/python3 tests/bench/report.py build/bench/bench.json

growth.json and instructions.json will do as well.
"""

import json
import sys
from pathlib import Path

from accounting import added, by_round, of, ratio

BASE = "file"
OURS = "ours"


def number(value, digits=1):
    """A figure as a person writes it; empty if it was not measured."""
    if value is None:
        return ""
    if abs(value) >= 100:
        digits = 0
    return f"{value:,.{digits}f}".replace(",", " ")


def table(head, rows):
    """Markdown; the first column is text, the others are figures."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def fetches_per_request(samples, mode, server):
    """Over all rounds: a fetch belongs to no single one of them."""
    some = [one for (_, kind, name), one in by_round(samples).items()
            if (kind, name) == (mode, server)]
    requests = sum(one["requests"] for one in some)
    return sum(one["fetches"] for one in some) / requests if requests else None


def fetches(samples, server, mode=None):
    return sum(one["fetches"] for one in samples
               if one["server"] == server and mode in (None, one["mode"]))


def _own_cost(samples, server, mode):
    base = server["base"]
    return added(samples, mode, server["name"], base)


def costs(found):
    """What each server adds to a request, and its throughput against the file's."""
    samples, rows = found["samples"], []
    for server in found["servers"]:
        name = server["name"]
        if name == BASE:
            total = number(of(samples, "warm", name, "cpu_us"))
            rows.append([server["title"], f"0 ({total} in all)", "1.00", *["0", "1.00"] * 2,
                         "0", ""])
            continue
        row = [server["title"] + ("" if server["base"] == BASE
                                  else ", over its own open route")]
        for mode in ("warm", "cold", "reject"):
            row += [number(_own_cost(samples, server, mode)),
                    number(ratio(samples, mode, name, BASE), 2)]
        per_kid = fetches_per_request(samples, "unknown kid", name)
        has_kids = "unknown kid" in server["modes"]
        row += [number(_own_cost(samples, server, "unknown kid")),
                number(per_kid, 4 if per_kid and per_kid < 0.1 else 1) if has_kids else ""]
        rows.append(row)
    return table(["", "warm: CPU us added", "warm ratio", "cold us added", "cold ratio",
                  "reject us added", "reject ratio", "unknown kid us added",
                  "fetches per unknown kid"], rows)


def latencies(found):
    """Requests a second, p50 and p99 of each mode, fetches and memory."""
    samples, rows = found["samples"], []
    for server in found["servers"]:
        name, row = server["name"], [server["title"]]
        for mode in ("warm", "cold", "reject"):
            pair = [of(samples, mode, name, value) for value in ("p50", "p99")]
            rate = of(samples, mode, name, "per_second")
            row.append(number(rate, 0))
            row.append(" / ".join(number(one / 1000, 2) for one in pair)
                       if None not in pair else "")
        memory = found["memory"].get(name)
        row += [number(fetches(samples, name), 0),
                number(memory / 2**20) if memory else ""]
        rows.append(row)
    return table(["", "warm requests a second", "p50 / p99 ms", "cold requests a second",
                  "p50 / p99 ms", "reject requests a second", "p50 / p99 ms",
                  "key fetches in the run", "memory of all processes, MiB"], rows)


def _allowed_fetches(found):
    """One for each thirty seconds that have begun, for the whole server."""
    return 1 + found.get("took_seconds", 0) // 30


def targets(found, instructions=None):
    """(what, target, our figure as text, met?) of each target; met is None if unknown."""
    samples = found["samples"]

    def at_most(what, value, limit, unit="us", digits=1):
        met = None if value is None else value <= limit
        rows.append((what, f"at most {number(limit, 0)} {unit}".strip(),
                     number(value, digits), met))

    def at_least(what, value, limit):
        met = None if value is None else value >= limit
        rows.append((what, f"at least {limit:.2f}", number(value, 2), met))

    rows = []
    warm = added(samples, "warm", OURS, BASE)
    basic = added(samples, "warm", "basic", BASE)
    at_most("warm, added", warm, 5)
    if basic is not None and warm is not None:
        rows.append(("warm, against a Basic password", f"less than {number(basic)} us",
                     number(warm), warm < basic))
    if "ours warm" in (instructions or {}).get("added", {}):
        at_most("warm, instructions added without SHA-256",
                instructions["added"]["ours warm"]["without_sha256"], 12_000, "", 0)
    at_least("warm, throughput against the file", ratio(samples, "warm", OURS, BASE), 0.88)
    at_most("cold, added", added(samples, "cold", OURS, BASE), 32)
    at_least("cold, throughput against the file", ratio(samples, "cold", OURS, BASE), 0.52)
    at_most("reject, added", added(samples, "reject", OURS, BASE), 20)
    at_least("reject, throughput against the file",
             ratio(samples, "reject", OURS, BASE), 0.70)
    at_most("unknown kid, added", added(samples, "unknown kid", OURS, BASE), 8)
    if of(samples, "reject", OURS, "requests") is not None:
        at_most("fetches for forged tokens", fetches(samples, OURS, "reject"), 0, "", 0)
        at_most("fetches for unknown kids, one per 30 s",
                fetches(samples, OURS, "unknown kid"), _allowed_fetches(found), "", 0)
    one, two = (of(samples, mode, OURS, "per_second") for mode in ("one core", "two cores"))
    at_least("two cores against one, server and load together",
             two / one if one and two else None, 1.8)
    memory = found["memory"]
    over = memory[OURS] - memory[BASE] if OURS in memory and BASE in memory else None
    at_most("memory over the unprotected server",
            None if over is None else over / 2**20, 4, "MiB")
    return rows


def verdict(met):
    return {True: "met", False: "not met", None: "not measured"}[met]


def render(found, instructions=None):
    machine = found["machine"]
    load = machine["load_average"][0]
    parts = [f"{machine['processor']}, {machine['cores']} cores; {found['rounds']} rounds of"
             f" {found['seconds']} s; load average {load:.1f}"
             f" ({machine['versions'].get('httpd', 'httpd')})",
             costs(found), latencies(found)]
    if any(server["name"] == OURS for server in found["servers"]):
        rows = [[what, target, ours, verdict(met)]
                for what, target, ours, met in targets(found, instructions)]
        parts.append(table(["target", "is", "ours", ""], rows))
    control = [of(found["samples"], mode, BASE, "per_second")
               for mode in ("one core", "two cores")]
    if None not in control:
        parts.append(f"Two cores against one, for the unprotected file:"
                     f" {control[1] / control[0]:.2f}.")
    parts += [f"{name}: {why}" for name, why in found["absent"].items()]
    return "\n\n".join(parts)


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    path = Path(arguments[0])
    found = json.loads(path.read_text())
    counted = path.with_name("instructions.json")
    if "series" in found:
        import growth  # which needs this file itself
        print(growth.render(found))
    elif "counts" in found:
        import instructions
        print(instructions.render(found))
    else:
        print(render(found, json.loads(counted.read_text()) if counted.exists() else None))


if __name__ == "__main__":
    main(sys.argv[1:])
