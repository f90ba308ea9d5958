#!/usr/bin/python3
"""Runs clang-tidy over the product: run.py [--changed]. Prints each finding, and fails if there is one.

All sources of a module are read as one file, as that takes an eighth of the time. A module is not read again while
nothing that it is made of has changed since it had no finding; build/tidy/ keeps that, and needs no build before.
--changed takes only the modules with files that differ from the last commit.
"""
import argparse
import concurrent.futures
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "layout"))
from layout import MODULES  # noqa: E402

OUT = ROOT / "build" / "tidy"
TIDY = "clang-tidy-14"
AT_A_TIME = 2
VERSION = ROOT / "node" / "version.hpp.in"
RULES = [ROOT / ".clang-tidy", pathlib.Path(__file__).resolve()]
FLAGS = ["-std=c++20", "-D_GLIBCXX_ASSERTIONS", "-DBOOST_ASIO_NO_DEPRECATED", f"-I{OUT}", "-isystem/usr/include/postgresql"]
# Where the headers of others come from.
PACKAGES = {
    "libpq-fe.h": "libpq-dev", "sqlite3.h": "libsqlite3-dev", "ares.h": "libc-ares-dev", "xxhash.h": "libxxhash-dev",
    "openssl/": "libssl-dev", "yaml-cpp/": "libyaml-cpp-dev", "CLI/": "libcli11-dev", "boost/": "libboost1.81-dev",
}


def sources(module):
    """Its files; but not those that stand in where a library is missing, and name what the others name."""
    found = (each for kind in ("*.hpp", "*.cpp") for each in sorted((ROOT / module).rglob(kind)))
    return [each for each in found if not each.match("no_*.cpp")]


def joined(module):
    """One file with all headers and sources of the module, and where it is."""
    file = OUT / f"{module}.cpp"
    file.write_text("".join(f'#include "{each}"\n' for each in sources(module)))
    return file


def write_version():
    """The header that the build generates, with other words."""
    (OUT / "version.hpp").write_text(re.sub("@[A-Z_]+@", "none", VERSION.read_text()))


def state(module, version):
    """A hash of all that decides what clang-tidy says of the module."""
    read = [*RULES, VERSION, *sources(module)]
    for used in MODULES[module]:
        read += sorted((ROOT / used / "include").rglob("*.hpp"))
    said = hashlib.sha256(version.encode())
    for file in read:
        said.update(f"\n{file.relative_to(ROOT)} {file.stat().st_size}\n".encode() + file.read_bytes())
    return said.hexdigest()


def changed(modules):
    """Those with files that differ from HEAD or are new; all, if the rules do."""
    commands = (["git", "diff", "--name-only", "HEAD"], ["git", "ls-files", "--others", "--exclude-standard"])
    files = [line for each in commands for line in subprocess.check_output(each, cwd=ROOT, text=True).splitlines()]
    if any(ROOT / file in RULES for file in files):
        return list(modules)
    return [each for each in modules if any(file.startswith(f"{each}/") for file in files)]


def missing_package(said):
    """Which package has a header that was not found; without it nothing else that is said is of use."""
    header = re.search(r"'([^']+)' file not found", said)
    for begin, package in PACKAGES.items():
        if header and header[1].startswith(begin):
            return f"<{header[1]}> is of the package {package}: cmake/install-packages.sh test\n"
    return ""


def findings(module):
    """What clang-tidy says of the module's own files, "" if nothing."""
    folders = [ROOT / module, *(ROOT / each / "include" for each in (module, *MODULES[module]))]
    command = [TIDY, "--quiet", f"--config-file={ROOT}/.clang-tidy", f"--header-filter=^{re.escape(str(ROOT))}/{module}/",
               str(joined(module)), "--", *FLAGS, *(f"-I{each}" for each in folders)]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    said = done.stdout.strip()
    if done.returncode == 0 and not said:
        return ""
    return missing_package(said) or f"{said or done.stderr}\n".replace(f"{ROOT}/", "")


def check(module, version):
    """Whether the module has no finding; prints them."""
    began = time.monotonic()
    good = OUT / f"{module}.good"
    now = state(module, version)
    if good.is_file() and good.read_text() == now:
        print(f"{module}: unchanged", flush=True)
        return True
    said = findings(module)
    print(f"{said}{module}: {'findings' if said else 'good'}, {time.monotonic() - began:.0f} s", flush=True)
    if not said:
        good.write_text(now)
    return not said


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("--changed", action="store_true", help="only modules with files that differ from HEAD")
    wanted = changed(MODULES) if options.parse_args().changed else list(MODULES)
    if not shutil.which(TIDY):
        sys.exit(f"{TIDY} is missing, a package of this name: cmake/install-packages.sh test")
    OUT.mkdir(parents=True, exist_ok=True)
    write_version()
    version = subprocess.check_output([TIDY, "--version"], text=True)
    wanted.sort(key=lambda each: -sum(file.stat().st_size for file in sources(each)))  # the longest first
    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        good = list(pool.map(lambda each: check(each, version), wanted))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
