"""live.py WEIR SEEDS SECONDS [alone]: sends mutated HTTP requests and peer frames to a running node, best one built with a sanitizer.

SEEDS is a folder that peer_frame_seeds has filled. Two nodes run, so that the fuzzed one has a lease; `alone`: the other one
is killed before, so that the fuzzed one has lost its majority. Everything happens in a network of its own (`unshare -n`), as
mutated messages may name any address. Throughout /livez must answer within 5 s. At the end the node must stop with 0, and have
printed no report. Prints the numbers of executions; exits 1 with a finding.
"""

import multiprocessing
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import xxhash

HTTP, PEER, OTHER_HTTP, OTHER_PEER = 7421, 7420, 7521, 7520
HEADER = 40  # bytes of a frame's header; its last 4 are their checksum, those before it the payload's

REQUESTS = [
    b"GET /v1/f/a HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /v1/f/a%2Fb?explain HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \"1-2\", W/\"3\"\r\nWeir-Timeout: 250ms\r\n\r\n",
    b"PUT /v1/w/k?ttl=5s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nIf-Match: \"1-1\"\r\n\r\nvalue",
    b"PUT /v1/w/k HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: t\r\n\r\n",
    b"DELETE /v1/w/k HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"PURGE /v1/w/k HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"POST /v1/w?get HTTP/1.1\r\nHost: localhost\r\nContent-Length: 23\r\n\r\n{\"keys\": [\"a\",\"b\",\"c\"]}",
    b"POST /v1/w?purge HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{\"all\": true}",
    b"GET /cluster/ring?key=f%2Fa HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer abc\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /readyz?verbose HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: weir/1\r\n\r\n",
]
WORDS = [b"\r\n", b"\0", b"\xff", b"%", b"%00", b"chunked", b"Content-Length: 99999999999", b"{", b"]", b'"', b"\\ud800", b"?", b"&", b"-1", b"\t"]
UPGRADE = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: weir/1\r\n\r\n"


def mutate(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del data[at : at + rng.choice((1, 2, 4, 16))]
        elif kind == 2:
            data[at:at] = rng.choice(WORDS)
        elif kind == 3:
            data[at:at] = data[at : at + rng.choice((1, 4, 32, 300))] * rng.choice((1, 2, 20))
        elif kind == 4 and at < len(data):
            data[at] = rng.randrange(256)
        elif at + 4 <= len(data):
            data[at : at + 4] = struct.pack(rng.choice("<>") + "I", rng.choice((0, 1, 2**31, 2**32 - 1, len(data))))
    return bytes(data)


def drain(connection):
    """Reads what is there; False when the node has closed."""
    try:
        return connection.recv(1 << 16) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def http_load(seconds, seed, count):
    rng, end = random.Random(seed), time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", HTTP), 5) as connection:
            for _ in range(20):
                request = rng.choice(REQUESTS)
                sent = request if rng.random() < 0.1 else mutate(request, rng)
                try:
                    connection.sendall(sent)
                except OSError:
                    break
                count.value += 1
                connection.setblocking(False)
                if not drain(connection):
                    break
                connection.settimeout(5)


def sealed(frame):
    """The frame with right checksums, so that what is behind them is reached."""
    if len(frame) < HEADER:
        return frame
    frame = bytearray(frame)
    frame[32:36] = struct.pack("<I", xxhash.xxh3_64_intdigest(bytes(frame[HEADER:])) & 0xFFFFFFFF)
    frame[36:40] = struct.pack("<I", xxhash.xxh3_64_intdigest(bytes(frame[:36])) & 0xFFFFFFFF)
    return bytes(frame)


def peer_load(seconds, seed, count, seeds):
    rng, end = random.Random(seed), time.monotonic() + seconds
    hello = next(data for phase, data in seeds if phase == 0)
    frames = [data for phase, data in seeds if phase == 1]
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", PEER), 5) as connection:
            connection.sendall(UPGRADE)
            connection.recv(4096)
            try:
                connection.sendall(hello if rng.random() < 0.9 else sealed(mutate(hello, rng)))
                for _ in range(50):
                    frame = rng.choice(frames)
                    frame = mutate(frame, rng) if rng.random() < 0.2 else sealed(mutate(frame, rng))
                    connection.settimeout(5)
                    connection.sendall(frame)
                    count.value += 1
                    connection.setblocking(False)
                    if not drain(connection):
                        break
            except OSError:
                pass


def config(folder, name, http, peer):
    path = os.path.join(folder, name + ".yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""
cluster: fuzz
node: {{id: {name}, max_memory: 64MiB}}
listen: {{http: {{address: "127.0.0.1:{http}"}}, peer: {{address: "127.0.0.1:{peer}"}}}}
discovery: {{static: {{peers: ["n1=127.0.0.1:{PEER}", "n3=127.0.0.1:{OTHER_PEER}"]}}}}
log: {{level: error}}
keyspaces:
  - {{name: f, source: {{type: file, root: {folder}}}}}
  - {{name: w, writes: allow, source: {{type: file, root: {folder}}}}}
""")
    return path


def lives():
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", HTTP), 5) as connection:
        connection.settimeout(5)
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = connection.recv(4096)
    return answer.startswith(b"HTTP/1.1 200"), time.monotonic() - began


def main(weir, seeds_folder, seconds, mode=""):
    seconds = float(seconds)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    seeds = []
    for name in sorted(os.listdir(seeds_folder)):
        with open(os.path.join(seeds_folder, name), "rb") as file:
            data = file.read()
        if name.startswith("sample"):
            seeds.append((data[0], data[2:]))
    folder = tempfile.mkdtemp(prefix="weir-fuzz-")
    log = open(os.path.join(folder, "log"), "w+", encoding="utf-8", errors="replace")
    node = subprocess.Popen([weir, "serve", "-c", config(folder, "n1", HTTP, PEER)], stderr=log, stdout=log)
    other = subprocess.Popen([weir, "serve", "-c", config(folder, "n3", OTHER_HTTP, OTHER_PEER)], stderr=log, stdout=log)
    for _ in range(200):
        try:
            if lives()[0]:
                break
        except OSError:
            time.sleep(0.1)  # another process: nothing here tells when it listens
    if mode == "alone":
        other.kill()
    counts = [multiprocessing.Value("q", 0) for _ in range(2)]
    loads = [
        multiprocessing.Process(target=http_load, args=(seconds, 1, counts[0])),
        multiprocessing.Process(target=peer_load, args=(seconds, 2, counts[1], seeds)),
    ]
    for each in loads:
        each.start()
    slowest, finding, end = 0.0, "", time.monotonic() + seconds
    while time.monotonic() < end and node.poll() is None and not finding:
        try:
            is_good, took = lives()
            slowest = max(slowest, took)
            finding = "" if is_good else "/livez did not answer 200"
        except OSError as failed:
            finding = f"/livez: {failed}"
        time.sleep(0.2)
    for each in loads:
        each.terminate()
        each.join()
    if node.poll() is None:
        node.send_signal(signal.SIGTERM)
    code = node.wait(60)
    other.kill()
    other.wait()
    log.seek(0)
    said = log.read()
    if code != 0 or "Sanitizer" in said or "runtime error" in said:
        finding = finding or f"the node ended with {code}"
    print(f"live: {counts[0].value} HTTP messages, {counts[1].value} peer frames in {seconds:.0f} s; slowest /livez {slowest:.2f} s; {finding or 'no finding'}")
    if finding:
        print(said[-8000:])
        sys.exit(1)


main(*sys.argv[1:])
