"""Rotation: keys that come and go while tokens signed with them arrive.

AUTH0_JWT_LOAD=all rotates for longer, and under prefork too.
"""

import itertools
import threading
import time

import pytest

from support import tokens
from support.conf import location, refresh, trust
from support.load import Client, Load, ask_everything, request_of
from support.paths import LOAD_ALL, SLOW
from support.refusal import assert_refusal
from support.wait import wait_until

PAGE = {"htdocs/valid": "ok"}
mpms = pytest.mark.parametrize("mpm", ["event", "prefork"] if LOAD_ALL else ["event"])


@pytest.fixture(scope="module")
def spare_keys():
    """Keys made before the clock runs: making one takes a while.

    One more than are ever published at once, so that in turns each is new again.
    """
    return [tokens.Key("RS256", f"spare-{i}") for i in range(4)]


def start(httpd, issuer, config="", **more):
    return httpd(trust(issuer) + config + location("/valid"), files=PAGE, **more)


def use(issuer, key, *published):
    """Sign with this key from now on, and publish these beside it."""
    issuer.keys = [key, *published]


# ---- one rotation -----------------------------------------------------------------


def test_a_key_added_and_used_at_once_costs_one_fetch_and_at_most_two_seconds(
        httpd, ready_issuer):
    server = start(httpd, ready_issuer)
    old = ready_issuer.mint()
    assert server.get("/valid", old).status == 200
    ready_issuer.rotate("key-2")
    begin = time.monotonic()
    answer = server.get("/valid", ready_issuer.mint())
    assert answer.status == 200, repr(answer)
    assert time.monotonic() - begin <= 2.0 * SLOW
    assert ready_issuer.fetches == 2
    assert server.get("/valid", old).status == 200
    assert ready_issuer.fetches == 2


def test_all_processes_know_a_new_key_after_one_fetch(httpd, ready_issuer,
                                                      several_processes):
    server = start(httpd, ready_issuer, processes=4, threads=4)
    assert server.get("/valid", ready_issuer.mint()).status == 200
    ready_issuer.rotate("key-2")
    new = ready_issuer.mint()
    assert server.get("/valid", new).status == 200
    asked = [request_of(new, close=True)] * 200
    assert ask_everything(server.port, asked, batch=1) == {200: 200}
    assert ready_issuer.fetches == 2


def test_a_removed_key_is_refused_within_the_fresh_time_and_five_seconds(
        httpd, ready_issuer):
    fresh = 2
    server = start(httpd, ready_issuer, refresh(fresh, cooldown=1))
    old = ready_issuer.mint()
    assert server.get("/valid", old).status == 200
    ready_issuer.rotate("key-2", keep_old=False)
    begin = time.monotonic()
    answer = wait_until(lambda: (a := server.get("/valid", old)).status != 200 and a,
                        fresh + 5, "the refusal of the removed key", every=0.05)
    print(f"refused after {time.monotonic() - begin:.1f} s of at most {fresh + 5}")
    assert_refusal(answer, "E3", reason="key_unknown")
    assert server.get("/valid", ready_issuer.mint()).status == 200
    # It stays refused, also to a client that asks on.
    for _ in range(5):
        assert_refusal(server.get("/valid", old), "E3", reason="key_unknown")


def test_a_removed_key_is_refused_by_every_process_after_one_fetch(httpd, ready_issuer,
                                                                   several_processes):
    """None goes on with its own older copy, but for requests already under way."""
    server = start(httpd, ready_issuer, refresh(cooldown=10), processes=4, threads=4)
    old = ready_issuer.mint()
    assert server.get("/valid", old).status == 200
    asked = [request_of(old, close=True)] * 200
    assert ask_everything(server.port, asked, batch=1) == {200: 200}  # all have the key
    ready_issuer.rotate("key-2", keep_old=False)
    assert server.get("/valid", ready_issuer.mint()).status == 200
    wait_until(lambda: ask_everything(server.port, asked, batch=1) == {401: 200}, 2,
               "the refusal by all processes", every=0)
    assert ready_issuer.fetches == 2


# ---- several ----------------------------------------------------------------------


def test_two_rotations_within_five_seconds_are_followed(httpd, ready_issuer, spare_keys):
    """The second comes within the usual cooldown's reach, but after this one's end."""
    cooldown = 1
    server = start(httpd, ready_issuer, refresh(cooldown=cooldown))
    first = ready_issuer.mint()
    assert server.get("/valid", first).status == 200
    begin = time.monotonic()
    minted = [first]
    for key in spare_keys[:2]:
        asked = time.monotonic()
        use(ready_issuer, key, *ready_issuer.keys)
        minted.append(ready_issuer.mint())
        assert server.get("/valid", minted[-1]).status == 200
        assert time.monotonic() - asked <= 2.0 * SLOW
        time.sleep(max(0, asked + cooldown + 0.1 - time.monotonic()))
    assert time.monotonic() - begin <= 5 * SLOW
    assert ready_issuer.fetches == 3
    for token in minted:
        assert server.get("/valid", token).status == 200


