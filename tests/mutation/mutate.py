#!/usr/bin/python3
"""Would the unit tests notice if src/token were wrong?

Makes one small mistake at a time in a private copy of the tree, builds the unit tests
with the sanitizers (as `make -f Makefile.apxs asan` does) and runs them until one fails.
A mutant that no test notices has survived: it shows a missing test, or code that does
the same either way. Needs the standard library and what the build needs, nothing else.

    tests/mutation/mutate.py                       all mutants of src/token/*.c
    tests/mutation/mutate.py --file jws.c          of one file
    tests/mutation/mutate.py --file jws.c:196-212  of these lines
    tests/mutation/mutate.py --sample 300 --seed 7 300 of them, the same ones every time
    tests/mutation/mutate.py --list                only say which there are

Ends with status 1 when fewer than GOAL of the mutants that compile are killed.
"""

import argparse
import collections
import os
import queue
import random
import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
MAKE = ["make", "-f", "Makefile.apxs"]
COPIED = ["Makefile.apxs", "src", "tools", "tests/unit"]
GOAL = 0.90

# Seconds: a mutant that loops for ever is killed by these, and counts as killed.
COMPILE_LIMIT = 60
MUTANT_LIMIT = 120
RUN_LIMIT_LEAST = 10
RUN_LIMIT_FACTOR = 6

# Memory from a pool, piece by piece: the sanitizer sees the first byte beyond it. Not by
# malloc, which test_faults makes fail.
EXACT_POOL = """
#include <apr_pools.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
static apr_status_t exact_free(void *memory)
{
    free(memory);
    return APR_SUCCESS;
}
static inline void *exact_palloc(apr_pool_t *pool, apr_size_t size)
{
    void *memory = NULL;
    if (posix_memalign(&memory, 16, size > 0 ? size : 1) != 0) abort();
    apr_pool_cleanup_register(pool, memory, exact_free, apr_pool_cleanup_null);
    return memory;
}
static inline char *exact_pstrdup(apr_pool_t *pool, const char *text)
{
    return memcpy(exact_palloc(pool, strlen(text) + 1), text, strlen(text) + 1);
}
#define apr_palloc exact_palloc
#define apr_pstrdup exact_pstrdup
"""

# The programs most likely to notice; the others follow, the fastest first.
LIKELY = {
    "base64url.c": ["base64url"],
    "bearer.c": ["bearer"],
    "json.c": ["json", "jwt"],
    "json_scan.c": ["json"],
    "jwa.c": ["jwk", "secret", "jws_algorithm"],
    "jwk.c": ["jwk"],
    "jwk_key.c": ["jwk", "jws_signature"],
    "jws.c": ["jws", "jws_signature", "jws_algorithm"],
    "jwt.c": ["jwt_policy", "jwt"],
    "reason.c": ["reason"],
    "secret.c": ["secret"],
}

# ------------------------------------------------------------------------------
# C as a list of tokens

Token = collections.namedtuple("Token", "kind text start end")
Mutant = collections.namedtuple("Mutant", "file line kind start end old new")

TOKEN = re.compile(r"""
    (?P<comment>   //[^\n]* | /\*.*?\*/ )
  | (?P<directive> ^[ \t]*\#[ \t]*(?!define\b)\w+(?:\\\n|[^\n])* )
  | (?P<define>    ^[ \t]*\#[ \t]*define[ \t]+\w+(?:\([^)]*\))? )
  | (?P<string>    "(?:\\.|[^"\\\n])*" )
  | (?P<char>      '(?:\\.|[^'\\\n])+' )
  | (?P<number>    (?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)[uUlL]* )
  | (?P<name>      [A-Za-z_]\w* )
  | (?P<mark>      <<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\S )
""", re.S | re.M | re.X)

