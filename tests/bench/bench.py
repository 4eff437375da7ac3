"""Compare the module with others, side by side on this machine.

    make -f Makefile.apxs bench     see common.py for what the environment may say

All servers are up during the whole run. In each round, and in each mode of load, they
are measured one after the other, in another order each round: machines drift, so what
counts is each server against the unprotected file in the same round, which gets the
same requests. A server that lets one bad token through is not measured at all.
"""

import json
import os
import time

import common
import wrk
from accounting import cpu_seconds, microseconds_per_request, pin, pss_bytes
from apache import PASSWORD
from common import say
from machine import description
from report import render
from world import World, bad_tokens, chosen, problems_of

MODES = ("warm", "cold", "reject", "unknown kid")
BAD = ("reject", "unknown kid")
BAD_TOKENS = 20_000


class Requests:
    """What is sent in each mode."""

    def __init__(self, mint, number):
        say(f"Signing {number} tokens ...")
        tokens = mint.many(number)
        self.good = tokens[0]
        self.files = {"cold": mint.file(tokens),
                      "reject": mint.file(mint.forged(tokens[:BAD_TOKENS])),
                      "unknown kid": mint.file(mint.with_unknown_kids(tokens[:BAD_TOKENS]))}
        self._sent = {}

    def arguments(self, contender, mode):
        """Of wrk.run(). A walk goes on where this contender's last one ended."""
        if mode == "warm":
            return {"header": contender.header(self.good)}
        if contender.name == "basic":
            return {"header": contender.header(PASSWORD + " wrong")}
        return {"tokens": self.files[mode],
                "skip": self._sent.get((contender.name, mode), 0)}

    def note(self, contender, mode, requests):
        key = (contender.name, mode)
        self._sent[key] = self._sent.get(key, 0) + requests


def wrong_answers(contender, mode, sample):
    """Why a measurement does not count; None if it does."""
    if not sample["requests"]:
        return "nothing was answered"
    refused = mode in BAD and contender.refusals != (200,)
    expected = sample["requests"] if refused else 0
    if sample["bad_status"] != expected:
        return f"{sample['bad_status']} of {sample['requests']} answers were refusals"
    return None


def measure(contender, mode, requests, seconds, cores=None):
    """One run of wrk, and what it cost the server."""
    fetches = contender.origin.fetches if contender.origin else 0
    before = cpu_seconds(contender.pid)
    sample = wrk.run(contender.port, seconds, path=contender.path, cores=cores,
                     **requests.arguments(contender, mode))
    cpu = cpu_seconds(contender.pid) - before
    requests.note(contender, mode, sample["requests"])
    sample.update(server=contender.name, mode=mode, cpu_seconds=round(cpu, 4),
                  cpu_us=microseconds_per_request(cpu, sample["requests"]),
                  fetches=(contender.origin.fetches if contender.origin else 0) - fetches)
    invalid = wrong_answers(contender, mode, sample)
    if invalid:
        sample["invalid"] = invalid
        say(f"  {contender.name}, {mode}: not counted: {invalid}")
    return sample


def scaling(contender, requests, seconds, number):
    """Warm load with server and wrk on one core, then on both."""
    samples = []
    for mode, cores in (("one core", {common.SERVER_CORE}),
                        ("two cores", set(common.BOTH_CORES))):
        pin(contender.pid, cores)
        sample = measure(contender, "warm", requests, seconds, cores)
        samples.append({**sample, "mode": mode, "round": number})
    pin(contender.pid, {common.SERVER_CORE})
    return samples


def start_all(world, classes, up):
    """Add to up those that are; return name -> why another is not."""
    absent = {}
    for kind in classes:
        contender = kind(world)
        what = contender.missing()
        if what:
            absent[kind.name] = f"not installed: {what}"
            continue
        up.append(contender)
        try:
            contender.start()
            pin(contender.pid, {common.SERVER_CORE})
        except (AssertionError, OSError) as problem:
            absent[kind.name] = f"did not start: {str(problem)[-600:]}"
            up.remove(contender)
            contender.stop()
    return absent


def judge(contenders, world, good):
    """(those that answer as they should, name -> what is wrong with another)."""
    bad = bad_tokens(world.mint)
    sound, unsound = [], {}
    for contender in contenders:
        found = problems_of(contender, good, bad)
        if found:
            unsound[contender.name] = "not measured: " + "; ".join(found)
            contender.stop()
        else:
            sound.append(contender)
    return sound, unsound


def in_turn(contenders, number):
    """Another one begins in each round."""
    shift = number % len(contenders)
    return contenders[shift:] + contenders[:shift]


def rounds(contenders, requests, size):
    """All samples."""
    samples = []
    for contender in contenders:
        measure(contender, "warm", requests, 1)  # to warm up; not kept
    for number in range(size.rounds):
        say(f"Round {number + 1} of {size.rounds} ...")
        for mode in MODES:
            for contender in in_turn([one for one in contenders if mode in one.modes],
                                     number):
                try:
                    sample = measure(contender, mode, requests, size.seconds)
                    samples.append({**sample, "round": number})
                except wrk.Broken as problem:
                    say(f"  {contender.name}, {mode}: wrk failed: {problem}")
        if len(common.BOTH_CORES) > 1:
            for contender in contenders:
                if contender.name in ("file", "ours"):
                    samples += scaling(contender, requests, size.seconds, number)
    return samples


def compare(world, size, classes):
    requests = Requests(world.mint, size.tokens)
    os.sched_setaffinity(0, {common.LOAD_CORE})
    say("Starting the servers ...")
    up = []
    try:
        absent = start_all(world, classes, up)
        contenders, unsound = judge(up, world, requests.good)
        absent.update(unsound)
        for name, why in absent.items():
            say(f"  {name}: {why}")
        samples = rounds(contenders, requests, size)
        # Whoever answers otherwise by now did not do the same work all the time.
        memory = {one.name: pss_bytes(one.pid) for one in contenders}
        changed = judge(contenders, world, requests.good)[1]
    finally:
        for contender in up:
            contender.stop()
    samples = [one for one in samples if one["server"] not in changed]
    return {"servers": [{"name": one.name, "title": one.title, "base": one.base,
                         "modes": list(one.modes)} for one in contenders
                        if one.name not in changed],
            "absent": {**absent, **changed}, "samples": samples, "memory": memory}


def main():
    start = time.monotonic()
    size = common.Size.chosen()
    world = World()
    try:
        found = compare(world, size, chosen(common.wanted_servers()))
    finally:
        world.close()
    found.update(size=size.name, rounds=size.rounds, seconds=size.seconds,
                 tokens=size.tokens, machine=description(),
                 took_seconds=round(time.monotonic() - start))
    common.OUTPUT.mkdir(parents=True, exist_ok=True)
    target = common.OUTPUT / "bench.json"
    target.write_text(json.dumps(found, indent=1) + "\n")
    counted = common.OUTPUT / "instructions.json"
    print(render(found, json.loads(counted.read_text()) if counted.exists() else None))
    say(f"All rounds are in {target.relative_to(common.TOP)}.")


if __name__ == "__main__":
    main()
