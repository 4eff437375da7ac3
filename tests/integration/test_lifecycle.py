"""Life of a server: start, restarts, stop, and processes that die on the way.

AUTH0_JWT_LOAD=all runs all of it under each MPM, and restarts a hundred times under load
instead of ten. (What every MPM must do, httpd -X included, is in test_mpms.py.)
"""

import contextlib
import itertools
import socket
import statistics
import threading
import time

import pytest

from support import http
from support.conf import location, refresh, trust
from support.httpd import Httpd
from support.issuer import Issuer
from support.load import Client, Cut, Load, ask_everything, request_of
from support.paths import LOAD_ALL, SLOW
from support.process import (connected_to, handles_of, is_alive, shared_memory_of,
                             threads_of)
from support.refusal import assert_refusal
from support.tokens import tampered
from support.wait import free_port, wait_until

PAGE = {"htdocs/valid": "ok"}
several = pytest.mark.usefixtures("several_processes")
mpms = pytest.mark.parametrize("mpm", ["event", *(["worker", "prefork"] if LOAD_ALL
                                                  else [])])


def start(httpd, issuer, config="", **more):
    return httpd(trust(issuer) + config + location("/valid"), files=PAGE, **more)


def gone(pids, seconds, what):
    """Wait until none of these processes is left; return how long that took."""
    begin = time.monotonic()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), seconds, what, every=0.005)
    return time.monotonic() - begin


def fetcher(server, issuer, seconds=5):
    """The process that holds the connection to the issuer."""
    return wait_until(lambda: connected_to(issuer.port, server.pids()), seconds,
                      "a process that fetches", every=0.005)[0]


# ---- start, restart, stop ---------------------------------------------------------


@several
@mpms
def test_one_fetch_is_enough_for_a_whole_life_under(httpd, ready_issuer, mpm):
    """Keys outlive every kind of restart, also while the issuer is down.

    And no process of an earlier life is left.
    """
    server = start(httpd, ready_issuer, refresh(cooldown=1), mpm=mpm, processes=2,
                   max_processes=4, threads=4)
    good = ready_issuer.mint()
    assert server.get("/valid", good).status == 200
    ready_issuer.stop()
    for again in (server.graceful, server.restart, server.graceful):
        before = set(server.pids())
        again()
        assert server.get("/valid", good).status == 200
        gone(before, 10, "the end of the former processes")
        assert ask_everything(server.port, [request_of(good, close=True)] * 40,
                              batch=1) == {200: 40}
        assert_refusal(server.get("/valid", tampered(good)), "E3",
                       reason="signature_invalid")
        assert_refusal(server.get("/valid", ready_issuer.mint(kid="other")), "E3",
                       reason="key_unknown")
        assert_refusal(server.get("/valid"), "E1")
    assert ready_issuer.fetches == 1

    ready_issuer.start()
    ready_issuer.rotate("key-2")
    wait_until(lambda: server.get("/valid", ready_issuer.mint()).status == 200, 10,
               "the recovery", every=0.1)
    last = set(server.pids())
    begin = time.monotonic()
    server.stop()
    took = time.monotonic() - begin
    assert server.process.returncode == 0
    assert not any(is_alive(pid) for pid in last)
    assert took <= 3.0 * SLOW, f"stopping took {took:.1f} s"


def test_httpd_t_fetches_nothing(ready_issuer):
    server = Httpd(trust(ready_issuer) + location("/valid"), files=PAGE)
    assert server.configtest()[0] == 0
    time.sleep(0.3)
    assert ready_issuer.connections == 0
    with server:
        assert server.get("/valid", ready_issuer.mint()).status == 200
    assert ready_issuer.fetches == 1


#: Where a start fails: while the configuration is read for the first time; when it has
#: been read for the second time and everything but the processes is there.
FAILED_STARTS = {"in the first pass": "Listen 127.0.0.1:{taken}\n",
                 "after the second pass": "PidFile run/not/there/httpd.pid\n"}


