"""sources_blocks.py SOURCES.md WEIR: types in what the page shows under "From nothing to the first hit".

The server is one of its own, on the usual port in a network of its own, with the folder of its socket in PGHOST; the line
that installs the package must name one that is installed. Needs root. Exits 0 when the last read was a hit.
"""

import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from readme_blocks import blocks_of  # noqa: E402

SERVER = "/usr/lib/postgresql/15/bin"
START = """set -eu
ip link set lo up
chown postgres .
export PGHOST=$PWD PATH=$WEIR_FOLDER:$PATH
trap 'kill $(jobs -p) 2>/dev/null || true; runuser -u postgres -- {server}/pg_ctl -D $PWD/data -m immediate stop >&2' EXIT
runuser -u postgres -- {server}/initdb -D "$PWD/data" --auth-local=trust --auth-host=scram-sha-256 >/dev/null
runuser -u postgres -- {server}/pg_ctl -D "$PWD/data" -w -l "$PWD/log" -o "-h 127.0.0.1 -k $PWD" start >/dev/null
"""


def main():
    page, weir = open(sys.argv[1]).read(), os.path.abspath(sys.argv[2])
    section = page[page.index("**From nothing to the first hit**"):]
    shown = blocks_of(section)
    yaml = next(lines for language, lines in shown if language == "yaml")
    commands = next(lines for language, lines in shown if language == "commands")
    for line in commands:
        if line.startswith("apt-get install -y "):
            subprocess.run(["dpkg", "-s", *line.split()[3:]], check=True, stdout=subprocess.DEVNULL)
    typed = [line for line in commands if not line.startswith("apt-get ")]
    with tempfile.TemporaryDirectory(prefix="weir-sources-") as folder:
        with open(os.path.join(folder, "weir.yaml"), "w") as file:
            file.write("\n".join(yaml) + "\n")
        script = START.replace("{server}", SERVER) + "\n".join(typed) + "\n"
        environment = {**os.environ, "WEIR_FOLDER": os.path.dirname(weir)}
        done = subprocess.run(["unshare", "-n", "bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True,
                              timeout=100)
    if done.returncode != 0 or '{"name": "Ada"}' not in done.stdout or not re.search(r"\bhit\b", done.stdout + done.stderr):
        sys.exit(f"ended with {done.returncode}:\n{script}\n{done.stdout}\n{done.stderr}")


main()
