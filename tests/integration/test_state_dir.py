"""Auth0StateDir: a server that starts while its issuer is down has the last good keys."""

import hashlib
import os
import shutil
import stat
import time

import pytest

from support.conf import location, trust
from support.httpd import Httpd
from support.refusal import assert_refusal



@pytest.fixture
def bench(ready_issuer):
    """One ServerRoot with a state directory, for several servers in a row."""
    server = Httpd(files={"htdocs/valid": "ok"})
    folder = server.root / "state"
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(folder, "www-data", "www-data")
    server.configure(trust(ready_issuer) + "Auth0HTTPTimeout 500ms 1s\n"
                     f"Auth0StateDir {folder}\n" + location("/valid"))
    server.folder = folder
    yield server
    server.stop()


def run_once(server, issuer):
    """Start, accept a token, end at once: what is left is the state directory."""
    server.start()
    assert server.get("/valid", issuer.mint()).status == 200
    server.end()
    (file,) = server.folder.iterdir()
    return file


def restart_in_outage(server, issuer):
    issuer.stop()
    mark = server.mark()
    server.start()
    return mark


def assert_absent(server, issuer, mark, words):
    """E5 until the issuer answers, and the log says why the file did not do."""
    assert_refusal(server.get("/valid", issuer.mint()), "E5", reason="keys_unavailable",
                   server=server, mark=mark)
    server.wait_for_log(words, mark)
    assert "so it is not used" in server.log(mark)
    issuer.start()
    server.wait_for_log("1 usable keys", mark)
    assert server.get("/valid", issuer.mint()).status == 200


def test_a_server_that_starts_during_an_outage_accepts_at_once(bench, ready_issuer):
    file = run_once(bench, ready_issuer)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.name.endswith(".jwks")
    mark = restart_in_outage(bench, ready_issuer)
    started = time.monotonic()
    assert bench.get("/valid", ready_issuer.mint()).status == 200
    assert time.monotonic() - started < 1
    bench.wait_for_log("1 usable keys for issuer " + ready_issuer.iss
                       + " from Auth0StateDir", mark)
    assert_refusal(bench.get("/valid", ready_issuer.mint(kid="unknown")), "E3",
                   reason="key_unknown", server=bench, mark=mark)
    # The outage goes on being reported, and ends without a restart.
    bench.wait_for_log("cannot fetch the keys", mark)
    fresh = ready_issuer.rotate(keep_old=False)
    ready_issuer.start()
    ready_issuer.wait_for_fetches(2)
    bench.wait_for_log("usable keys for issuer " + ready_issuer.iss + "\n", mark)
    assert bench.get("/valid", ready_issuer.mint(key=fresh)).status == 200


def test_without_a_state_directory_it_is_e5_until_the_issuer_answers(bench, ready_issuer):
    run_once(bench, ready_issuer)
    bench.configure(bench.config.replace("Auth0StateDir", "#"))
    mark = restart_in_outage(bench, ready_issuer)
    answer = bench.get("/valid", ready_issuer.mint())
    assert_refusal(answer, "E5", reason="keys_unavailable",
                   server=bench, mark=mark)
    ready_issuer.start()
    bench.wait_for_log("1 usable keys", mark)
    assert bench.get("/valid", ready_issuer.mint()).status == 200


def cut(file):
    os.truncate(file, file.stat().st_size - 1)


def edit(file):
    file.write_bytes(file.read_bytes().replace(b'"sig"', b'"SIG"'))


def backdate_by_hand(file):
    text = file.read_text()
    when = text.split("fetched: ")[1].split("\n")[0]
    file.write_text(text.replace(when, str(int(when) + 1)))


def empty(file):
    os.truncate(file, 0)


def link(file):
    aside = file.with_name("aside")
    file.rename(aside)
    file.symlink_to(aside)


def fifo(file):
    owner = file.stat().st_uid
    file.unlink()
    os.mkfifo(file, 0o600)
    os.chown(file, owner, -1)


def open_to_others(file):
    file.chmod(0o644)


def give_away(file):
    os.chown(file, 12345, -1)


HARM = {cut: "was cut or edited", edit: "was cut or edited", empty: "was cut or edited",
        backdate_by_hand: "was cut or edited", link: "cannot be opened",
        fifo: "is not a regular file", open_to_others: "is open to others",
        give_away: "cannot be opened: Permission denied"}


@pytest.mark.parametrize("harm", HARM, ids=lambda harm: harm.__name__)
def test_h11_a_file_that_is_not_as_it_was_left_counts_as_absent(bench, ready_issuer, harm):
    if harm is give_away and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    file = run_once(bench, ready_issuer)
    harm(file)
    mark = restart_in_outage(bench, ready_issuer)
    assert_absent(bench, ready_issuer, mark, HARM[harm])