@several
@pytest.mark.parametrize("when", FAILED_STARTS, ids=lambda when: when.replace(" ", "-"))
def test_a_start_that_fails_has_fetched_nothing(ready_issuer, when):
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        server = Httpd(FAILED_STARTS[when].format(taken=other.getsockname()[1])
                       + trust(ready_issuer) + location("/valid"), files=PAGE)
        server.spawn()
        assert server.process.wait(15 * SLOW) != 0, server.all_logs()
    time.sleep(0.2)
    assert ready_issuer.connections == 0
    server.assert_clean()


# ---- the parent -------------------------------------------------------------------


@several
@mpms
def test_the_parent_has_no_thread_and_no_handle_of_ours(httpd, ready_issuer, mpm):
    """What a parent holds, every child inherits: as much as without the module.

    Nor does it gather anything from restart to restart. Its shared memory is two pieces:
    the keys, made anew by each restart, and the counters, made once.
    """
    plain = httpd("", files=PAGE, auth0=False, mpm=mpm, processes=2, threads=4)
    server = start(httpd, ready_issuer, mpm=mpm, processes=2, threads=4)
    token = ready_issuer.mint()
    parent = server.process.pid
    assert server.get("/valid", token).status == 200
    assert threads_of(parent) == 1

    def handles(of):
        return {target.replace(str(of.root), "root"): number
                for target, number in handles_of(of.process.pid).items()}

    first, memory = handles(server), shared_memory_of(parent)
    assert first == handles(plain)
    ours = list(memory)
    for size in shared_memory_of(plain.process.pid):
        ours.remove(size)
    assert len(ours) == 2, (memory, shared_memory_of(plain.process.pid))
    for again in (server.restart, server.graceful):
        before = set(server.pids())
        again()
        gone(before, 10, "the end of the former processes")
        assert server.get("/valid", token).status == 200
    assert threads_of(parent) == 1
    assert handles(server) == first
    assert shared_memory_of(parent) == memory


@several
def test_a_graceful_restart_is_as_quick_as_without_the_module(httpd, ready_issuer):
    """httpd starts the new processes as the old ones leave; if these take long, it looks
    again only a second later, and that long nobody is served."""
    plain = httpd("", files=PAGE, auth0=False, processes=4, threads=2)
    server = start(httpd, ready_issuer, processes=4, threads=2)
    assert server.get("/valid", ready_issuer.mint()).status == 200
    took = {plain: [], server: []}
    for _ in range(5):
        for one, seconds in took.items():
            before = one.pids()
            one.graceful()
            seconds.append(gone(before, 10, "the end of the former processes"))
            http.request(one.port, "GET", "/valid")  # there are new ones
    without, with_it = (statistics.median(seconds) for seconds in took.values())
    print(f"the former processes were gone after {with_it * 1000:.0f} ms, without the "
          f"module after {without * 1000:.0f} ms")
    assert with_it <= without + 0.08 * SLOW


# ---- reloads ---------------------------------------------------------


@several
def test_a_restart_does_not_make_old_keys_young(httpd, ready_issuer):
    """The stale time runs on through restarts."""
    server = start(httpd, ready_issuer, refresh(1, 3, 1))
    token = ready_issuer.mint()
    assert server.get("/valid", token).status == 200
    ready_issuer.stop()
    begin = time.monotonic()
    for again in (server.graceful, server.restart, server.graceful):
        time.sleep(0.6)
        again()
    answer = wait_until(lambda: (a := server.get("/valid", token)).status != 200 and a, 5,
                        "the end of the stale time", every=0.1)
    assert_refusal(answer, "E5")
    assert time.monotonic() - begin >= 2.0


@several
def test_a_shorter_fresh_time_holds_from_the_reload_on(httpd, ready_issuer):
    """The next attempt is not left where the former configuration had put it."""
    def config(**times):
        return trust(ready_issuer) + refresh(**times) + location("/valid")

    server = httpd(config(), files=PAGE)
    assert server.get("/valid", ready_issuer.mint()).status == 200
    server.configure(config(fresh=1))
    server.graceful()
    ready_issuer.wait_for_fetches(3, seconds=6)


