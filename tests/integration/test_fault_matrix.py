"""Every fault of an issuer in every state of its keys.

    cold   no keys ever        a known and an unknown kid are E5
    warm   keys are fresh      a known kid is accepted as fast as ever, an unknown one E3
    stale  refreshes fail      the same
    dead   the stale time is over                      as cold

The table is in support/fault_table.py. One server holds all rows of one state, a tenant
each, and a healthy tenant among them. A third of the cells runs; all of them with
AUTH0_JWT_FAULTS=all, which also prints the whole table with what was measured.
"""

import concurrent.futures
import dataclasses
import email.utils
import os
import re
import threading
import time
from pathlib import Path

import pytest

from support import namespace, paths, tokens
from support.conf import location
from support.fault_table import FAULTS, LINK_LOCAL
from support.httpd import Httpd, readable_folder
from support.issuer import JWKS_PATH
from support.origin import PROXIED_ZONE, ZONE, Door, Origins, answer
from support.process import find_faketime
from support.refusal import assert_refusal
from support.wait import wait_until

pytestmark = pytest.mark.skipif(paths.VALGRIND,
                                reason="this is about time; valgrind has its own")

ALL = os.environ.get("AUTH0_JWT_FAULTS") == "all"

#: Auth0JWKSRefresh in each state: fresh, stale, cooldown in seconds.
STATES = {"cold": (60, 3600, 1), "warm": (60, 3600, 1), "stale": (2, 3600, 1),
          "dead": (2, 6, 1)}
#: Auth0HTTPTimeout in seconds: more than a busy machine needs for fifty handshakes.
CONNECT, TOTAL = 1.0, 1.5

CELLS = [(state, fault) for column, state in enumerate(STATES)
         for row, fault in enumerate(FAULTS) if ALL or (row + column) % 3 == 0]

#: Seconds. A request for which there are keys waits for nobody; a page without any
#: protection tells what the machine itself adds.
PROMPT = 0.3
#: One without keys, or with an unknown kid, waits for an attempt, 2 s at most.
PATIENT = 2.0 + PROMPT
#: From the repair of an issuer to the first accepted token: what is left of the backoff.
RECOVERY = 20.0

FIRST, SECOND = tokens.Key("RS256", "key-1"), tokens.Key("RS256", "key-2")


@pytest.fixture(scope="module")
def origins(authority):
    with Origins(authority) as made:
        yield made


@dataclasses.dataclass
class Asked:
    """A request and its answer."""

    began: float
    seconds: float
    response: object

    @property
    def status(self):
        return self.response.status

    @property
    def retry_after(self):
        return int(self.response.header("Retry-After"))


@dataclasses.dataclass(eq=False)
class Cell:
    """A fault in a state: the tenant that has it, and what was seen."""

    fault: object
    state: str
    tenant: object
    path: str
    known: list = dataclasses.field(default_factory=list)
    unknown: list = dataclasses.field(default_factory=list)
    attempts: list = None       # when; None where there is no trace of them
    window: tuple = None        # from the beginning of the fault to its end
    paths: set = None
    beside: list = None         # seconds of the healthy tenant's requests meanwhile
    log: list = None            # lines that name the tenant, while the fault was there
    recovered: float = None     # seconds from the end of the fault; None for never
    verdict: str = "not run"


def came_true(true, seconds):
    """For what a cell asserts later, each for itself."""
    try:
        return wait_until(true, seconds, every=0.1)
    except AssertionError:
        return False


class TooBusy(Exception):
    """An origin did not answer in time before it was told not to."""


