"""The benchmark's arithmetic: figures that nobody checks by eye must be right."""

import ast
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as xml

import pytest
import tree
from jwcrypto import jws

sys.path.insert(0, str(tree.TOP / "tests" / "bench"))

import accounting  # noqa: E402
import bearer  # noqa: E402
import bench  # noqa: E402
import callgrind  # noqa: E402
import common  # noqa: E402
import plot  # noqa: E402
import report  # noqa: E402
import svg  # noqa: E402
import world  # noqa: E402
import wrk  # noqa: E402

ISSUER = "https://localhost:12345/"


# ---- tokens ------------------------------------------------------------------


@pytest.fixture(scope="module")
def mint(tmp_path_factory):
    return bearer.Mint(bearer.bench_key(), ISSUER, tmp_path_factory.mktemp("bench"))


def test_each_token_has_921_bytes_a_signature_of_its_own_and_auth0s_claims(mint):
    tokens = mint.many(5)
    assert {len(token) for token in tokens} == {921}
    assert len({token.rpartition(".")[2] for token in tokens}) == 5
    claims = bearer.payload_of(tokens[3])
    assert claims["iss"] == ISSUER and claims["aud"] == common.AUDIENCE
    assert common.PERMISSION in claims["permissions"]
    assert claims["exp"] - claims["iat"] == bearer.LIFE
    assert claims["exp"] > time.time() + 3600


def test_signatures_hold_for_good_tokens_and_not_for_forged_ones(mint):
    good = mint.many(2)
    for token in good:
        jws.JWS().deserialize(token, mint.key.jwk)
    for token, before in zip(mint.forged(good), good):
        assert len(token) == len(before) and token.rpartition(".")[0] in before
        with pytest.raises(jws.InvalidJWSSignature):
            jws.JWS().deserialize(token, mint.key.jwk)


def test_an_unknown_kid_changes_neither_the_length_nor_the_payload(mint):
    good = mint.many(3)
    changed = mint.with_unknown_kids(good)
    assert {len(token) for token in changed} == {921}
    assert len({token.partition(".")[0] for token in changed}) == 3
    assert [token.partition(".")[2] for token in changed] == \
        [token.partition(".")[2] for token in good]


def test_an_impossible_length_is_refused_rather_than_missed(mint):
    with pytest.raises(ValueError, match="no payload"):
        bearer.payload_bytes(mint.header, next(
            length for length in range(921, 925)
            if (length - bearer.SIGNATURE - 2 - 86) % 4 == 1))
    with pytest.raises(ValueError, match="need more"):
        bearer.filler_for(ISSUER + "x" * 200, mint.header)


# ---- wrk ---------------------------------------------------------------------


def test_the_line_of_wrk_is_read_and_requests_a_second_follow():
    said = wrk.parse("Running 1s test\n  2 threads\n"
                     "WRK requests=3000 microseconds=1500000 bad_status=7 "
                     "socket_errors=1 p50=900 p99=4100\n")
    assert said == {"requests": 3000, "microseconds": 1500000, "bad_status": 7,
                    "socket_errors": 1, "p50": 900, "p99": 4100, "per_second": 2000.0}


@pytest.mark.parametrize("output", ["", "unable to connect to localhost:1",
                                    "WRK requests=1\nWRK requests=2\n"])
def test_what_is_not_the_line_of_wrk_is_no_measurement(output):
    with pytest.raises(wrk.Broken):
        wrk.parse(output)


# ---- processor time and memory -----------------------------------------------


def stat(pid, parent, own, children, name="x"):
    return (f"{pid} ({name}) S {parent} 1 1 0 -1 4194560 1 2 3 4 "
            f"{own[0]} {own[1]} {children[0]} {children[1]} 20 0 1 0 5\n")


def test_a_stat_line_is_read_whatever_the_name_of_the_process():
    assert accounting.parse_stat(stat(9, 7, (11, 22), (3, 4), "a) S 1 (b")) == (7, 33, 7)


def test_the_time_of_a_family_counts_descendants_and_ended_children_once():
    found = {1: (0, 1000, 5000), 10: (1, 5, 7), 11: (10, 20, 0), 12: (11, 100, 1),
             13: (1, 9000, 0)}
    assert sorted(accounting.family_of(10, found)) == [10, 11, 12]
    assert accounting.cpu_seconds(10, found) == (5 + 7 + 20 + 100 + 1) / accounting.TICK
    assert accounting.cpu_seconds(99, found) == 0


def test_the_time_of_a_child_is_seen_while_it_lives_and_after_it_has_ended():
    burn = "import time\nwhile time.process_time() < 0.4: pass\n"
    script = (f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])\n"
              "print('ended', flush=True)\nsys.stdin.read()\n")
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ended\n"
        after = accounting.cpu_seconds(process.pid)
        assert accounting.pss_bytes(process.pid) > 2**20
        process.stdin.close()
    assert 0.35 <= after < 5  # user and system time are each cut to whole ticks


# ---- ratios ------------------------------------------------------------------