@several
def test_a_shorter_stale_time_does_not_shut_out_valid_tokens(httpd, ready_issuer):
    """Keys that the new configuration calls too old are fetched anew, not waited out."""
    def config(**times):
        return trust(ready_issuer) + refresh(**times) + location("/valid")

    server = httpd(config(), files=PAGE)
    token = ready_issuer.mint()
    assert server.get("/valid", token).status == 200
    time.sleep(2)
    server.configure(config(fresh=1, stale=2, cooldown=1))
    before = set(server.pids())
    server.graceful()
    gone(before, 10, "the end of the former processes")
    wait_until(lambda: server.get("/valid", token).status == 200, 5, "keys young enough",
               every=0.2)


# ---- a hung fetch -----------------------------------------------------------------


class MutePort:
    """Instead of an issuer: a port that takes connections, or not even those."""

    def __init__(self, port, full):
        self._sockets = [socket.create_server(("127.0.0.1", port),
                                              backlog=0 if full else 64)]
        for _ in range(3 if full else 0):  # then the kernel drops what else arrives
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            self._sockets.append(client)

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        for sock in self._sockets:
            sock.close()


def hung(issuer, how):
    """The issuer as a context manager, silent in this way."""
    if how == "request":
        issuer.fail_with(hang=True)
        return issuer
    return MutePort(issuer.port, full=how == "connect")


@several
@pytest.mark.parametrize("mpm, how", [("event", "request"), ("worker", "request"),
                                      ("prefork", "request"), ("event", "handshake"),
                                      ("event", "connect")])
def test_h13_stopping_does_not_wait_for_a_hung_fetch(authority, mpm, how):
    """Whatever the fetch is waiting for, its process is gone in under two seconds."""
    issuer = Issuer(authority)
    server = Httpd(trust(issuer) + "Auth0HTTPTimeout 20s 20s\n" + location("/valid"),
                   files=PAGE, mpm=mpm, processes=2, threads=4)
    with hung(issuer, how):
        with server:
            busy = fetcher(server, issuer)
            children = server.pids()
            assert busy in children
            begin = time.monotonic()
        took = time.monotonic() - begin
        assert not any(is_alive(pid) for pid in children)
        issuer.heal()
    print(f"{mpm}, hung in {how}: stopped after {took:.2f} s")
    assert took < 2.0 * SLOW
    assert server.process.returncode == 0


@several
@mpms
def test_a_graceful_restart_does_not_wait_for_a_hung_fetch(httpd, ready_issuer, mpm):
    """The old process that fetched is gone at once; a new one fetches in its place."""
    ready_issuer.fail_with(hang=True)
    server = start(httpd, ready_issuer, "Auth0HTTPTimeout 20s 20s\n", mpm=mpm,
                   processes=2, threads=4)
    ready_issuer.wait_for_fetches(1)
    old = fetcher(server, ready_issuer)
    server.graceful()
    took = gone([old], 10, "the end of the process that fetched")
    print(f"{mpm}: gone {took:.2f} s after the restart")
    assert took < 2.0 * SLOW
    ready_issuer.wait_for_fetches(2)
    new = fetcher(server, ready_issuer)
    assert new != old
    ready_issuer.heal()


@several
@mpms
def test_stopping_does_not_wait_for_requests_that_wait_for_keys(authority, mpm):
    """H13: two seconds is what each of them may wait, but not when the process ends."""
    with Issuer(authority) as issuer:
        issuer.fail_with(hang=True)
        server = Httpd(trust(issuer) + "Auth0HTTPTimeout 20s 20s\n" + location("/valid"),
                       files=PAGE, mpm=mpm, processes=2, threads=8)
        request = request_of(issuer.mint(), close=True)
        with server:
            issuer.wait_for_fetches(1)
            waiting = [threading.Thread(target=ask_once, args=(server.port, request))
                       for _ in range(4)]
            for thread in waiting:
                thread.start()
            time.sleep(0.3)
            children = server.pids()
            server.process.terminate()
            took = gone(children, 10, "the end of the processes")
        for thread in waiting:
            thread.join(10)
        issuer.heal()
    print(f"{mpm}: gone after {took:.2f} s")
    assert took < 1.2 * SLOW


