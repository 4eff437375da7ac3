"""Includes point down only: httpd -> issuer -> token; tools use token and issuer."""

import re
import subprocess

import pytest
import tree

HTTPD = r"httpd\.h|http_\w+\.h|ap_\w+\.h|util_\w+\.h|mod_\w+\.h|mpm_\w+\.h|scoreboard\.h"
CLOCKS_AND_THREADS = (r"time\.h|sys/\w+\.h|unistd\.h|fcntl\.h|pthread\.h|threads\.h|"
                      r"stdatomic\.h|signal\.h|poll\.h|netdb\.h|arpa/.*|netinet/.*|"
                      r"apr_time\.h|apr_thread_\w+\.h|apr_atomic\.h|apr_file_\w+\.h|"
                      r"apr_network_io\.h|apr_poll\.h|apr_shm\.h|apr_global_mutex\.h")

# What a layer may not include, and exceptions to it.
RULES = {
    "src/token": (rf"{HTTPD}|{CLOCKS_AND_THREADS}|curl/.*|issuer/.*|httpd/.*", r"(?!)"),
    "src/issuer": (rf"{HTTPD}|httpd/.*", r"ap_slotmem\.h|util_mutex\.h"),
    "tools": (rf"{HTTPD}|httpd/.*", r"(?!)"),
}

# Functions that tell of a clock, a thread, a file, a connection or a server.
CALLS = (r"ap_\w+|curl_\w+|pthread_\w+|apr_thread_\w+|apr_time_now|apr_file_\w+|"
         r"time|clock|clock_gettime|gettimeofday|fopen|open|socket|connect|getenv")


def upward_includes(layer, source):
    forbidden, allowed = RULES[layer]
    found = re.findall(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]',
                       tree.without_comments(source), flags=re.M)
    return [header for header in found
            if header.startswith(".") or (re.fullmatch(forbidden, header)
                                          and not re.fullmatch(allowed, header))]


@pytest.mark.parametrize("layer", RULES)
def test_no_include_points_up(layer):
    files = [path for path in tree.c_files() if tree.name(path).startswith(layer + "/")]
    assert files, f"{layer} has no C files"
    problems = {tree.name(path): upward_includes(layer, tree.read(path)) for path in files}
    assert not {path: found for path, found in problems.items() if found}


@pytest.mark.parametrize("layer, line", [
    ("src/token", "#include <httpd.h>"),
    ("src/token", "# include <time.h>"),
    ("src/token", "#include <curl/curl.h>"),
    ("src/token", '#include "issuer/jwks_store.h"'),
    ("src/token", '#include "../issuer/jwks_store.h"'),
    ("src/issuer", '#include "httpd/config.h"'),
    ("src/issuer", "#include <http_log.h>"),
    ("tools", '#include "httpd/config.h"'),
])
def test_the_guard_sees_an_include_that_points_up(layer, line):
    assert upward_includes(layer, f"/* a file */\n{line}\n")


@pytest.mark.parametrize("layer, line", [
    ("src/token", '#include "token/jws.h"'),
    ("src/token", "#include <openssl/evp.h>"),
    ("src/token", "/* not #include <time.h> */"),
    ("src/issuer", "#include <curl/curl.h>"),
    ("src/issuer", '#include "token/jwk.h"'),
    ("tools", '#include "issuer/https_get.h"'),
])
def test_the_guard_accepts_an_include_that_points_down(layer, line):
    assert not upward_includes(layer, f"{line}\n")


def test_token_code_calls_no_clock_thread_file_or_server():
    """Headers can hide behind headers; what an object file asks for cannot."""
    sources = [path for path in tree.c_files()
               if tree.name(path).startswith("src/token/") and path.suffix == ".c"]
    objects = [tree.TOP / "build/obj" / tree.name(path).replace(".c", ".o")
               for path in sources]
    listing = subprocess.run(["nm", "-u", *objects], capture_output=True, check=True,
                             text=True).stdout
    called = set(re.findall(r"^ +U (\w+)", listing, flags=re.M))
    assert "EVP_DigestVerifyInit" in called or "EVP_DigestVerify" in called, \
        "nm shows nothing of what we know to be called"
    assert not {symbol for symbol in called if re.fullmatch(CALLS, symbol)}


# Who may ask for what opens connections: requests cannot, if nothing else does.
CONNECTING = {
    r"curl_(?!global_)\w+|socket|connect|getaddrinfo|apr_socket_\w+": {"issuer/https_get"},
    r"https_get_\w+|https_client_\w+": {"issuer/https_get", "issuer/jwks_refresh"},
    r"jwks_refresher_start": {"httpd/runtime"},
}


def callers(pattern, listing):
    """The files of src whose objects ask for such a symbol, in the words of nm -A -u."""
    return set(re.findall(rf"^\S*src/(\w+/\w+)\.o: +U (?:{pattern})$", listing,
                          flags=re.M))


def test_only_the_background_thread_opens_connections():
    objects = [path.with_suffix(".o") for path in tree.c_files() if path.suffix == ".c"
               and tree.name(path).startswith("src/")]
    listing = subprocess.run(["nm", "-A", "-u", *(tree.TOP / "build/obj" / tree.name(path)
                                                  for path in objects)],
                             capture_output=True, check=True, text=True).stdout
    for pattern, allowed in CONNECTING.items():
        found = callers(pattern, listing)
        assert found and found <= allowed, (pattern, found)


def test_the_guard_sees_who_opens_a_connection():
    line = "/x/build/obj/src/httpd/authn.o:                 U curl_easy_perform\n"
    assert callers(next(iter(CONNECTING)), line) == {"httpd/authn"}
    assert not callers(next(iter(CONNECTING)), line.replace("easy", "global"))


# Calls that DESIGN.md rules out, and where the one exception lives.
NEVER = {
    r"#\s*include\s*[<\"](?:cjson/)?cJSON\.h": "src/token/json",
    r"\bcJSON_InitHooks\b": None,
    r"\bcJSON_GetErrorPtr\b": None,
    r"\bcurl_global_cleanup\b": None,
    r"\bCURLOPT_SSL_VERIFY(?:PEER|HOST)\s*,\s*0": None,
    r"\bAPLOGNO\s*\(\s*\d": None,
}


def forbidden_calls(path, source):
    source = tree.without_comments(source)
    return [pattern for pattern, exception in NEVER.items()
            if re.search(pattern, source)
            and not (exception and path.startswith(exception))]


def test_nothing_is_called_that_the_design_rules_out():
    problems = {tree.name(path): forbidden_calls(tree.name(path), tree.read(path))
                for path in tree.c_files() if not tree.name(path).startswith("tests/")}
    assert not {path: found for path, found in problems.items() if found}


@pytest.mark.parametrize("line", [
    "#include <cjson/cJSON.h>",
    "    cJSON_InitHooks(&hooks);",
    "    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);",
])
def test_the_guard_sees_a_call_that_the_design_rules_out(line):
    assert forbidden_calls("src/issuer/https_get.c", line + "\n")