def sample(number, server, per_second, cpu_us, mode="warm", **more):
    return {"round": number, "server": server, "mode": mode, "per_second": per_second,
            "cpu_us": cpu_us, "requests": 100, "fetches": 0, "p50": 1000, "p99": 2000,
            **more}


#: The machine slows down by the round; the guard costs a fifth of the throughput always.
DRIFT = [sample(i, name, speed * share, cost + extra)
         for i, (speed, cost) in enumerate([(1000, 30), (500, 60), (250, 90)])
         for name, share, extra in (("file", 1, 0), ("ours", 0.8, 5))]


def test_ratios_and_costs_are_taken_within_a_round_so_that_drift_cancels():
    assert accounting.ratio(DRIFT, "warm", "ours", "file") == pytest.approx(0.8)
    assert accounting.added(DRIFT, "warm", "ours", "file") == 5
    assert accounting.of(DRIFT, "warm", "ours", "cpu_us") == 65


def test_a_round_without_its_base_or_with_wrong_answers_does_not_count():
    alone = [*DRIFT, sample(3, "ours", 9, 999), sample(4, "file", 100, 10),
             sample(4, "ours", 1, 999, invalid="answers were refusals")]
    assert accounting.ratio(alone, "warm", "ours", "file") == pytest.approx(0.8)
    assert accounting.added(alone, "warm", "ours", "file") == 5
    assert accounting.ratio(DRIFT, "cold", "ours", "file") is None


class Server:
    def __init__(self, refusals=(401, 403)):
        self.refusals = refusals


@pytest.mark.parametrize("mode, refusals, refused, counts", [
    ("warm", (401, 403), 0, True), ("warm", (401, 403), 1, False),
    ("cold", (401, 403), 1, False), ("reject", (401, 403), 50, True),
    ("reject", (401, 403), 49, False), ("unknown kid", (401, 403), 0, False),
    ("reject", (200,), 0, True), ("reject", (200,), 50, False),
])
def test_a_measurement_counts_only_if_every_answer_was_right(mode, refusals, refused, counts):
    said = {"requests": 50, "bad_status": refused}
    assert (bench.wrong_answers(Server(refusals), mode, said) is None) == counts


class Answers:
    """A contender that answers each token as it is told."""

    name, path, port, refusals = "other", "/", 0, (401, 403)

    def __init__(self, statuses):
        self.statuses = statuses


@pytest.mark.parametrize("statuses, complaints", [
    ({}, []),
    ({"good": 401}, ["a good token got 401 b''"]),
    ({"forged": 200}, ["forged signature got 200"]),
    ({None: 200, "expired": 500}, ["no token got 200", "expired got 500"]),
])
def test_a_contender_that_lets_a_bad_token_through_is_not_measured(monkeypatch, statuses,
                                                                   complaints):
    def ask(contender, token):
        status = contender.statuses.get(token, 200 if token == "good" else 401)
        return status, common.BODY if status == 200 else b""

    monkeypatch.setattr(world, "ask", ask)
    found = world.problems_of(Answers(statuses), "good", {
        "no token": None, "forged signature": "forged", "expired": "expired"})
    assert found == complaints


def test_a_server_that_answers_nothing_is_not_counted():
    assert bench.wrong_answers(Server(), "warm", {"requests": 0, "bad_status": 0})


def test_a_walk_goes_on_where_it_ended_for_each_contender_by_itself(mint):
    requests = bench.Requests(mint, 3)
    one, other = (type("Contender", (), {"name": name}) for name in ("ours", "express"))
    requests.note(one, "cold", 700)
    requests.note(one, "cold", 50)
    assert requests.arguments(one, "cold")["skip"] == 750
    assert requests.arguments(one, "reject")["skip"] == 0
    assert requests.arguments(other, "cold")["skip"] == 0


def test_those_that_others_are_measured_against_come_along():
    assert {one.name for one in world.chosen(["express"])} == \
        {"file", "express", "express-open"}
    assert {one.name for one in world.chosen(["ours"])} == {"file", "ours"}
    assert len(world.chosen(None)) == len(world.CONTENDERS)
    with pytest.raises(SystemExit, match="nginx"):
        world.chosen(["ours", "nginx"])


# ---- callgrind ---------------------------------------------------------------

PROFILE = """\
version: 1
events: Ir
ob=(1) /usr/lib/x/libcrypto.so.3
fn=(1) SHA256_Update
12 100
cfn=(2) 0x00000000000abcde
calls=3 0
12 900
fn=(2)
5 900
ob=(2) /srv/mod_auth0_jwt.so
fn=(3) jwt_check
7 40
cob=(1)
cfn=(1)
calls=2 0
7 1000
+1 2
cfn=(4) jws_parse
calls=1 0
* 60
fn=(4)
9 60
"""


def test_a_profile_gives_own_costs_and_hashes_with_all_that_they_call():
    profile = callgrind.Profile(PROFILE)
    module, crypto = "/srv/mod_auth0_jwt.so", "/usr/lib/x/libcrypto.so.3"
    assert profile.own == {("SHA256_Update", crypto): 100,
                           ("0x00000000000abcde", crypto): 900,
                           ("jwt_check", module): 42, ("jws_parse", module): 60}
    assert profile.total == 1102
    assert profile.inclusive("SHA256") == 1000
    assert profile.inclusive("SHA256|0x0") == 1000, "nothing is counted twice"


