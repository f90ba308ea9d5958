"""readme_blocks.py README WEIR: runs what README.md shows, literally and in its order, in an empty folder.

The YAML block becomes weir.yaml; blocks of commands run under bash, in a network of their own when their ports are fixed.
The C++ block is built by consumer.installed. A block that this script does not know fails, so that a new one is added here.
Needs root, for the network namespace. Exits 0 when every block did what the page says.
"""

import os
import re
import subprocess
import sys
import tempfile


def blocks_of(text):
    """(language, lines) of each fenced block, and of each indented one as "commands", in their order."""
    blocks, fence, indented = [], None, []
    for line in text.split("\n"):
        if fence is not None:
            if line.startswith("```"):
                blocks.append(fence)
                fence = None
            else:
                fence[1].append(line)
        elif line.startswith("```"):
            fence = (line[3:], [])
        elif line.startswith("    "):
            indented.append(line[4:])
        elif indented:
            blocks.append(("commands", indented))
            indented = []
    return blocks


def folder_with(weir, root):
    """An empty folder in which README's relative paths lead to this repository and this build."""
    folder = tempfile.mkdtemp(prefix="weir-readme-")
    os.makedirs(os.path.join(folder, "build", "release"))
    os.symlink(os.path.dirname(weir), os.path.join(folder, "build", "release", "node"))
    os.symlink(os.path.join(root, "examples"), os.path.join(folder, "examples"))
    os.symlink(os.path.join(root, "tests"), os.path.join(folder, "tests"))
    return folder


def must_exist(lines, folder):
    """Scripts that other tests run: each is there and can be started."""
    for line in lines:
        word = line.split()[0]
        if not os.access(os.path.join(folder, word), os.X_OK):
            sys.exit(f"README names {word}, which cannot be run")


def run_alone(lines, folder):
    """The commands in a network namespace, so that README's ports are free. Returns what they printed."""
    script = "set -eu\nip link set lo up\n" + "\n".join(lines) + "\nwait\n"
    done = subprocess.run(["unshare", "-n", "bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=100)
    if done.returncode != 0:
        sys.exit(f"README's commands ended with {done.returncode}:\n{script}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def main(readme, weir):
    root = os.path.dirname(os.path.abspath(readme))
    folder = folder_with(os.path.abspath(weir), root)
    with open(readme, encoding="utf-8") as file:
        blocks = blocks_of(file.read())
    seen = []
    for language, lines in blocks:
        first = lines[0].split()[0] if lines else ""
        if language == "yaml":
            with open(os.path.join(folder, "weir.yaml"), "w", encoding="utf-8") as file:
                file.write("\n".join(lines))
            subprocess.run([weir, "config", "check", os.path.join(folder, "weir.yaml")], check=True)
            seen.append("yaml")
        elif language == "cpp":
            seen.append("cpp")
        elif first == "engine/":
            for line in lines:
                for name in re.findall(r"(\w+)/ ", line):
                    if not os.path.isdir(os.path.join(root, name)):
                        sys.exit(f"README names the folder {name}/, which is not there")
            seen.append("folders")
        elif first == "export":
            printed = run_alone(lines, folder)
            for wanted in ('{"name": "Ada"}', "outcome ok", "[+] lease"):
                if wanted not in printed:
                    sys.exit(f"README's commands did not print {wanted}:\n{printed}")
            seen.append("cluster")
        elif first.startswith(("examples/", "tests/")):
            must_exist(lines, folder)
            seen.append("scripts")
        else:
            sys.exit(f"README has a block that no test runs: {language}\n" + "\n".join(lines))
    for needed in ("scripts", "cpp", "yaml", "cluster", "folders"):
        if needed not in seen:
            sys.exit(f"README has no {needed} block any more; it has {seen}")
    print("ran " + ", ".join(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
