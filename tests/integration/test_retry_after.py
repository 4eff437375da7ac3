"""An issuer that asks to be left alone (429 or 503 with Retry-After) is left alone."""

import email.utils
import time

import pytest

from support.conf import location, trust
from support.refusal import assert_refusal

PAGE = {"htdocs/valid": "ok"}
FAST = "Auth0JWKSRefresh 1s 1h 100ms\n"


def retry_after(answer):
    return int(answer.header("Retry-After"))


@pytest.mark.parametrize("status", [429, 503])
def test_a_cold_server_tries_again_when_the_time_is_over(httpd, own_issuer, status):
    own_issuer.fail_with(status=status, headers={"Retry-After": "4"})
    server = httpd(trust(own_issuer) + FAST + location("/valid"), files=PAGE)
    own_issuer.wait_for_fetches(1)
    first = own_issuer.fetch_times[0]
    server.wait_for_log(f"status {status} instead of 200")
    own_issuer.heal()
    # Nobody asks the issuer before, and clients hear how long it will take. (In the last
    # two seconds a request rather waits.)
    while time.monotonic() < first + 1.7:
        left = first + 4 - time.monotonic()
        answer = server.get("/valid", own_issuer.mint(kid="unknown"))
        assert_refusal(answer, "E5", reason="keys_unavailable")
        assert left - 1 <= retry_after(answer) <= left + 1.5
        assert own_issuer.fetches == 1
        time.sleep(0.2)
    own_issuer.wait_for_fetches(2)
    assert own_issuer.fetch_times[1] - first >= 4
    server.wait_for_log("1 usable keys")
    assert server.get("/valid", own_issuer.mint()).status == 200


def test_keys_serve_on_meanwhile_and_unknown_kids_do_not_ask(httpd, own_issuer):
    server = httpd(trust(own_issuer) + FAST + location("/valid"), files=PAGE)
    assert server.get("/valid", own_issuer.mint()).status == 200
    own_issuer.fail_with(status=429, headers={"Retry-After": "3"})
    before = own_issuer.fetches
    own_issuer.wait_for_fetches(before + 1)
    server.wait_for_log("status 429 instead of 200")
    asked = own_issuer.fetch_times[-1]
    number = own_issuer.fetches
    while time.monotonic() < asked + 2.5:
        start = time.monotonic()
        assert server.get("/valid", own_issuer.mint()).status == 200
        assert_refusal(server.get("/valid", own_issuer.mint(kid="unknown")), "E3",
                       reason="key_unknown")
        assert time.monotonic() - start < 1, "a request waited for nothing"
        time.sleep(0.1)
    assert own_issuer.fetches == number
    own_issuer.heal()
    own_issuer.wait_for_fetches(number + 1)
    assert own_issuer.fetch_times[-1] - asked >= 2.9


def in_half_a_minute():
    return email.utils.formatdate(time.time() + 30, usegmt=True)


@pytest.mark.parametrize("value, least, most", [
    ("in half a minute", 20, 31),
    ("3600", 3590, 3600),
    ("1000000", 3590, 3600),
    ("99999999999999999999", 1, 3600),
    ("0", 1, 2), ("-5", 1, 2), ("soon", 1, 2), ("", 1, 2),
    ("Wed, 21 Oct 2015 07:28:00 GMT", 1, 2),
])
def test_what_is_asked_for_is_taken_up_to_an_hour(httpd, own_issuer, value, least, most):
    value = in_half_a_minute() if value.startswith("in ") else value
    own_issuer.fail_with(status=503, headers={"Retry-After": value})
    server = httpd(trust(own_issuer) + location("/valid"), files=PAGE)
    server.wait_for_log("status 503 instead of 200")
    answer = server.get("/valid", own_issuer.mint())
    assert_refusal(answer, "E5", reason="keys_unavailable")
    assert least <= retry_after(answer) <= most


def test_a_good_answer_puts_nothing_off(httpd, own_issuer):
    own_issuer.fail_with(status=200, headers={"Retry-After": "3600"})
    server = httpd(trust(own_issuer) + FAST + location("/valid"), files=PAGE)
    assert server.get("/valid", own_issuer.mint()).status == 200
    own_issuer.wait_for_fetches(3)