# ---- tables and plots --------------------------------------------------------


def found_of(samples, **more):
    return {"samples": samples, "rounds": 3, "seconds": 1, "absent": {"flask": "not here"},
            "memory": {"file": 5 * 2**20, "ours": 8 * 2**20}, "took_seconds": 70,
            "machine": {"processor": "A <fast> one", "cores": 2, "load_average": [0, 0, 0],
                        "versions": {}},
            "servers": [{"name": "file", "title": "unprotected file", "base": "file",
                         "modes": ["warm"]},
                        {"name": "ours", "title": "mod_auth0_jwt", "base": "file",
                         "modes": ["warm", "unknown kid"]}], **more}


def verdicts(found, instructions=None):
    return {what: met for what, _, _, met in report.targets(found, instructions)}


def test_targets_are_met_or_not_by_the_figures_and_unknown_without_them():
    met = verdicts(found_of(DRIFT))
    assert met["warm, added"] is True
    assert met["warm, throughput against the file"] is False
    assert met["cold, added"] is None
    assert met["memory over the unprotected server"] is True
    dearer = [{**one, "cpu_us": one["cpu_us"] + (one["server"] == "ours")} for one in DRIFT]
    assert verdicts(found_of(dearer))["warm, added"] is False


def test_two_cores_are_held_against_one_and_fetches_against_the_clock():
    samples = [*DRIFT, sample(0, "ours", 100, 1, "one core"),
               sample(0, "ours", 185, 1, "two cores"), sample(0, "ours", 1, 1, "reject"),
               sample(0, "ours", 1, 1, "unknown kid", fetches=3)]
    met = verdicts(found_of(samples))
    assert met["two cores against one, server and load together"] is True
    assert met["fetches for forged tokens"] is True
    assert met["fetches for unknown kids, one per 30 s"] is True
    assert verdicts(found_of(samples, took_seconds=59))[
        "fetches for unknown kids, one per 30 s"] is False


def test_the_report_is_a_table_with_every_server_and_what_was_absent():
    lines = report.render(found_of(DRIFT)).splitlines()
    row = next(line for line in lines if line.startswith("| mod_auth0_jwt |"))
    assert row.split(" | ")[1:3] == ["5.0", "0.80"]
    assert any(line.startswith("| unprotected file | 0 (60.0 in all)") for line in lines)
    assert "flask: not here" in lines
    assert len({line.count("|") for line in lines if line.startswith("| mod_auth0")}) <= 2


def test_both_plots_are_well_formed_and_show_every_figure():
    text = plot.comparison(found_of(DRIFT))
    assert xml.fromstring(text).tag.endswith("svg")
    assert ">mod_auth0_jwt<" in text and ">5.0<" in text
    point = {"value": 64, "warm": {"added_us": 3.0}, "cold": {"added_us": 30.0}}
    text = plot.growth({"series": {"keys": {"title": "keys & more", "points": [
        {**point, "value": 1}, point, {"value": 100, "problem": "did not start"}]}}})
    assert xml.fromstring(text).tag.endswith("svg")
    assert "keys &amp; more" in text and ">64<" in text and ">100<" not in text
    for scheme in ("prefers-color-scheme: dark", "sans-serif"):
        assert scheme in text


def test_the_name_of_every_contender_fits_into_the_plot():
    assert not [one.title for one in world.CONTENDERS if len(one.title) * 8 > plot.LABELS]


def test_axes_cover_what_they_show():
    place = svg.logarithmic(1, 1000, 300)
    assert [round(place(value)) for value in (0.2, 1, 10, 1000)] == [0, 0, 100, 300]
    assert svg.decades(1, 2525)[-1] >= 2525
    for high in (0.3, 1, 7, 42, 236, 2525):
        steps = svg.round_steps(high)
        assert steps[0] == 0 and high <= steps[-1] <= 2.1 * high and len(steps) <= 7


def test_every_program_of_the_benchmark_is_short_and_needs_only_what_is_installed():
    """Standard library, the tests' own helpers and what these need; no matplotlib."""
    folder = tree.TOP / "tests" / "bench"
    own = {path.stem for path in folder.glob("*.py")}
    allowed = own | set(sys.stdlib_module_names) | {"support", "cryptography"}
    for path in folder.glob("*.py"):
        source = tree.read(path)
        assert source.count("\n") < 450, path
        named = set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                named |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                named.add(node.module.partition(".")[0])
        more = {"flask", "jwt"} if path.name == "flask_app.py" else set()
        assert named - allowed - more == set(), path


def test_the_file_that_all_serve_has_37_bytes_and_sizes_are_known(monkeypatch):
    assert len(common.BODY) == 37
    monkeypatch.setitem(os.environ, "BENCH", "")
    assert common.Size.chosen().name == "short"
    monkeypatch.setitem(os.environ, "BENCH", "full")
    assert common.Size.chosen().rounds > 5
    monkeypatch.setitem(os.environ, "BENCH", "long")
    with pytest.raises(SystemExit, match="long"):
        common.Size.chosen()