def test_h11_the_file_of_another_issuer_counts_as_absent(bench, ready_issuer, authority):
    file = run_once(bench, ready_issuer)
    theirs = file.with_name("theirs")
    shutil.copy2(file, theirs)
    theirs.write_bytes(file.read_bytes().replace(ready_issuer.iss.encode(),
                                                 b"https://other.example.com/"))
    theirs.replace(file)
    mark = restart_in_outage(bench, ready_issuer)
    assert_absent(bench, ready_issuer, mark, "")


def test_a_document_older_than_the_stale_time_is_not_used(bench, ready_issuer):
    bench.configure("Auth0JWKSRefresh 1s 2s 1s\n" + bench.config)
    run_once(bench, ready_issuer)
    ready_issuer.stop()
    time.sleep(2.1)
    mark = restart_in_outage(bench, ready_issuer)
    assert_absent(bench, ready_issuer, mark, "too old")


def test_its_age_goes_on_over_a_restart(bench, ready_issuer):
    """Restarting does not make keys younger."""
    bench.configure("Auth0JWKSRefresh 1s 4s 1s\n" + bench.config)
    run_once(bench, ready_issuer)
    ready_issuer.stop()
    fetched = time.monotonic()
    time.sleep(1.5)
    mark = restart_in_outage(bench, ready_issuer)
    assert bench.get("/valid", ready_issuer.mint()).status == 200
    time.sleep(max(0, fetched + 4.3 - time.monotonic()))
    assert_refusal(bench.get("/valid", ready_issuer.mint()), "E5", reason="keys_unavailable",
                   server=bench, mark=mark)


def test_each_success_renews_the_file(bench, ready_issuer):
    bench.configure("Auth0JWKSRefresh 1s 1h 1s\n" + bench.config)
    bench.start()
    assert bench.get("/valid", ready_issuer.mint()).status == 200
    (file,) = bench.folder.iterdir()
    before = file.read_text()
    ready_issuer.rotate()
    ready_issuer.wait_for_fetches(3)
    time.sleep(0.1)
    (file,) = bench.folder.iterdir()
    assert file.read_text() != before
    for key in ready_issuer.keys:
        assert key.kid in file.read_text()


def test_h11_a_folder_that_cannot_be_written_to_does_no_harm(bench, ready_issuer):
    """A full disk fails at the same place; the unit tests have one."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(bench.folder, 0, 0)
    bench.configure("Auth0JWKSRefresh 1s 1h 1s\n" + bench.config)
    mark = bench.mark()
    bench.start()
    assert bench.get("/valid", ready_issuer.mint()).status == 200
    ready_issuer.wait_for_fetches(3)
    assert bench.get("/valid", ready_issuer.mint()).status == 200
    lines = [line for line in bench.log(mark).splitlines() if "Auth0StateDir" in line]
    assert all("Permission denied" in line for line in lines)
    assert len(lines) == 2, "once on reading, once on writing, and that for a minute"
    assert list(bench.folder.iterdir()) == []


def test_httpd_t_neither_reads_nor_writes_it(bench, ready_issuer):
    file = run_once(bench, ready_issuer)
    before = (file.stat().st_mtime_ns, file.stat().st_atime_ns)
    status, output = bench.configtest()
    assert status == 0, output
    assert (file.stat().st_mtime_ns, file.stat().st_atime_ns) == before


def test_a_domain_of_an_htaccess_file_has_its_keys_too(bench, ready_issuer):
    bench.configure(bench.config.replace(f"Auth0Domain {ready_issuer.domain}", "")
                    .split("<Location")[0]
                    + "Auth0TrustedDomains localhost:*\n"
                    '<Directory "${DOCS}">\nAllowOverride AuthConfig\n</Directory>\n')
    bench.write("htdocs/.htaccess", f"AuthType Auth0\nAuth0Domain {ready_issuer.domain}\n"
                "Auth0Audience https://api.example.com\nRequire valid-user\n")
    run_once(bench, ready_issuer)
    restart_in_outage(bench, ready_issuer)
    assert bench.get("/valid", ready_issuer.mint()).status == 200


def test_another_ca_file_is_another_source(bench, ready_issuer):
    """What was fetched under one trust says nothing under another."""
    run_once(bench, ready_issuer)
    other = bench.write("conf/other-ca.pem", ready_issuer.authority.file.read_text())
    bench.configure(bench.config.replace(ready_issuer.ca_file, str(other)))
    mark = restart_in_outage(bench, ready_issuer)
    assert_refusal(bench.get("/valid", ready_issuer.mint()), "E5", reason="keys_unavailable",
                   server=bench, mark=mark)


def test_a_restored_document_is_judged_like_a_fetched_one(bench, ready_issuer):
    """Written by hand, digest and all: a document of weak keys is of no use."""
    file = run_once(bench, ready_issuer)
    head, _, _ = file.read_bytes().partition(b"\nsha256: ")
    weak = b'{"keys":[{"kty":"oct","k":"AQAB"}]}'
    digest = hashlib.sha256(head + weak).hexdigest().encode()
    file.write_bytes(head + b"\nsha256: " + digest + b"\n\n" + weak)
    mark = restart_in_outage(bench, ready_issuer)
    assert_absent(bench, ready_issuer, mark, "not usable")