SWAPS = {
    "==": ["!="], "!=": ["=="],
    "<": ["<=", ">="], "<=": ["<", ">"], ">": [">=", "<="], ">=": [">", "<"],
    "&&": ["||"], "||": ["&&"],
    "+": ["-"], "-": ["+"], "+=": ["-="], "-=": ["+="], "++": ["--"], "--": ["++"],
    "*": ["/"], "/": ["*"], "%": ["*"],
    "<<": [">>"], ">>": ["<<"], "&": ["|"], "|": ["&"], "^": ["&"],
    "&=": ["|="], "|=": ["&="], "<<=": [">>="], ">>=": ["<<="],
}
SIGNS = {"+", "-", "*", "&"}  # with another meaning before a single operand

WORDS = {"true": ["false"], "false": ["true"]}
LIMIT = re.compile(r"[A-Z][A-Z0-9_]*(?:MAX|MIN|LENGTH|COUNT|DEPTH|MEMBERS)$")
ENUMERATOR = re.compile(r"(?:OUTCOME|JWS_TYP|JWT_TIME|JWT_PROFILE|JWA|JWA_KTY)_[A-Z0-9_]+$")
NOT_A_VALUE = {"return", "case", "sizeof", "else", "do", "goto"}

ESCAPES = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "v": 11, "0": 0, "\\": 92, "'": 39,
           '"': 34}


def tokens_of(source):
    found = []
    for match in TOKEN.finditer(source):
        if match.lastgroup not in ("comment", "directive", "define"):
            found.append(Token(match.lastgroup, match.group(), match.start(), match.end()))
    return found


def closing(tokens, i):
    """Index of the mark that closes the one at i."""
    pairs = {"(": ")", "[": "]", "{": "}"}
    opened, closed, depth = tokens[i].text, pairs[tokens[i].text], 0
    for j in range(i, len(tokens)):
        if tokens[j].kind != "mark":
            continue
        depth += (tokens[j].text == opened) - (tokens[j].text == closed)
        if depth == 0:
            return j
    return None


def designators(tokens):
    """Indices of the tokens between the brackets of `[X] = value` in a table."""
    inside = set()
    for i, token in enumerate(tokens):
        if token.text == "[" and token.kind == "mark" and i > 0 \
                and tokens[i - 1].text in ("{", ",", "}"):
            inside.update(range(i, closing(tokens, i) + 1))
    return inside


def by_one(text):
    """A number one higher and one lower."""
    digits = text.rstrip("uUlL")
    suffix = text[len(digits):]
    if digits.lower().startswith("0x"):
        value, show = int(digits, 16), hex
    elif re.fullmatch(r"\d+", digits):
        value, show = int(digits), str
    else:
        return [f"({text} + 1)", f"({text} - 1)"]
    return [show(n) + suffix for n in (value + 1, value - 1) if n >= 0]


def neighbours(text):
    """A character constant's neighbours."""
    body = text[1:-1]
    value = ESCAPES[body[1]] if body[0] == "\\" else ord(body)
    return [f"'\\x{n:02x}'" for n in (value + 1, value - 1) if n >= 0]


def other_string(text):
    if text == '""':
        return ['"x"']
    body = text[1:-1]
    if body[0] == "\\":
        return ['"x' + body + '"']
    return ['"' + ("x" if body[0] != "x" else "y") + body[1:] + '"']


def is_entry(tokens, i):
    """Is this number all there is between two commas of a table?"""
    return tokens[i - 1].text in (",", "{") and tokens[i + 1].text in (",", "}")


def is_binary(source, tokens, i):
    before = tokens[i - 1] if i > 0 else None
    if before is None or before.text in NOT_A_VALUE:
        return False
    if before.kind == "mark" and before.text not in (")", "]"):
        return False
    # A pointer's asterisk stands at its name.
    return tokens[i].text != "*" or source[tokens[i].end] == " "


def word_changes(tokens, i):
    token = tokens[i]
    before = tokens[i - 1].text if i > 0 else ""
    after = tokens[i + 1].text if i + 1 < len(tokens) else ""
    if before == "case" or after == "(":
        return
    if token.text in WORDS:
        yield "boolean", WORDS[token.text][0]
    elif re.fullmatch(r"REASON_(?!COUNT)\w+", token.text):
        if before not in ("==", "!="):
            for new in ("REASON_OK", "REASON_INTERNAL_ERROR"):
                if new != token.text:
                    yield "reason", new
    elif LIMIT.fullmatch(token.text):
        yield "constant", f"({token.text} + 1)"
        yield "constant", f"({token.text} - 1)"
    elif ENUMERATOR.fullmatch(token.text):
        yield "constant", f"({token.text} + 1)"


