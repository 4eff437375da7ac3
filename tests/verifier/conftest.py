"""Fixtures of the verifier's tests. See driver.c for how they reach src/token."""

import os
import random

import pytest

import driver

SEED = int(os.environ.get("VERIFIER_SEED") or random.SystemRandom().randrange(2**32))
REPORT = []


def pytest_report_header(config):
    return [f"driver: {driver.PROGRAM}", f"VERIFIER_SEED={SEED}"]


def pytest_terminal_summary(terminalreporter):
    """What the random tests counted, and the seed to see it again, with -q too."""
    terminalreporter.write_line(f"VERIFIER_SEED={SEED}")
    for line in REPORT:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def seed():
    return SEED


@pytest.fixture
def rng(request):
    """Randomness of its own for each test, reproducible by the printed seed."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(scope="session")
def report():
    """Lines to be shown at the end of the run."""
    return REPORT