def ask_once(port, request):
    with Client(port) as client, contextlib.suppress(Cut):
        client.ask(request)


# ---- processes that die -----------------------------------------------------------


@several
@mpms
def test_h7_killing_a_process_that_only_serves_changes_nothing(httpd, ready_issuer, mpm):
    server = start(httpd, ready_issuer, refresh(1, cooldown=1), mpm=mpm, processes=4,
                   threads=2, log_level="info")
    ready_issuer.delay = 0.2
    good = ready_issuer.mint()
    assert server.get("/valid", good).status == 200
    with Load(server.port, answers_to(good), clients=3) as load:
        for _ in range(5 if LOAD_ALL else 1):
            leader = fetcher(server, ready_issuer)
            victim = next(pid for pid in server.pids() if pid != leader)
            server.kill_child(victim)
            before = ready_issuer.fetches
            ready_issuer.wait_for_fetches(before + 1, seconds=4)
            assert leader in server.pids()
    load.assert_right()
    gaps = [b - a for a, b in itertools.pairwise(ready_issuer.fetch_times)]
    print(f"{mpm}: {load.total()} answers, {load.cut} cut short; fetches at most "
          f"{max(gaps):.1f} s apart")
    assert max(gaps) <= 1.0 + 0.2 + 1.5 * SLOW


@several
@pytest.mark.parametrize("moment", ["while it fetches", "between two fetches"],
                         ids=lambda moment: moment.replace(" ", "-"))
@mpms
def test_h7_when_the_process_that_fetches_is_killed_another_takes_over(
        httpd, ready_issuer, mpm, moment):
    """Within its lease of 2 s. An attempt that it left behind must have timed out.

    That an attempt is noted before it is made protects an issuer whose answer kills: each
    successor waits for the timeout and a second more.
    """
    timeout = 1
    server = start(httpd, ready_issuer,
                   refresh(1, cooldown=1) + f"Auth0HTTPTimeout 1s {timeout}s\n", mpm=mpm,
                   processes=4, threads=2, log_level="info")
    ready_issuer.delay = 0.3
    good = ready_issuer.mint()
    assert server.get("/valid", good).status == 200
    took = []
    with Load(server.port, answers_to(good), clients=3) as load:
        for _ in range(5 if LOAD_ALL else 1):
            leader = fetcher(server, ready_issuer)
            if moment == "between two fetches":
                wait_until(lambda: not connected_to(ready_issuer.port, [leader]), 3,
                           "the end of a fetch", every=0.005)
            before = ready_issuer.fetches
            begin = time.monotonic()
            server.kill_child(leader)
            ready_issuer.wait_for_fetches(before + 1, seconds=10)
            took.append(time.monotonic() - begin)
            assert leader != fetcher(server, ready_issuer)
    load.assert_right()
    print(f"{mpm}, killed {moment}: the next fetch came after "
          + ", ".join(f"{seconds:.2f}" for seconds in took)
          + f" s; {load.total()} answers, {load.cut} cut short")
    assert max(took) <= timeout + 1 + 1.5 * SLOW


@several
@mpms
def test_h7_keys_survive_the_death_of_every_process(httpd, ready_issuer, mpm):
    """They are in memory that the parent holds too."""
    server = start(httpd, ready_issuer, mpm=mpm, processes=2, threads=4)
    good = ready_issuer.mint()
    assert server.get("/valid", good).status == 200
    ready_issuer.stop()
    before = server.pids()
    for pid in before:
        server.kill_child(pid)
    gone(before, 5, "the end of the processes")
    statuses = ask_everything(server.port, [request_of(good, close=True)] * 40, batch=1)
    assert statuses == {200: 40}
    assert ready_issuer.fetches == 1
    ready_issuer.start()
    ready_issuer.rotate("key-2")  # and somebody fetches again
    assert wait_until(lambda: server.get("/valid", ready_issuer.mint()).status == 200, 5,
                      "the new key", every=0.1)


