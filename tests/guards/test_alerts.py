"""The alert rules: Prometheus accepts them, they fire when they should, the manual has them."""

import re
import shutil
import subprocess

import pytest
import tree

RULES = "conf/prometheus-alerts.yml"
CASES = "tests/alerts/rules_test.yml"
# tools/setup.sh fetches the latter where there is none.
PROMTOOL = shutil.which("promtool") or tree.TOP / "build/promtool"

needs_promtool = pytest.mark.skipif(not shutil.which(str(PROMTOOL)),
                                    reason="promtool is not installed")


def promtool(*arguments):
    return subprocess.run([PROMTOOL, *arguments], cwd=tree.TOP, capture_output=True,
                          text=True, timeout=60)


def alerts(text):
    return re.findall(r"^ *- alert: (\w+)$", text, flags=re.M)


@needs_promtool
def test_prometheus_accepts_the_rules(tmp_path):
    assert promtool("check", "rules", RULES).returncode == 0
    broken = tmp_path / "rules.yml"
    broken.write_text(tree.read(RULES).replace("sum by", "sum bye"))
    assert promtool("check", "rules", broken).returncode != 0


@needs_promtool
def test_the_rules_fire_when_they_should_and_only_then():
    done = promtool("test", "rules", CASES)
    assert done.returncode == 0, done.stdout + done.stderr


#: Changes that make a rule blind or shrill.
WRONG = {"issuer_ready == 0": "issuer_ready == 2", "0.5 * auth0_jwt_keys": "5 * auth0_jwt_keys",
         "in_a_row > 0": "in_a_row > 99", "> 0.75 *": "> 0.7 *", "    for: 15m": "    for: 9m",
         'reason="signature_invalid"': 'reason="signature"', "> 0.1 *": "> 0.02 *",
         "on (job, instance) group_left": "on (job) group_left",
         "issued_in_future|": "", "configuration|": "", 'jwks_.*"}[5m]': 'jwks_.*|expired"}[5m]'}


@needs_promtool
@pytest.mark.parametrize("right", WRONG)
def test_a_wrong_rule_is_noticed(tmp_path, right):
    text = tree.read(RULES)
    assert right in text
    for path, content in ((RULES, text.replace(right, WRONG[right])),
                          (CASES, tree.read(CASES))):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text(content)
    assert promtool("test", "rules", tmp_path / CASES).returncode != 0


def test_every_alert_has_its_case_and_its_row_in_the_manual():
    named = alerts(tree.read(RULES))
    assert len(named) == len(set(named)) > 5
    tested = set(re.findall(r"alertname: (\w+)", tree.read(CASES)))
    rows = re.findall(r"^\| `(Auth0\w+)` \|", tree.read("docs/monitoring.md"), flags=re.M)
    assert tested == set(named) and rows == named


def test_the_rules_name_only_metrics_and_reasons_that_exist():
    rules = tree.read(RULES)
    rows = set(re.findall(r"^\| `(auth0_jwt_\w+)` \|", tree.read("docs/monitoring.md"),
                          flags=re.M))
    used = set(re.findall(r"auth0_jwt_\w+", rules)) - {"auth0_jwt"}
    assert used <= rows, used - rows
    reasons = set(re.findall(r'\{\s*"([a-z0-9_]+)"\s*,\s*OUTCOME_',
                             tree.read("src/token/reason.c")))
    for expression in re.findall(r'reason=~?"([^"]+)"', rules):
        for reason in expression.split("|"):
            assert [name for name in reasons if re.fullmatch(reason, name)], reason
