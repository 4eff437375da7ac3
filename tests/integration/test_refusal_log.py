"""A flood of bad tokens does not fill the log, and no reason drowns in another."""

import re
import time

import pytest

from support.conf import location, trust
from support.load import Client, request_of
from support.tokens import tampered

FLOOD = 400


@pytest.fixture
def server(httpd, issuer):
    return httpd(trust(issuer) + location("/valid") +
                 location("/admin", require="auth0-permission read:a"),
                 files={"htdocs/valid": "ok", "htdocs/admin": "ok"},
                 mpm="event",  # one process, which counts for itself
                 log_level="warn auth0_jwt:info")


def flood(server, requests):
    with Client(server.port) as client:
        return {client.ask(request) for request in requests}


def counted(log, pattern):
    """Lines, and how many more they speak for."""
    lines = [line for line in log.splitlines() if pattern in line]
    more = sum(int(count) for line in lines
               for count in re.findall(r"\(and (\d+) more for this reason", line))
    return len(lines), more


@pytest.mark.parametrize("what, pattern, status", [
    ("forged", "token rejected (signature_invalid)", 401),
    ("expired", "token rejected (expired)", 401),
    ("poor", "refused (permission_missing)", 403)])
def test_a_flood_of_refusals_is_logged_in_a_few_lines_that_count_the_rest(
        server, issuer, what, pattern, status):
    token = {"forged": tampered(issuer.mint()), "expired": issuer.mint(exp_in=-60),
             "poor": issuer.mint()}[what]
    request = request_of(token, path="/admin" if what == "poor" else "/valid")
    began = time.monotonic()
    assert flood(server, [request] * FLOOD) == {status}
    seconds = time.monotonic() - began
    time.sleep(1.1)
    assert flood(server, [request]) == {status}  # its line speaks for those before it
    lines, more = counted(server.log(), pattern)
    assert lines + more == FLOOD + 1
    assert lines <= 10 * (int(seconds) + 2) + 1 < FLOOD


def test_another_reason_is_logged_beside_the_flood(server, issuer):
    forged, expired = tampered(issuer.mint()), issuer.mint(exp_in=-60)
    flood(server, [request_of(forged)] * 50 + [request_of(expired)])
    assert counted(server.log(), "token rejected (expired)") == (1, 0)


def test_at_the_level_debug_every_one_is_logged(httpd, issuer):
    server = httpd(trust(issuer) + location("/valid"), files={"htdocs/valid": "ok"},
                   log_level="warn auth0_jwt:debug")
    flood(server, [request_of(tampered(issuer.mint()))] * 50)
    assert counted(server.log(), "token rejected (signature_invalid)") == (50, 0)


def test_at_the_level_warn_no_fault_of_a_client_is_logged(httpd, issuer):
    server = httpd(trust(issuer) + location("/valid"), files={"htdocs/valid": "ok"},
                   log_level="warn")
    assert flood(server, [request_of(tampered(issuer.mint()))] * 50) == {401}
    assert "token" not in server.log()