def mark_changes(source, tokens, i):
    token = tokens[i]
    if token.text == "!":
        yield "negation", ""
    elif token.text in SWAPS and (token.text not in SIGNS or is_binary(source, tokens, i)):
        for new in SWAPS[token.text]:
            yield "operator", new


def changes(source):
    """(kind, start, end, new) of each mutation."""
    tokens = tokens_of(source)
    skipped = designators(tokens)
    for i, token in enumerate(tokens):
        if i in skipped:
            continue
        found = []
        if token.kind == "number":
            found = [("constant", new) for new in by_one(token.text)]
            if is_entry(tokens, i):
                # One change is enough: a byte upwards unless that makes it no byte.
                found = found[-1:] if token.text == "0xff" else found[:1]
        elif token.kind == "char":
            found = [("constant", new) for new in neighbours(token.text)]
        elif token.kind == "string":
            found = [("string", new) for new in other_string(token.text)]
        elif token.kind == "name":
            found = word_changes(tokens, i)
        elif token.kind == "mark":
            found = mark_changes(source, tokens, i)
        for kind, new in found:
            yield kind, token.start, token.end, new
        if token.text == "if" and token.kind == "name":
            end = tokens[closing(tokens, i + 1)].end
            start = tokens[i + 1].start
            yield "check dropped", start, end, f"(0 && {source[start:end]})"


def mutants_of(path):
    source = path.read_text(encoding="ascii")
    name = str(path.relative_to(TOP))
    return [Mutant(name, source.count("\n", 0, start) + 1, kind, start, end,
                   source[start:end], new)
            for kind, start, end, new in changes(source)]


def describe(mutant, source):
    line = source.split("\n")[mutant.line - 1].strip()
    old = " ".join(mutant.old.split())
    new = "never" if mutant.kind == "check dropped" else mutant.new or "nothing"
    return f"{mutant.file}:{mutant.line}: {mutant.kind}: {old}  ->  {new}\n      in  {line}"


# ------------------------------------------------------------------------------
# Build and run

def environment():
    vectors = os.environ.get("AUTH0_JWT_VECTORS")
    if vectors is None:
        made = subprocess.run([*MAKE, "-pn", "help"], cwd=TOP, capture_output=True, text=True)
        found = re.search(r"^AUTH0_JWT_VECTORS \?= (.+)$", made.stdout, re.M)
        vectors = found.group(1) if found else "."
    return {**os.environ,
            "AUTH0_JWT_VECTORS": str((TOP / vectors).resolve()),
            "CK_FORK": "no", "CK_VERBOSITY": "silent",
            "ASAN_OPTIONS": "hard_rss_limit_mb=1500:symbolize=0",
            "UBSAN_OPTIONS": "symbolize=0"}


def bounded():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 20, 256 << 20))


def run(command, folder, limit, env=None):
    """Exit status and seconds; status None when the time is over."""
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               start_new_session=True, preexec_fn=bounded)
    try:
        status = process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        status = None
    return status, time.monotonic() - began


