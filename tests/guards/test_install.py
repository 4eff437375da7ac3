"""What `install` and `install-tool` put where, for those who make packages too."""

import stat
import subprocess

import tree


def install(*settings):
    subprocess.run(["make", "-s", "-f", "Makefile.apxs", "install", "install-tool", *settings],
                   cwd=tree.TOP, check=True, capture_output=True)


def below(folder):
    """Relative path to mode of every file."""
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
            for path in folder.rglob("*") if path.is_file()}


def test_everything_is_installed_below_destdir_and_prefix(tmp_path):
    modules = subprocess.run(["apxs", "-q", "LIBEXECDIR"], check=True, capture_output=True,
                             text=True).stdout.strip().lstrip("/")
    install(f"DESTDIR={tmp_path}/usual")
    share = "usr/local/share"
    found = below(tmp_path / "usual")
    assert found.pop(f"{modules}/mod_auth0_jwt.so") & 0o444 == 0o444
    assert found == {
        "usr/local/bin/auth0-jwt": 0o755,
        f"{share}/man/man1/auth0-jwt.1": 0o644,
        f"{share}/bash-completion/completions/auth0-jwt": 0o644,
        f"{share}/fish/vendor_completions.d/auth0-jwt.fish": 0o644,
        f"{share}/zsh/site-functions/_auth0-jwt": 0o644}
    install(f"DESTDIR={tmp_path}/other", "PREFIX=/opt/auth0", "ZSH_COMPLETIONS=/opt/zsh")
    assert set(below(tmp_path / "other")) >= {
        "opt/auth0/bin/auth0-jwt", "opt/auth0/share/man/man1/auth0-jwt.1",
        "opt/zsh/_auth0-jwt"}


def test_what_is_installed_is_what_was_built(tmp_path):
    install(f"DESTDIR={tmp_path}")
    tool = tmp_path / "usr/local/bin/auth0-jwt"
    assert tool.read_bytes() == (tree.TOP / "build/auth0-jwt").read_bytes()
    assert (tmp_path / "usr/local/share/man/man1/auth0-jwt.1").read_text() == \
        tree.read("docs/auth0-jwt.1")
