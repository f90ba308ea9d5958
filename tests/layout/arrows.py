#!/usr/bin/env python3
"""Holds the tree to layout.py: arrows.py ROOT. Prints each offence as FILE: WHAT, and fails if there is one.

An offence is an include that points up, of a module or of a folder inside it, a circle of headers, a folder with too many
parts, a long file, and a place or a table in layout.py that nothing needs any more.
"""
import pathlib
import re
import sys

sys.dont_write_bytecode = True
import layout  # noqa: E402

PRIVATE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
PUBLIC = re.compile(r"^\s*#\s*include\s+<weir/([^/>]+)/([^>]+)>", re.MULTILINE)
SOURCES = (".cpp", ".hpp")


def sources(folder):
    return sorted(each for each in folder.rglob("*") if each.suffix in SOURCES)


def module_offences(root, module, rules):
    """Arrows, parts and unknown folders of one module."""
    base = root / module
    order = rules.FOLDERS[module]
    parts = {folder: set() for folder in order}
    for file in sources(base):
        inside = file.relative_to(base)
        name = f"{module}/{inside}"
        text = file.read_text()
        for other, _ in PUBLIC.findall(text):
            if other != module and other not in rules.MODULES[module]:
                yield f"{name}: module {module} may not use {other}"
        folder = str(inside.parent)
        if inside.parts[0] == "include":
            for wanted in PRIVATE.findall(text):
                yield f'{name}: a public header includes "{wanted}", which nobody else has'
            continue
        if folder not in parts:
            yield f"{name}: folder {folder} has no place in layout.py"
            continue
        parts[folder].add(inside.stem)
        for wanted in PRIVATE.findall(text):
            if wanted in rules.GENERATED.get(module, []):
                continue
            if not (base / wanted).is_file():
                yield f'{name}: "{wanted}" is not a path from the root of module {module}'
                continue
            target = str(pathlib.PurePosixPath(wanted).parent)
            if target not in order or order.index(target) > order.index(folder):
                yield f'{name}: "{wanted}" points up, from {folder} to {target}'
    for folder, names in parts.items():
        if len(names) > rules.MAX_PARTS:
            yield f"{module}/{folder}: {len(names)} parts, at most {rules.MAX_PARTS}; make rooms"
        if not names:
            yield f"{module}/{folder}: stands in layout.py and is empty"


def included_headers(root, module, file):
    """The headers of the tree that `file` includes."""
    text = file.read_text()
    for wanted in PRIVATE.findall(text):
        yield root / module / wanted
    for other, path in PUBLIC.findall(text):
        yield root / other / "include/weir" / other / path


def circles(root, rules):
    """Headers that include themselves, by whatever way: `#pragma once` hides it until the order of includes changes."""
    done, path = set(), []

    def visit(module, header):
        if header in path:
            ring = path[path.index(header):] + [header]
            yield " -> ".join(str(each.relative_to(root)) for each in ring) + ": a circle of headers"
            return
        if header in done or not header.is_file():
            return
        path.append(header)
        for wanted in included_headers(root, module, header):
            yield from visit(wanted.relative_to(root).parts[0], wanted)
        path.pop()
        done.add(header)

    for module in rules.MODULES:
        for file in sources(root / module):
            if file.suffix == ".hpp":
                yield from visit(module, file)


def long_files(root, rules):
    """Lines of LONG_FOR_NOW that are not needed any more do no harm: they go when their files are split."""
    allowed = set(rules.LONG_TABLES) | set(rules.LONG_FOR_NOW)
    long = {}
    for folder in [*rules.MODULES, "tests", "examples", "benchmarks"]:
        for file in sources(root / folder):
            lines = file.read_text().count("\n")
            if lines > rules.MAX_LINES:
                long[str(file.relative_to(root))] = lines
    for name in sorted(long.keys() - allowed):
        yield f"{name}: {long[name]} lines, at most {rules.MAX_LINES}; split it"
    for name in sorted(set(rules.LONG_TABLES) - long.keys()):
        yield f"{name}: may be long by layout.py and is not; take the line out"


def offences(root, rules=layout):
    for module in rules.MODULES:
        yield from module_offences(root, module, rules)
    yield from circles(root, rules)
    yield from long_files(root, rules)


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    found = list(offences(root))
    for each in found:
        print(each)
    files = sum(len(sources(root / module)) for module in layout.MODULES)
    print(f"{files} files in {len(layout.MODULES)} modules, {len(found)} offences")
    return 1 if found or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
