"""The source tree as the guards see it."""

import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
C_SUFFIXES = {".c", ".h"}
TEXT_SUFFIXES = C_SUFFIXES | {".py", ".sh", ".mjs", ".js", ".html", ".css", ".conf", ".md",
                              ".apxs", ".map", ".supp", ".yml", ".spec", ".load", ".1",
                              ".bash", ".fish"}
TEXT_NAMES = {".env.example", ".gitignore", ".clang-format", "run", "Dockerfile",
              ".dockerignore", "control", "rules", "smoke", "README.Debian", "_auth0-jwt"}
MADE = {".git", "build", "run", "node_modules", "__pycache__", ".pytest_cache",
        ".hypothesis"}


def listed_by_git():
    """What is in the repository or would be added to it; None outside of one."""
    try:
        listing = subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], cwd=TOP, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [TOP / name for name in listing.stdout.split("\0") if name]


def text_files():
    paths = listed_by_git()
    if paths is None:
        paths = [path for path in TOP.rglob("*")
                 if not MADE & set(path.relative_to(TOP).parts[:-1])]
    return sorted(path for path in paths if path.is_file()
                  and (path.suffix in TEXT_SUFFIXES or path.name in TEXT_NAMES))


def c_files():
    return [path for path in text_files() if path.suffix in C_SUFFIXES]


def pages():
    return [path for path in text_files() if path.suffix == ".md"]


def read(path):
    return (TOP / path).read_text(encoding="utf-8")


def name(path):
    """A path as it is written in a message."""
    return str(Path(path).relative_to(TOP))


def without_comments(source):
    """C source with its comments blanked out, line numbers kept."""
    def blank(match):
        text = match.group(0)
        return re.sub(r"[^\n]", " ", text) if text.startswith("/") else text
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, source, flags=re.S)
