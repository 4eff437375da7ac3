"""The image itself: what is in it, what it says of itself, and what it refuses."""

import json
import re

import pytest
from containers import AUDIENCE, IMAGE, podman, run

from support.paths import TOP

TENANT = {"AUTH0_DOMAIN": "tenant.us.auth0.com", "AUTH0_AUDIENCE": AUDIENCE}
PROXY = {**TENANT, "PROXY_TO": "http://app:3000"}


def inside(script):
    """What a shell in the image prints; not strict, so that it may look everywhere."""
    status, out, err = run("sh", "-c", script, options=("--user=0:0",))
    assert status == 0, err
    return out


# ---- what is in it ---------------------------------------------------------------------


def test_the_image_says_how_it_is_to_be_run():
    image = json.loads(podman("image", "inspect", IMAGE).stdout)[0]
    config = image["Config"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])
    assert list(config["ExposedPorts"]) == ["6060/tcp"]
    assert config["StopSignal"] == "SIGTERM"
    assert image["Healthcheck"]["Test"] == ["CMD", "auth0-jwt-health"]
    version = re.search(r'AUTH0_JWT_VERSION "(.*)"', (TOP / "src/version.h").read_text())
    assert config["Labels"]["org.opencontainers.image.version"] == version.group(1)
    assert config["Labels"]["org.opencontainers.image.title"] == "mod_auth0_jwt"
    assert not [one for one in config["Env"] if "AUTH0" in one]


def test_nothing_in_the_image_makes_its_user_another_one():
    assert inside("find / -xdev -perm /6000 -type f") == ""


def test_nothing_in_the_image_can_be_changed_by_its_user():
    assert inside("find / -xdev -perm -o+w ! -type l ! -perm -1000") == ""
    assert inside("find / -xdev ! -user root ! -path '/var/*'; find / -xdev -uid 10001") == ""
    assert set(inside("find / -xdev ! -type l -perm -o+w -perm -1000").split()) == {
        "/run/lock", "/tmp", "/var/tmp"}


def test_no_compiler_no_headers_and_no_source_are_in_the_image():
    for program in ("gcc", "cc", "make", "apxs", "ld", "curl", "wget"):
        assert inside(f"command -v {program} || :") == ""
    assert inside("find /usr/include /usr/local/include /source /var/lib/apt/lists "
                  "-type f 2>/dev/null || :") == ""
    assert inside("find / -xdev '(' -name '*.c' -o -name .env -o -name '*.a' ')'") == ""


def test_no_private_key_is_in_the_image():
    """A key that is in an image is everybody's."""
    assert inside("grep -rlE -- '-----BEGIN [A-Z ]*PRIVATE KEY' /etc /home /opt /root /srv "
                  "/usr/local /usr/share /var || :") == ""


def test_the_packages_in_the_image_are_those_that_httpd_needs():
    installed = inside("dpkg-query -W -f '${Package}\\n'").split()
    assert {"apache2-bin", "libcurl4", "libcjson1", "ca-certificates"} <= set(installed)
    assert not {name for name in installed
                if name.endswith("-dev") or name in ("apache2", "apache2-utils", "gcc")}


def test_a_command_after_the_images_name_is_run_instead():
    status, out, _ = run("auth0-jwt", "help")
    assert status == 0 and "auth0-jwt COMMAND" in out


# ---- what it refuses -------------------------------------------------------------------


def assert_refuses(said, *words):
    """Exit status 64, one sentence on stderr, nothing on stdout."""
    status, out, err = said
    assert (status, out) == (64, ""), (status, out, err)
    assert err.count("\n") == 1, err
    assert re.search(r"\.\n$|write \w+=\S+\n$", err), err
    for word in words:
        assert word in err, err


def test_without_settings_it_says_what_to_set():
    assert_refuses(run(), "AUTH0_DOMAIN", "AUTH0_AUDIENCE", "AUTH0_DEV=1")