class Column:
    """One state: a server with all the tenants that are to be faulty in it."""

    def __init__(self, origins, state, faults):
        self.origins, self.state = origins, state
        self.serving = state in ("warm", "stale")
        self.namespace = None if namespace.why_not() else namespace.Namespace()
        self.proxy, self.plain = Door(origins, "proxy"), Door(origins, "plain")
        self.healthy = origins.tenant(keys=[FIRST])
        self.cells = [self.cell(number, fault) for number, fault in enumerate(faults)
                      if self.namespace or fault.via not in ("hosts", "names")]
        self.probes, self.controls = [], []
        self.contacted = set()
        self.sizes = {}
        self.run()

    def cell(self, number, fault):
        host = {"origin": "localhost", "proxy": f"p{number}.{PROXIED_ZONE}"}.get(
            fault.via, f"{self.state}{number}.{ZONE}")
        tenant = self.origins.tenant(keys=[FIRST], host=host)
        return Cell(fault, self.state, tenant, f"/{number}")

    # ---- bringing it about ---------------------------------------------------

    def switch(self, broken):
        """Begin all faults, or end them."""
        faults, ways, addresses = {}, {}, {}
        for cell in self.cells:
            fault, host = cell.fault.fault, cell.tenant.host
            if cell.fault.via == "origin":
                faults[cell.tenant] = fault if broken else {}
            elif cell.fault.via == "proxy":
                faults[self.proxy] = fault if broken else {}
            elif cell.fault.via == "names":
                ways[host] = fault["name"] if broken else "ok"
            else:
                addresses[host] = fault["address"] if broken else "127.0.0.1"
        self.origins.misbehave(faults)
        if ways:
            self.origins.tell("resolve", ways=ways, server=namespace.NAME_SERVER)
        if addresses:
            self.namespace.point(addresses)

    def server(self):
        fresh, stale, cooldown = STATES[self.state]
        config = (f"Auth0CAFile {self.healthy.ca_file}\n"
                  f"Auth0JWKSRefresh {fresh}s {stale}s {cooldown}s\n"
                  f"Auth0HTTPTimeout {CONNECT * 1000:.0f}ms {TOTAL * 1000:.0f}ms\n")
        files = {"htdocs/open": "ok"}
        for path, tenant in [("/healthy", self.healthy),
                             *((cell.path, cell.tenant) for cell in self.cells)]:
            config += location(path, f"Auth0Domain {tenant.domain}")
            files[f"htdocs{path}"] = "ok"
        return Httpd(config, files=files, processes=2, threads=32,
                     env={"https_proxy": f"http://127.0.0.1:{self.proxy.port}",
                          "no_proxy": f"localhost,.{ZONE}"},
                     prefix=self.namespace.prefix if self.namespace else ())

    # ---- asking --------------------------------------------------------------

    def ask(self, path, token):
        began = time.monotonic()
        response = self.httpd.get(path, token)
        return Asked(began, time.monotonic() - began, response)

    def ask_all(self, work, cells=None, parallel=8):
        """work(cell) for all, a few at a time; a list of what it returned."""
        with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
            return list(pool.map(work, self.cells if cells is None else cells))

    def ask_cell(self, cell):
        """A known kid, an unknown one, and the known one again."""
        good = cell.tenant.mint()
        cell.known.append(self.ask(cell.path, good))
        cell.unknown.append(self.ask(cell.path, cell.tenant.mint(kid="unknown")))
        for _ in range(3 if self.serving else 1):
            cell.known.append(self.ask(cell.path, good))

    def probe(self):
        """The healthy tenant's client, all the while; and who is spoken to."""
        token, sizes = self.healthy.mint(), (0, 0, 0)
        address = "".join(f"{int(part):02X}" for part in reversed(LINK_LOCAL.split(".")))
        while not self.done.is_set():
            self.probes.append(self.ask("/healthy", token))
            self.controls.append(self.ask("/open", None))
            if address in Path("/proc/net/tcp").read_text():
                self.contacted.add(LINK_LOCAL)
            if len(self.probes) % 10 == 0:
                sizes = tuple(map(max, zip(sizes, self.measure_processes())))
            self.done.wait(0.02)
        self.sizes["at most"] = sizes

    @property
    def noise(self):
        """How slow the machine itself is: the slowest answer that is no work of ours."""
        return max(control.seconds for control in self.controls)

    def measure_processes(self):
        """The most threads, descriptors and megabytes that any child has now."""
        sizes = [(0, 0, 0)]
        for pid in self.httpd.pids():
            try:
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                sizes.append((len(os.listdir(f"/proc/{pid}/task")),
                              len(os.listdir(f"/proc/{pid}/fd")), pages // 256))
            except OSError:
                continue
        return tuple(map(max, zip(*sizes)))

    # ---- the course of events ------------------------------------------------

    def run(self):
        self.switch(broken=self.state == "cold")
        self.begin = time.monotonic()
        with self.server() as self.httpd:
            self.started = time.monotonic() - self.begin
            self.done = threading.Event()
            prober = threading.Thread(target=self.probe)
            wait_until(lambda: self.ask("/healthy", self.healthy.mint()).status == 200, 10,
                       "the healthy tenant")
            try:
                if self.state != "cold":
                    self.warm_up()
                prober.start()
                self.suffer()
                self.recover()
            finally:
                self.done.set()
                if prober.ident:
                    prober.join()
                self.switch(broken=False)
            self.compare_processes()

    def warm_up(self):
        def warm(cell):
            token = cell.tenant.mint()
            wait_until(lambda: self.ask(cell.path, token).status == 200, 10,
                       f"{cell.fault.name}: the keys, before anything is wrong")
        self.ask_all(warm)
        if "cannot fetch" in self.httpd.log():
            raise TooBusy  # and has used up the one line of this minute
        self.begin = time.monotonic()
        self.mark = self.httpd.mark()
        self.switch(broken=True)

    def suffer(self):
        if self.state == "cold":
            self.mark = 0
        elif self.state == "stale":
            time.sleep(2 * STATES["stale"][0])
        elif self.state == "dead":
            time.sleep(STATES["dead"][1])
            self.ask_all(lambda cell: cell.fault.serves or came_true(
                lambda: self.ask(cell.path, cell.tenant.mint()).status != 200, 5))
        self.ask_all(self.ask_cell)
        self.healthy.keys = [FIRST, SECOND]
        self.healthy.publish()
        self.rotated = self.ask("/healthy", self.healthy.mint(key=SECOND))
        came_true(lambda: all(self.lines_of(cell) or cell.fault.serves
                              for cell in self.cells), 3)
        wait_until(lambda: len(self.probes) >= 50, 30, "what the healthy tenant's client saw")
        for cell in self.cells:
            cell.log = self.lines_of(cell)

    def lines_of(self, cell):
        return [line for line in self.httpd.log(self.mark).splitlines()
                if f"{cell.tenant.domain}/" in line
                and (":warn]" in line or ":error]" in line)]

    def recover(self):
        """All is well again, and each tenant has a second key, used at once."""
        for cell in self.cells:
            cell.tenant.keys = [FIRST, SECOND]
            cell.tenant.publish()
        end = time.monotonic()
        self.switch(broken=False)
        for cell in self.cells:
            cell.window = (self.begin, end)
        self.count(end)

        def follow(cell):
            known, fresh = cell.tenant.mint(), cell.tenant.mint(key=SECOND)
            limit = RECOVERY + cell.fault.retry_after
            if came_true(lambda: self.ask(cell.path, fresh).status == 200
                         and self.ask(cell.path, known).status == 200, limit):
                cell.recovered = time.monotonic() - end
        self.ask_all(follow, parallel=16)

    def count(self, end):
        """What each tenant saw while it was faulty."""
        for cell in self.cells:
            times = None
            if cell.fault.via == "names":
                times = self.origins.tell("queries", name=cell.tenant.host)
            elif cell.fault.countable:
                times = cell.tenant.connection_times
            if times is not None:
                cell.attempts = [at for at in times if self.begin <= at < end]
            cell.paths = {path for _, path in cell.tenant.requests}
            cell.beside = [probe.seconds for probe in self.probes
                           if self.begin <= probe.began < end]

    def compare_processes(self):
        """After all that a child is as big as one that has just been born."""
        self.sizes["after"] = self.measure_at_rest()
        old = set(self.httpd.pids())
        self.httpd.graceful()
        wait_until(lambda: not old & set(self.httpd.pids()), 10, "the old children's end")
        wait_until(lambda: self.ask("/healthy", self.healthy.mint()).status == 200, 5)
        self.sizes["fresh"] = self.measure_at_rest()

    def measure_at_rest(self):
        """The least of a while: not what a fetch under way needs."""
        samples = []
        for _ in range(20):
            samples.append(self.measure_processes())
            time.sleep(0.1)
        return tuple(map(min, zip(*samples)))


def bring_about(origins, state, faults, tries=5):
    for _ in range(tries):
        try:
            return Column(origins, state, faults)
        except TooBusy:
            pass
    raise AssertionError(f"{tries} times, this machine was too busy for honest origins")


@pytest.fixture(scope="module")
def column(origins, request):
    """The columns, each measured when its first cell is asked for."""
    measured, failed = {}, {}

    def measure(state):
        if state in failed:
            pytest.fail(f"the state {state} was not brought about: {failed[state]}")
        if state not in measured:
            faults = [fault for one, fault in CELLS if one == state]
            try:
                measured[state] = bring_about(origins, state, faults)
            except BaseException as failure:
                failed[state] = repr(failure)
                raise
        return measured[state]

    request.config.pluginmanager.register(Summary(measured))
    return measure


class Summary:
    """The table at the end of the run."""

    def __init__(self, columns):
        self.columns = columns

    def pytest_terminal_summary(self, terminalreporter):
        if not ALL:
            return
        write = terminalreporter.write_line
        write("")
        write("fault x state: verdict, worst seconds of a known kid / of the healthy "
              "tenant beside it, attempts, seconds to recover")
        write(f"{'':32}" + "".join(f"{state:<32}" for state in self.columns))
        for fault in FAULTS:
            write(f"{fault.name:32}" + "".join(
                f"{self.describe(column, fault):<32}" for column in self.columns.values()))
        for state, column in self.columns.items():
            write(f"{state}: threads, descriptors and MB of a child {column.sizes}; "
                  f"{len(column.probes)} requests of the healthy tenant, the slowest "
                  f"{max(probe.seconds for probe in column.probes):.3f} s, of an open "
                  f"page {column.noise:.3f} s")
        write("")
        for fault, words in self.words():
            write(f"{fault:32}{words}")

    def words(self):
        """What the log says of each fault, behind the issuer's name."""
        for fault in FAULTS:
            said = {line.split("cannot fetch the keys of issuer ")[-1].partition("): ")[2]
                    for column in self.columns.values() for cell in column.cells
                    if cell.fault is fault for line in cell.log if "cannot fetch" in line}
            for words in sorted(re.sub(r"\d{5}", "PORT", one) for one in said)[:1]:
                yield fault.name, words

    @staticmethod
    def describe(column, fault):
        for cell in column.cells:
            if cell.fault is fault:
                slow = max((asked.seconds for asked in cell.known), default=0)
                beside = max(cell.beside or [0])
                count = "-" if cell.attempts is None else len(cell.attempts)
                back = "never" if cell.recovered is None else f"{cell.recovered:.1f}"
                return f"{cell.verdict:8}{slow:.2f}/{beside:.2f} {count:>3} {back:>5}"
        return "skipped"


# ---- the cells --------------------------------------------------------------------


def attempts_at_most(cell):
    """Backoff of 1, 2, 4 ... s less 20 %, and one for each unknown kid and cooldown."""
    fresh, _, cooldown = STATES[cell.state]
    seconds = cell.window[1] - cell.window[0]
    number, at = 1, 0.8
    while at < seconds:
        number, at = number + 1, at + 0.8 * 2 ** number
    if cell.fault.serves:
        number = seconds / (0.8 * fresh) + 1
    if cell.fault.serves or cell.state in ("warm", "stale"):
        number += min(len(cell.unknown), seconds / cooldown + 1)
    return number


def check_answers(cell, serving):
    for asked in cell.known:
        if serving or cell.fault.serves:
            assert asked.status == 200, f"a known kid: {asked.response!r}"
        else:
            assert_refusal(asked.response, "E5")
    for asked in cell.unknown:
        if serving or cell.fault.serves:
            assert_refusal(asked.response, "E3", reason="key_unknown")
        else:
            assert_refusal(asked.response, "E5")


def check_latency(cell, serving, noise):
    for asked in [*cell.known, *cell.unknown]:
        limit = PROMPT if asked.status == 200 and serving else PATIENT
        assert asked.seconds < limit + noise, \
            f"{asked.status} took {asked.seconds:.3f} s; an open page {noise:.3f} s"
    assert len(cell.beside) >= 50
    slowest = max(cell.beside)
    assert slowest < PROMPT + noise, \
        f"beside it, a healthy one took {slowest:.3f} s; an open page {noise:.3f} s"


def check_attempts(cell):
    if cell.attempts is None:
        return
    assert cell.attempts, "nothing was tried"
    most = attempts_at_most(cell)
    assert len(cell.attempts) <= most, (
        f"{len(cell.attempts)} attempts in {cell.window[1] - cell.window[0]:.1f} s are "
        f"more than {most:.0f}: {[round(at - cell.window[0], 2) for at in cell.attempts]}")
    if cell.fault.retry_after:
        gaps = [after - before for before, after in zip(cell.attempts, cell.attempts[1:])]
        assert all(gap >= cell.fault.retry_after - 0.2 for gap in gaps), \
            f"Retry-After: {cell.fault.retry_after} was not heeded: {gaps}"
        for asked in [*cell.known, *cell.unknown]:
            if asked.status == 503:
                end = asked.began + asked.seconds
                last = max(at for at in cell.attempts if at < end - 0.25)
                left = last + cell.fault.retry_after - end
                assert left <= asked.retry_after <= cell.fault.retry_after + 3, \
                    f"Retry-After: {asked.retry_after} when {left:.1f} s are left"


def check_log(cell):
    words = [line.split(f"{JWKS_PATH}: ", 1)[-1] for line in cell.log]
    if cell.fault.says is None:
        assert words == []
        return
    if cell.fault.serves and cell.state != "cold":
        # One warning for each document, and the document is the same.
        assert words == [] or re.search(cell.fault.says, words[0]) and len(words) == 1
        return
    assert words, "no warning names the tenant"
    found = [said for said in words if re.search(cell.fault.says, said)]
    assert found, f"no line says {cell.fault.says!r}: {words}"
    assert len(words) == 1 or not cell.fault.serves, words
    minutes = (cell.window[1] - cell.window[0]) / 60
    failures = [said for said in words if "cannot fetch" in said]
    assert len(failures) <= 1 + minutes, f"more than one a minute: {failures}"
    if cell.fault.also:
        assert any(re.search(cell.fault.also, said) for said in words), \
            f"no line says {cell.fault.also!r}: {words}"
    assert len(words) <= 5, words


@pytest.mark.parametrize("state, fault", CELLS,
                         ids=lambda value: getattr(value, "name", value).replace(" ", "-"))
def test_no_fault_does_more_harm_than_it_must(column, state, fault):
    if fault.via in ("hosts", "names") and namespace.why_not():
        pytest.skip(namespace.why_not())
    measured = column(state)
    cell = next(cell for cell in measured.cells if cell.fault is fault)
    cell.verdict = "FAILED"
    check_answers(cell, measured.serving)
    check_latency(cell, measured.serving, measured.noise)
    check_attempts(cell)
    assert cell.paths <= {JWKS_PATH}, f"another path was asked for: {cell.paths}"
    check_log(cell)
    assert cell.recovered is not None, "no recovery without a restart"
    cell.verdict = "ok"


@pytest.mark.parametrize("state", STATES)
def test_after_all_faults_a_child_holds_no_more_than_a_fresh_one(column, state):
    measured = column(state)
    sizes = measured.sizes
    for what, after, fresh in zip(("threads", "descriptors"), sizes["after"],
                                  sizes["fresh"]):
        assert after <= fresh + 2, f"{what}: {sizes}"
    # An attempt under way has a thread for the name and a few descriptors.
    threads, descriptors, megabytes = sizes["at most"]
    rows = len(measured.cells) + 1
    assert threads <= sizes["fresh"][0] + rows, sizes
    assert descriptors <= sizes["fresh"][1] + 4 * rows + 20, sizes
    assert megabytes <= sizes["fresh"][2] + 50, f"a bomb went off: {sizes}"


@pytest.mark.parametrize("state", STATES)
def test_beside_all_faults_a_server_starts_and_a_new_key_is_used_at_once(column, state):
    measured = column(state)
    assert measured.started < 5
    assert all(probe.status == 200 for probe in measured.probes)
    assert measured.rotated.status == 200
    assert measured.rotated.seconds < 1.0 + measured.noise, "a hung issuer delayed another's fetch"


@pytest.mark.parametrize("state", STATES)
def test_no_redirect_leads_anywhere(column, state):
    measured = column(state)
    assert measured.contacted == set()
    assert measured.plain.connections == 0


# ---- faults that are a course of events -------------------------------------------


def configuration(*tenants, refresh="60s 1h 1s", before=""):
    """Each tenant at its own path: /0, /1 ... and the pages for them."""
    config = (f"Auth0CAFile {tenants[0].ca_file}\nAuth0JWKSRefresh {refresh}\n"
              f"Auth0HTTPTimeout {CONNECT * 1000:.0f}ms {TOTAL * 1000:.0f}ms\n{before}\n")
    config += "".join(location(f"/{number}", f"Auth0Domain {tenant.domain}")
                      for number, tenant in enumerate(tenants))
    return config, {f"htdocs/{number}": "ok" for number in range(len(tenants))}


def failures_of(tenant, log):
    return [line for line in log.splitlines()
            if f"{tenant.domain}/" in line and "cannot fetch" in line]


def wait_for_keys(server, *tenants, seconds=10):
    for number, tenant in enumerate(tenants):
        wait_until(lambda: server.get(f"/{number}", tenant.mint()).status == 200, seconds,
                   f"the keys of {tenant.domain}", every=0.1)


def timed(server, path, token):
    began = time.monotonic()
    response = server.get(path, token)
    return Asked(began, time.monotonic() - began, response)


CACHE_HEADERS = {"max-age 0": "Cache-Control: max-age=0, no-store\r\nExpires: 0\r\n",
                 "ten years": "Cache-Control: public, max-age=315360000, immutable\r\n",
                 "nothing": ""}


def test_cache_control_of_an_issuer_has_no_influence(httpd, origins):
    """Real ones say anything from 15 seconds to years; what is configured counts."""
    tenants = [origins.tenant(keys=[FIRST]) for _ in CACHE_HEADERS]
    for tenant, headers in zip(tenants, CACHE_HEADERS.values()):
        tenant.publish(headers)
    config, files = configuration(*tenants, refresh="2s 1h 1s")
    server = httpd(config, files=files)
    wait_for_keys(server, *tenants)
    time.sleep(4.5)
    fetches = dict(zip(CACHE_HEADERS, [tenant.fetches for tenant in tenants]))
    assert all(3 <= number <= 4 for number in fetches.values()), fetches


def test_an_issuer_that_fails_one_time_in_three_is_as_good_as_any(httpd, origins):
    tenant = origins.tenant(keys=[FIRST])
    tenant.misbehave({"one_in_three": True, **answer("500 Internal Server Error", "")})
    config, files = configuration(tenant, refresh="1s 4s 1s")
    server = httpd(config, files=files)
    wait_for_keys(server, tenant)
    token, began, number = tenant.mint(), time.monotonic(), 0
    while time.monotonic() - began < 7:
        asked = timed(server, "/0", token)
        assert asked.status == 200, f"after {time.monotonic() - began:.1f} s"
        assert asked.seconds < PROMPT
        number += 1
        time.sleep(0.05)
    assert tenant.fetches >= 6 and number > 50
    failures = failures_of(tenant, server.log())
    assert failures, "nobody told of the failures"
    assert len(failures) == 1, "more than one line a minute:\n" + "\n".join(failures)


def test_an_address_that_changes_is_followed(httpd, origins):
    """No restart, and no waiting for what some cache remembers."""
    if namespace.why_not():
        pytest.skip(namespace.why_not())
    names = namespace.Namespace()
    tenant = origins.tenant(keys=[FIRST], host=f"moves.{ZONE}", ip="127.0.0.2")
    names.point({tenant.host: "127.0.0.2"})
    config, files = configuration(tenant, refresh="1s 1h 1s")
    server = httpd(config, files=files, prefix=names.prefix)
    wait_for_keys(server, tenant)
    tenant.move("127.0.0.3")
    names.point({tenant.host: "127.0.0.3"})
    fresh = tenant.rotate("key-3")
    assert server.get("/0", tenant.mint(key=FIRST)).status == 200
    wait_until(lambda: server.get("/0", tenant.mint(key=fresh)).status == 200, 8,
               "the keys from the new address", every=0.2)
    assert server.get("/0", tenant.mint(key=FIRST)).status == 200


def test_a_silent_name_server_holds_up_no_stop(httpd, origins):
    """H13: a child is gone within two seconds."""
    if namespace.why_not():
        pytest.skip(namespace.why_not())
    tenant = origins.tenant(keys=[FIRST], host=f"silence.{ZONE}")
    origins.tell("resolve", ways={tenant.host: "silent"}, server=namespace.NAME_SERVER)
    config, files = configuration(tenant)
    server = httpd(config, files=files, prefix=namespace.Namespace(patience=20).prefix)
    assert_refusal(server.get("/0", tenant.mint()), "E5")
    assert origins.tell("queries", name=tenant.host)
    began = time.monotonic()
    server.process.terminate()
    server.process.wait(15)
    assert time.monotonic() - began <= 2.5


RETRY_AFTER = {
    # what the issuer says: how long no attempt may follow, from and to
    "2 minutes": ("503 Service Unavailable", "120", 115, 120),
    "a day, of which an hour counts": ("429 Too Many Requests", "86400", 3590, 3600),
    "a date": ("503 Service Unavailable", 100, 90, 101),
    "0": ("429 Too Many Requests", "0", 1, 4),
    "a negative number": ("503 Service Unavailable", "-120", 1, 4),
    "no number": ("503 Service Unavailable", "soon", 1, 4),
    "a date long ago": ("429 Too Many Requests", -100, 1, 4),
}


def refusing(line, value):
    """Answers so; a number stands for the date in so many seconds."""
    if isinstance(value, int):
        value = email.utils.formatdate(time.time() + value, usegmt=True)
    return answer(line, "", headers=[f"Retry-After: {value}"])


def test_retry_after_is_heeded_up_to_an_hour_and_passed_on(httpd, origins):
    tenants = {name: origins.tenant(keys=[FIRST]) for name in RETRY_AFTER}
    for name, (line, value, _, _) in RETRY_AFTER.items():
        tenants[name].misbehave(refusing(line, value))
    config, files = configuration(*tenants.values())
    server = httpd(config, files=files, threads=32)
    for number, (name, tenant) in enumerate(tenants.items()):
        _, _, least, most = RETRY_AFTER[name]
        wait_until(lambda: failures_of(tenant, server.log()), 5, f"{name}: the failure")
        asked = timed(server, f"/{number}", tenant.mint())
        assert_refusal(asked.response, "E5")
        assert least <= asked.retry_after <= most, f"{name}: {asked.response!r}"
        if least > 1:
            assert asked.seconds < PROMPT, f"{name}: waited for nothing"
    time.sleep(3)
    for name, (_, _, least, _) in RETRY_AFTER.items():
        number = tenants[name].connections
        assert number == 1 if least > 1 else number > 1, f"{name}: {number} attempts"


def test_unknown_kids_bring_no_attempt_before_retry_after_is_over(httpd, origins):
    tenant = origins.tenant(keys=[FIRST])
    config, files = configuration(tenant)
    server = httpd(config, files=files)
    wait_for_keys(server, tenant)
    tenant.misbehave(refusing("429 Too Many Requests", "6"))
    began, number = time.monotonic(), 0
    while time.monotonic() - began < 4:
        number += 1
        asked = timed(server, "/0", tenant.mint(kid=f"unknown-{number}"))
        assert_refusal(asked.response, "E3", reason="key_unknown")
        assert number == 1 or asked.seconds < PROMPT
        assert timed(server, "/0", tenant.mint()).status == 200
        time.sleep(0.1)
    assert tenant.fetches == 2, "the first fetch and the one that was refused"
    tenant.behave()
    fresh = tenant.rotate("key-3")
    wait_until(lambda: server.get("/0", tenant.mint(key=fresh)).status == 200, 6,
               "the new key, when the time is over", every=0.1)
    third = tenant.connection_times[2] - tenant.connection_times[1]
    assert 5.8 <= third <= 9, third


PROXY_FAULTS = {"refuses": ({"closed": True}, r"refused"),
                "wants a password": (answer("407 Proxy Authentication Required", ""), r"407"),
                "fails": (answer("502 Bad Gateway", ""), r"502"),
                "is silent": ({"silent": True}, r"timed out after [01]\.\d s")}


@pytest.mark.parametrize("fault", PROXY_FAULTS)
def test_a_proxy_that_fails_is_named_and_never_passed_by(httpd, origins, fault):
    faulty, says = PROXY_FAULTS[fault]
    proxy, tenant = Door(origins, "proxy"), origins.tenant(keys=[FIRST])
    proxy.misbehave(faulty)
    config, files = configuration(
        tenant, before=f"Auth0HTTPProxy http://127.0.0.1:{proxy.port}")
    server = httpd(config, files=files, env={"no_proxy": "localhost"})
    assert_refusal(server.get("/0", tenant.mint()), "E5")
    line = wait_until(lambda: failures_of(tenant, server.log()), 3, "a warning")[0]
    assert re.search(says, line.split("failures in a row")[1]), line
    assert str(proxy.port) in line or "roxy" in line, f"the proxy is not named: {line}"
    assert tenant.connections == 0, "the proxy was passed by"
    proxy.behave()
    wait_for_keys(server, tenant)
    assert {target for _, target in proxy.requests} == {tenant.domain}
    assert len(failures_of(tenant, server.log())) == 1


def test_no_proxy_is_used_when_the_configuration_says_none(httpd, origins):
    """Its twin: without the directive, what the environment says."""
    proxy, tenant = Door(origins, "proxy"), origins.tenant(keys=[FIRST])
    env = {"https_proxy": f"http://127.0.0.1:{proxy.port}"}
    config, files = configuration(tenant, before="Auth0HTTPProxy none")
    wait_for_keys(httpd(config, files=files, env=env), tenant)
    assert (proxy.connections, tenant.connections) == (0, 1)
    config, files = configuration(tenant)
    wait_for_keys(httpd(config, files=files, env=env), tenant)
    assert (proxy.connections, tenant.connections) == (1, 2)


def test_a_step_of_the_clock_makes_keys_neither_older_nor_younger(httpd, origins):
    """One hour forward, and back: the ages of keys are not told by the wall clock."""
    library = find_faketime()
    if library is None:
        if paths.CI:
            pytest.fail("libfaketime is missing, and this is CI")
        pytest.skip("libfaketime is not installed")
    clock = readable_folder() / "clock"

    def step(offset):
        clock.with_suffix(".new").write_text(f"{offset:+d}\n")
        clock.with_suffix(".new").chmod(0o644)
        clock.with_suffix(".new").replace(clock)

    step(0)
    good, down = origins.tenant(keys=[FIRST]), origins.tenant(keys=[FIRST])
    config, files = configuration(good, down, refresh="1s 5s 1s")
    server = httpd(config, files=files, env={
        "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1"})
    wait_for_keys(server, good, down)
    now = int(time.time())
    lasting = {"iat": now - 8000, "exp": now + 8000}
    brief = good.mint(iat=now - 8000, exp=now + 1800)
    down.misbehave({"silent": True})
    broken = time.monotonic()
    for offset in (3600, 0, -3600):
        step(offset)
        wait_until(lambda: server.get("/0", brief).status == (401 if offset > 0 else 200),
                   3, f"a clock that is {offset:+d} s off")
        fetches, began = good.fetches, time.monotonic()
        while time.monotonic() - began < 2:
            assert server.get("/0", good.mint(**lasting)).status == 200
            # The other's keys die after 5 seconds of real time, not a moment sooner.
            others = server.get("/1", down.mint(**lasting))
            if time.monotonic() - broken < 3.5:
                assert others.status == 200
            time.sleep(0.1)
        assert 1 <= good.fetches - fetches <= 4, f"{offset:+d} s: refreshed out of turn"
    asked = timed(server, "/1", down.mint(**lasting))
    assert_refusal(asked.response, "E5")
    assert asked.retry_after <= 60
    down.behave()
    step(0)
    wait_until(lambda: server.get("/1", down.mint()).status == 200, RECOVERY,
               "the recovery", every=0.2)
