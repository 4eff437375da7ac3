"""Everything that names the version names the same one."""

import re
import subprocess

import tree

#: Where a version stands, as a pattern whose first match is the newest one.
PLACES = {
    "src/version.h": r'^#define AUTH0_JWT_VERSION "([^"]+)"$',
    "CHANGELOG.md": r"^## \[(\d[^\]]*)\] - \d{4}-\d{2}-\d{2}$",
    "debian/changelog": r"\A\S+ \(([^)]+)-\d+\) ",
    "packaging/mod_auth0_jwt.spec": r"^Version:\s+(\S+)$",
}


def version_in(text, pattern):
    found = re.search(pattern, text, flags=re.M)
    return found and found.group(1)


def test_the_sources_the_changelogs_and_the_packages_name_one_version():
    named = {name: version_in(tree.read(name), pattern) for name, pattern in PLACES.items()}
    assert set(named.values()) == {named["src/version.h"]}, named
    assert re.fullmatch(r"\d+\.\d+\.\d+", named["src/version.h"])


def test_the_newest_entry_of_the_specs_changelog_is_of_this_version():
    spec = tree.read("packaging/mod_auth0_jwt.spec")
    release = re.search(r"^Release:\s+(\d+)", spec, flags=re.M).group(1)
    newest = re.search(r"^%changelog\n\*.* - (\S+)$", spec, flags=re.M).group(1)
    assert newest == f"{version_in(spec, PLACES['packaging/mod_auth0_jwt.spec'])}-{release}"


def test_the_tool_says_this_version():
    said = subprocess.run([tree.TOP / "build/auth0-jwt", "--version"], capture_output=True,
                          text=True, check=True).stdout
    version = version_in(tree.read("src/version.h"), PLACES["src/version.h"])
    assert version in said.split()


def test_the_guard_sees_another_version():
    assert version_in("## [Unreleased]\n\n## [1.2.3] - 2026-01-01\n## [1.2.2] - 2025-01-01\n",
                      PLACES["CHANGELOG.md"]) == "1.2.3"
    assert version_in("pkg (1.2.3-4) unstable; urgency=low\n\npkg (1.2.2-1) x\n",
                      PLACES["debian/changelog"]) == "1.2.3"
    assert version_in("pkg (1.2.3) unstable\n", PLACES["debian/changelog"]) is None