@pytest.mark.parametrize("env, words", [
    # half of a tenant
    ({"AUTH0_DOMAIN": "tenant.us.auth0.com"}, ["AUTH0_AUDIENCE", "missing"]),
    ({"AUTH0_AUDIENCE": AUDIENCE}, ["AUTH0_DOMAIN", "missing"]),
    ({"AUTH0_DOMAIN": "''", "AUTH0_AUDIENCE": AUDIENCE}, ["AUTH0_DOMAIN", "missing"]),
    # what is no domain, no audience, no origin
    ({**TENANT, "AUTH0_DOMAIN": "https://tenant.us.auth0.com/"},
     ["write AUTH0_DOMAIN=tenant.us.auth0.com"]),
    ({**TENANT, "AUTH0_DOMAIN": "one.auth0.com two.auth0.com"}, ["one domain"]),
    ({**TENANT, "AUTH0_DOMAIN": "${HOST}"}, ["AUTH0_DOMAIN is ${HOST},"]),
    ({**TENANT, "AUTH0_AUDIENCE": "one two"}, ["AUTH0_AUDIENCE is one two,"]),
    ({**TENANT, "AUTH0_AUDIENCE": "${AUDIENCE}"}, ["AUTH0_AUDIENCE is ${AUDIENCE},"]),
    ({**TENANT, "AUTH0_AUDIENCE": 'one"two'}, ["AUTH0_AUDIENCE"]),
    ({**TENANT, "CLIENT_ORIGIN_URL": "http://localhost:4040/"},
     ["write CLIENT_ORIGIN_URL=http://localhost:4040"]),
    ({**TENANT, "CLIENT_ORIGIN_URL": "*"}, ["CLIENT_ORIGIN_URL is *,"]),
    # ports and choices
    ({**TENANT, "PORT": "http"}, ["PORT is http,"]),
    ({**TENANT, "PORT": "65536"}, ["PORT is 65536,"]),
    ({**TENANT, "HEALTH_PORT": "0"}, ["HEALTH_PORT is 0,"]),
    ({**TENANT, "HEALTH_PORT": "6060"}, ["both 6060"]),
    ({**TENANT, "CONF": "other"}, ["CONF is other,"]),
    ({**TENANT, "STOP_SECONDS": "1h"}, ["STOP_SECONDS is 1h,"]),
    # development and a tenant
    ({**TENANT, "AUTH0_DEV": "1"}, ["AUTH0_DEV=1", "remove"]),
    ({"AUTH0_DEV": "true"}, ["AUTH0_DEV is true, but must be 1"]),
    ({"AUTH0_DEV": "1", "AUTH0_CA_FILE": "/etc/ssl/certs/ca-certificates.crt"},
     ["AUTH0_CA_FILE"]),
    # what would protect less than was meant
    ({**TENANT, "AUTH0_PERMISSION": "read:x"}, ["AUTH0_PERMISSION is set, but only with"]),
    ({**TENANT, "PUBLIC_PATHS": "/x"}, ["PUBLIC_PATHS is set, but only with"]),
    ({"PROXY_TO": "http://app:3000"}, ["AUTH0_DOMAIN", "AUTH0_AUDIENCE"]),
    ({**PROXY, "AUTH0_PERMISSION": 'x"\nRequire all granted'}, ["AUTH0_PERMISSION"]),
    ({**PROXY, "AUTH0_PERMISSION": ""}, ["AUTH0_PERMISSION is set, but empty"]),
    ({**PROXY, "AUTH0_PERMISSION": "a#b"}, ["AUTH0_PERMISSION is a#b,"]),
    ({**PROXY, "PUBLIC_PATHS": "/health /"}, ["open everything"]),
    ({**PROXY, "PUBLIC_PATHS": "health"}, ["plain paths"]),
    ({**PROXY, "PUBLIC_PATHS": "/a/../b"}, ["plain paths"]),
    ({**PROXY, "PUBLIC_PATHS": "/.*"}, ["plain paths"]),
    ({**PROXY, "PUBLIC_PATHS": "/a(b)"}, ["plain paths"]),
    # back ends
    ({**PROXY, "PROXY_TO": "app:3000"}, ["must be like http://app:3000"]),
    ({**PROXY, "PROXY_TO": "https://app:3000"}, ["must be reached by http://"]),
    ({**PROXY, "PROXY_TO": "http://app:3000/api"}, ["write PROXY_TO=http://app:3000"]),
    ({**PROXY, "PROXY_TO": "http://user:secret@app:3000"}, ["PROXY_TO"]),
    ({**PROXY, "PROXY_TO": "http://"}, ["must be like http://app:3000"]),
    ({**PROXY, "PROXY_TO": "http://localhost:6060"}, ["this server itself"]),
    # files
    ({**TENANT, "AUTH0_CA_FILE": "/nowhere.pem"}, ["AUTH0_CA_FILE is /nowhere.pem,",
                                                   "user 12345", "mount"]),
    ({**TENANT, "AUTH0_STATE_DIR": "/var/lib"}, ["AUTH0_STATE_DIR is /var/lib,", "volume"]),
    ({**TENANT, "AUTH0_STATE_DIR": "/nowhere"}, ["AUTH0_STATE_DIR is /nowhere,"]),
], ids=lambda value: None if isinstance(value, list) else
    " ".join(f"{name}={text}" for name, text in value.items() if TENANT.get(name) != text))
def test_a_setting_that_cannot_be_right_gets_one_sentence_and_64(env, words):
    assert_refuses(run(env=env), *words)


def test_two_purposes_at_once_are_refused(folder):
    site = folder({"index.html": "x"})
    conf = folder({"a.conf": "# nothing\n"})
    assert_refuses(run(env=PROXY, mounts=[(site, "/srv/site")]), "PROXY_TO", "/srv/site")
    assert_refuses(run(env=PROXY, mounts=[(conf, "/etc/auth0-jwt/conf.d")]), "PROXY_TO",
                   "conf.d")
    assert_refuses(run(env={**TENANT, "AUTH0_PERMISSION": "x"},
                       mounts=[(conf, "/etc/auth0-jwt/conf.d")]), "AUTH0_PERMISSION")


def test_a_configuration_that_cannot_be_seen_is_not_passed_over(folder):
    """Or a site beside it would be protected by other rules than those in it."""
    site = (folder({"index.html": "x"}), "/srv/site")
    empty, closed = folder({"notes.txt": "x"}), folder({"a.conf": "# nothing\n"})
    closed.chmod(0o700)
    for conf in (empty, closed):
        assert_refuses(run(env=TENANT, mounts=[site, (conf, "/etc/auth0-jwt/conf.d")]),
                       "/etc/auth0-jwt/conf.d", ".conf", "user 12345")


def test_root_is_refused_with_one_sentence():
    assert_refuses(run(env=TENANT, options=("--user=0:0",)), "root", "--user")