@several
@mpms
def test_h8_processes_of_ten_connections_refuse_nothing(httpd, ready_issuer, mpm):
    """MaxConnectionsPerChild 10 under load: those that fetch come and go all the time."""
    server = start(httpd, ready_issuer,
                   "MaxConnectionsPerChild 10\n" + refresh(2, cooldown=1), mpm=mpm,
                   processes=4, max_processes=8, threads=4, log_level="info")
    good = ready_issuer.mint()
    assert server.get("/valid", good).status == 200
    seen = set()
    begin = time.monotonic()
    with Load(server.port, answers_to(good, close=True), clients=4, pause=0.01) as load:
        while time.monotonic() - begin < (20 if LOAD_ALL else 3.5):
            seen.update(server.pids())
            time.sleep(0.02)
    elapsed = time.monotonic() - begin
    print(f"{mpm}: {load.total()} answers of {len(seen)} processes, {load.cut} cut short,"
          f" {ready_issuer.fetches} fetches in {elapsed:.1f} s")
    load.assert_right(at_least=20)  # httpd replaces its processes at leisure
    assert len(seen) >= 10
    # As often as one that stays would; an attempt that went down with its process counts.
    assert 2 <= ready_issuer.fetches <= elapsed / 1.6 + 4


# ---- restarts under load ----------------------------------------------------------


def answers_to(good, close=False):
    """Cases for Load: a token, a forgery of it, and nothing."""
    return {"good": (request_of(good, close=close), 200),
            "forged": (request_of(tampered(good), close=close), 401),
            "none": (request_of(close=close), 401)}


@several
@mpms
def test_h6_restarts_under_load_change_no_decision(httpd, ready_issuer, mpm):
    """With each graceful restart the audience is another: verdicts of before are of no
    use. One audience is always among them; a forged token is never good. Every answer
    says by which configuration it was given."""
    restarts = 100 if LOAD_ALL else 10
    names = ("even", "odd")

    def config(name):
        audiences = f"https://api.example.com https://{name}.example.com"
        return (f"Header always set X-Configuration {name}\n" + trust(ready_issuer)
                + location("/valid", audience=audiences))

    server = httpd(config("even"), files=PAGE, mpm=mpm, processes=2, max_processes=6,
                   threads=8, log_level="info")
    good = ready_issuer.mint()
    assert server.get("/valid", good).status == 200
    cases = answers_to(good)
    tokens = {name: ready_issuer.mint(aud=f"https://{name}.example.com")
              for name in names}
    for name, token in tokens.items():
        here = f"\r\nX-Configuration: {name}".encode()
        cases[name] = (request_of(token), lambda status, head, here=here:
                       status == (200 if here in head else 401))
        cases["forged " + name] = (request_of(tampered(token)), 401)
    with Load(server.port, cases, clients=3) as load:
        for number in range(1, restarts + 1):
            now, then = names[number % 2], names[(number + 1) % 2]
            server.configure(config(now))
            server.graceful()
            wait_until(lambda: server.get("/valid", tokens[now]).status == 200, 5,
                       "the new audience")
            wait_until(lambda: server.get("/valid", tokens[then]).status == 401, 5,
                       "the end of the old one")
    print(f"{mpm}: {restarts} restarts, {load.total()} answers, {load.cut} cut short, "
          f"{ready_issuer.fetches} fetches, slowest {load.slowest() * 1000:.0f} ms")
    load.assert_right(at_least=10)  # not many: a restart may stall httpd for a second
    for name in names:
        assert set(load.answers[name]) == {200, 401}
    assert ready_issuer.fetches == 1
    assert_refusal(server.get("/valid", tokens[then]), "E3", reason="audience_mismatch")
