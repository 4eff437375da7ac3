"""The examples of docs/monitoring.md, and those of docs/directives.md about the same."""

import re
import shutil

import pytest

from support import pages
from support.conf import location, trust
from support.pages import MONITORING, changed, example, trusting
from support.refusal import assert_refusal
from support.status import PAGE, wait_for_requests
from support.wait import wait_until

AUDIENCE = "https://hello-world.example.com"
FILES = {"htdocs/api/page": "the page"}


@example("The status page", MONITORING)
@example("Prometheus", MONITORING, "more")
@example("auth0-status", argument="other")
def test_the_page_opens_on_the_machine_itself_and_to_nobody_else(httpd, issuer, block, more,
                                                                 other):
    for text in (block, more, other):
        for trusted, status in (("local", 200), ("ip 192.0.2.77", 403)):
            server = httpd(trust(issuer) + changed(text, {"Require local":
                                                          f"Require {trusted}"}))
            for query in ("", "?json", "?metrics"):
                assert server.get(PAGE + query).status == status


@example("Prometheus", MONITORING)
def test_the_prometheus_server_gets_in_by_its_address(httpd, issuer, block):
    block = changed(block, {"    Require local\n": "", "192.0.2.10": "127.0.0.1"})
    server = httpd(trust(issuer) + block)
    assert server.get(PAGE + "?metrics=").status == 200


@example("The status page 2", MONITORING)
def test_colleagues_see_it_with_a_permission(httpd, issuer, block):
    server = httpd(trusting(issuer, block))
    good = issuer.mint(aud=AUDIENCE, permissions=["read:status"])
    assert server.get(PAGE, good).status == 200
    assert_refusal(server.get(PAGE), "E1")
    assert_refusal(server.get(PAGE, issuer.mint(aud=AUDIENCE)), "E4", scope="read:status",
                   reason="permission_missing")


@example("The access log", MONITORING)
def test_the_access_log_has_the_reason(httpd, issuer, block):
    server = httpd("Auth0TokenCache 64\n" + trusting(issuer, block), files=FILES)
    assert server.get("/api/page", issuer.mint(aud=AUDIENCE, sub="ann")).status == 200
    assert_refusal(server.get("/api/page"), "E1")
    log = server.root / "logs/auth0.log"
    for line in ('"GET /api/page" 200 ann accepted miss',
                 '"GET /api/page" 401 - no_credentials -'):
        wait_until(lambda: line + "\n" in log.read_text(), 5, line)


@example("%{...}^AJ")
def test_a_log_format_takes_the_item(httpd, issuer, block):
    server = httpd(trust(issuer) + location("/api") + block
                   + "CustomLog logs/auth0.log auth0\n", files=FILES)
    assert_refusal(server.get("/api/page"), "E1")
    log = server.root / "logs/auth0.log"
    wait_until(lambda: re.search(r'"GET /api/page" 401 \d+ no_credentials$',
                                 log.read_text().rstrip()), 5, "the line")


def test_the_scrape_example_is_prometheus_configuration(promtool, tmp_path):
    (section,) = [text for heading, text in pages.sections(pages.read(MONITORING))
                  if heading == "Prometheus"]
    ((_, scrape),) = pages.blocks(section, "yaml")
    shutil.copy(pages.TOP / "conf/prometheus-alerts.yml", tmp_path)
    config = tmp_path / "prometheus.yml"
    config.write_text(scrape)
    status, output = promtool("check", "config", str(config))
    assert status == 0 and "9 rules found" in output, output
    assert "metrics_path: " + PAGE in scrape and 'metrics: [""]' in scrape
    config.write_text(changed(scrape, {"metrics_path": "metric_path"}))
    assert promtool("check", "config", str(config))[0] != 0