def test_a_second_rotation_within_the_cooldown_waits_for_its_end(httpd, ready_issuer,
                                                                 spare_keys):
    """An unknown kid inside the cooldown is refused at once; after it, it is found."""
    cooldown = 1.5
    server = start(httpd, ready_issuer, refresh(cooldown=cooldown))
    assert server.get("/valid", ready_issuer.mint()).status == 200
    asked = time.monotonic()
    use(ready_issuer, spare_keys[0], *ready_issuer.keys)
    assert server.get("/valid", ready_issuer.mint()).status == 200
    use(ready_issuer, spare_keys[1], *ready_issuer.keys)
    token = ready_issuer.mint()
    begin = time.monotonic()
    answer = server.get("/valid", token)
    if time.monotonic() - asked < cooldown - 0.2:  # else the machine was too slow to tell
        assert_refusal(answer, "E3", reason="key_unknown")
        assert time.monotonic() - begin < 0.5 * SLOW
    wait_until(lambda: server.get("/valid", token).status == 200, cooldown + 2,
               "the second new key", every=0.1)
    assert ready_issuer.fetches == 3


@mpms
def test_clients_that_share_a_new_key_are_all_served(httpd, ready_issuer, spare_keys, mpm,
                                                     several_processes):
    """Several requests meet a new key at the same moment: one fetch, all accepted.

    They wait together and wake together; the one that then parses the document must not
    be the only one to profit. The clients are fewer than the requests that may wait, a
    quarter of the workers.
    """
    cooldown = 0.3
    server = start(httpd, ready_issuer, refresh(cooldown=cooldown), processes=2,
                   threads=16, mpm=mpm)
    assert server.get("/valid", ready_issuer.mint()).status == 200
    clients, rounds = 6, 8
    barrier = threading.Barrier(clients + 1)
    refused, request = [], None

    def ask():
        with Client(server.port) as client:
            for number in range(rounds):
                barrier.wait(30 * SLOW)
                status = client.ask(request)
                if status != 200:
                    refused.append((number, status))
                barrier.wait(30 * SLOW)

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for key in itertools.islice(itertools.cycle(spare_keys), rounds):
        use(ready_issuer, key, *ready_issuer.keys[:2])
        request = request_of(ready_issuer.mint())
        before = ready_issuer.fetches
        barrier.wait(30 * SLOW)
        barrier.wait(30 * SLOW)
        assert ready_issuer.fetches == before + 1
        time.sleep(cooldown + 0.05)
    for thread in threads:
        thread.join(30)
    assert not refused, f"{len(refused)} of {rounds * clients}: {refused}"


@mpms
def test_h4_rotation_under_load_refuses_no_valid_token(httpd, ready_issuer, spare_keys,
                                                       mpm, several_processes):
    """New and old key overlap, as issuers do it; the new one is used from the start."""
    cooldown, period, rotations = 0.6, 0.8, 40 if LOAD_ALL else 5
    server = start(httpd, ready_issuer, refresh(cooldown=cooldown), processes=4,
                   threads=8, mpm=mpm, log_level="info")
    assert server.get("/valid", ready_issuer.mint()).status == 200
    first = ready_issuer.mint()
    requests = [(request_of(first), request_of(tokens.tampered(first)))]
    cases = {"newest": (lambda: requests[-1][0], 200),
             "one before": (lambda: requests[-2:][0][0], 200),
             "forged": (lambda: requests[-1][1], 401)}
    with Load(server.port, cases, clients=5) as load:
        for key in itertools.islice(itertools.cycle(spare_keys), rotations):
            use(ready_issuer, key, *ready_issuer.keys[:2])
            token = ready_issuer.mint()
            requests.append((request_of(token), request_of(tokens.tampered(token))))
            time.sleep(period)
    print(f"{mpm}: {load.total()} requests, {ready_issuer.fetches - 1} fetches for "
          f"{rotations} rotations, slowest "
          f"{load.slowest() * 1000:.0f} ms; refused: {load.wrong[:5]}")
    load.assert_right()
    assert ready_issuer.fetches == rotations + 1
    assert load.slowest() <= 2.0 * SLOW
