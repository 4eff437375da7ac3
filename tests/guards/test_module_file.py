"""What the linker made of the module."""

import re
import subprocess

import tree

MODULE = tree.TOP / "mod_auth0_jwt.so"


def exported(listing):
    return [line.split()[-1].split("@")[0] for line in listing.splitlines()
            if len(line.split()) == 3 and line.split()[1] != "A"]


def test_the_module_exports_its_record_and_nothing_else():
    listing = subprocess.run(["nm", "-D", "--defined-only", MODULE], capture_output=True,
                             check=True, text=True).stdout
    assert exported(listing) == ["auth0_jwt_module"]


def test_the_guard_sees_a_second_exported_symbol():
    listing = ("0000000000004060 D auth0_jwt_module\n"
               "0000000000001139 T jws_parse\n")
    assert exported(listing) == ["auth0_jwt_module", "jws_parse"]


def test_the_module_stays_loaded_when_httpd_reads_its_configuration_again():
    dynamic = subprocess.run(["readelf", "-d", MODULE], capture_output=True, check=True,
                             text=True).stdout
    assert re.search(r"FLAGS_1.*NODELETE", dynamic)


def test_the_module_resolves_its_symbols_at_load_time():
    dynamic = subprocess.run(["readelf", "-d", MODULE], capture_output=True, check=True,
                             text=True).stdout
    assert "BIND_NOW" in dynamic