class Tree:
    """A private copy of the tree with everything built."""

    def __init__(self, folder):
        self.folder = folder

    def programs(self, without):
        return sorted(path.stem for path in (self.folder / "tests/unit").glob("test_*.c")
                      if path.stem not in without)

    def copy(self):
        for name in COPIED:
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if (TOP / name).is_dir():
                shutil.copytree(TOP / name, target)
            else:
                shutil.copy2(TOP / name, target)
        (self.folder / "exact_pool.h").write_text(EXACT_POOL, encoding="ascii")

    def build(self, jobs, without):
        targets = [f"build/asan/{name}" for name in self.programs(without)]
        subprocess.run([*MAKE, "-s", f"-j{jobs}", *targets], cwd=self.folder, check=True)
        return targets

    def commands(self, targets):
        """What make would do, line by line."""
        listing = subprocess.run([*MAKE, "-nB", "V=1", *targets], cwd=self.folder,
                                 check=True, capture_output=True, text=True).stdout
        lines = listing.replace("\\\n", " ").split("\n")
        return [shlex.split(line) for line in lines if " -o build/asan/" in line]


    def linked(self, targets):
        """The programs that take along each file of src/token, by the names in them."""
        def names(path, kinds):
            listing = subprocess.run(["nm", path], cwd=self.folder, check=True,
                                     capture_output=True, text=True).stdout
            return set(re.findall(rf"^\w+ [{kinds}] ([a-z]\w+)$", listing, re.M))

        inside = {target.rpartition("/")[2]: names(target, "T") for target in targets}
        files = [f"src/token/{path.name}" for path in (TOP / "src/token").glob("*.c")]
        return {file: {program for program, found in inside.items()
                       if found & names(f"build/asan/{file[:-2]}.o", "T")}
                for file in files}


class Recipes:
    """How to make an object and a program, taken from make once."""

    def __init__(self, commands, linked, limits, order):
        self.by_output = {words[words.index("-o") + 1]: words for words in commands}
        self.linked = linked  # the programs that each file goes into
        self.limits = limits  # of each program, seconds
        self.order = order    # the fastest program first

    def compile(self, file):
        # Mutants may be unusual; only what the language forbids is invalid.
        return [word for word in self.by_output[f"build/asan/{file[:-2]}.o"]
                if not word.startswith("-W") and word != "-g"] \
            + ["-w", "-include", "exact_pool.h"]

    def link(self, program):
        return self.by_output[f"build/asan/{program}"]

    def programs(self, file):
        """Those that take this file along, in the order in which to run them."""
        likely = [f"test_{name}" for name in LIKELY.get(Path(file).name, [])]
        likely = [name for name in likely if name in self.order]
        order = likely + [name for name in self.order if name not in likely]
        return [name for name in order if name in self.linked[file]]


def baseline(tree, targets, env):
    """Time every program on the code as it is, which must pass."""
    seconds = {}
    for target in targets:
        status, took = run([target], tree.folder, MUTANT_LIMIT, env)
        if status != 0:
            sys.exit(f"{target} fails (status {status}) on the code as it is")
        seconds[target.rpartition("/")[2]] = took
    return seconds


def judge(mutant, source, tree, recipes, env):
    """killed by which program, survived or invalid."""
    path = tree.folder / mutant.file
    archive = "build/asan/libtoken_issuer.a"
    object_file = f"build/asan/{mutant.file[:-2]}.o"
    path.write_text(source[:mutant.start] + mutant.new + source[mutant.end:],
                    encoding="ascii")
    if run(recipes.compile(mutant.file), tree.folder, COMPILE_LIMIT)[0] != 0:
        return "invalid", None
    if run(["ar", "r", archive, object_file], tree.folder, COMPILE_LIMIT)[0] != 0:
        raise RuntimeError(f"cannot put {object_file} into {archive}")
    until = time.monotonic() + MUTANT_LIMIT
    for program in recipes.programs(mutant.file):
        if run(recipes.link(program), tree.folder, COMPILE_LIMIT)[0] != 0:
            return "invalid", None
        limit = min(recipes.limits[program], max(until - time.monotonic(), 0.1))
        status, _ = run([f"build/asan/{program}"], tree.folder, limit, env)
        if status != 0:
            return "killed", program if status is not None else program + ", too slow"
    return "survived", None


def work(tree, recipes, env, sources, todo, results, progress):
    before = None
    while True:
        try:
            mutant = todo.get_nowait()
        except queue.Empty:
            return
        if before not in (None, mutant.file):
            # The file before is as it was again: so must be its object.
            (tree.folder / before).write_text(sources[before], encoding="ascii")
            run(recipes.compile(before), tree.folder, COMPILE_LIMIT)
            run(["ar", "r", "build/asan/libtoken_issuer.a",
                 f"build/asan/{before[:-2]}.o"], tree.folder, COMPILE_LIMIT)
        before = mutant.file
        results[mutant] = judge(mutant, sources[mutant.file], tree, recipes, env)
        progress(mutant)


def chosen(arguments):
    mutants = []
    for path in sorted((TOP / "src/token").glob("*.c")):
        mutants += mutants_of(path)
    if arguments.file:
        wanted = []
        for pattern in arguments.file:
            name, _, lines = pattern.partition(":")
            first, _, last = lines.partition("-")
            low, high = int(first or 1), int(last or first or sys.maxsize)
            wanted += [m for m in mutants if Path(m.file).name == Path(name).name
                       and low <= m.line <= high]
        mutants = sorted(set(wanted))
    if arguments.sample and arguments.sample < len(mutants):
        mutants = sorted(random.Random(arguments.seed).sample(mutants, arguments.sample))
    return mutants


def attempt_all(mutants, sources, arguments, folder):
    env = environment()
    first = Tree(folder / "0")
    first.copy()
    targets = first.build(arguments.jobs, arguments.without)
    seconds = baseline(first, targets, env)
    print(f"{len(targets)} programs pass in {sum(seconds.values()):.0f} s", flush=True)
    recipes = Recipes(first.commands(targets), first.linked(targets),
                      {name: max(RUN_LIMIT_LEAST, RUN_LIMIT_FACTOR * took)
                       for name, took in seconds.items()},
                      sorted(seconds, key=lambda name: seconds[name]))
    trees = [first]
    for job in range(1, arguments.jobs):
        trees.append(Tree(folder / str(job)))
        shutil.copytree(first.folder, trees[-1].folder)

    todo, results = queue.Queue(), {}
    for mutant in mutants:
        todo.put(mutant)

    def progress(mutant):
        verdict, program = results[mutant]
        if verdict == "survived" or arguments.verbose:
            print(f"[{len(results)}/{len(mutants)}] {verdict} {program or ''} "
                  + describe(mutant, sources[mutant.file]), flush=True)
        elif len(results) % 100 == 0:
            print(f"[{len(results)}/{len(mutants)}]", flush=True)

    threads = [threading.Thread(target=work, daemon=True,
                                args=(tree, recipes, env, sources, todo, results, progress))
               for tree in trees]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def report(results, sources):
    """Print the counts and the survivors; was the goal reached?"""
    count = collections.Counter()
    by_file = collections.defaultdict(collections.Counter)
    for mutant, (verdict, _) in results.items():
        count[verdict] += 1
        by_file[mutant.file][verdict] += 1
    print(f"\n{'file':28}{'killed':>8}{'survived':>10}{'invalid':>9}")
    for file, row in sorted(by_file.items()) + [("in all", count)]:
        print(f"{file:28}{row['killed']:8}{row['survived']:10}{row['invalid']:9}")
    survivors = sorted(m for m in results if results[m][0] == "survived")
    if survivors:
        print("\nSurvivors:")
    for mutant in survivors:
        print("  " + describe(mutant, sources[mutant.file]))
    valid = count["killed"] + count["survived"]
    rate = count["killed"] / valid if valid else 1.0
    print(f"\n{rate:.1%} of {valid} mutants killed")
    return rate >= GOAL


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", action="append", metavar="NAME[:LINE[-LINE]]")
    parser.add_argument("--without", action="append", metavar="PROGRAM", default=[],
                        help="run the unit tests without this one")
    parser.add_argument("--sample", type=int, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()

    mutants = chosen(arguments)
    sources = {m.file: (TOP / m.file).read_text(encoding="ascii") for m in mutants}
    if arguments.list:
        for mutant in mutants:
            print(describe(mutant, sources[mutant.file]))
    print(f"{len(mutants)} mutants (seed {arguments.seed})", flush=True)
    if arguments.list or not mutants:
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        results = attempt_all(mutants, sources, arguments, Path(folder))
    reached = report(results, sources)
    print(f"took {(time.monotonic() - began) / 60:.1f} minutes")
    sys.exit(0 if reached else 1)


if __name__ == "__main__":
    main()
