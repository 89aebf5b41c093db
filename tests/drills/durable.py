"""Watches the system calls of the arcoflow process: no 2xx to a write leaves before a sync that began after its request came.

usage: durable.py BINARY [--requests N] [--evidence DIR]

The process runs under strace. Callers on several connections send triggers; then the trace is read in order. For each answer the
request that it answers was read from the same socket, and between the two a sync of the write-ahead log must have begun and ended.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from door_client import Away, Door  # noqa: E402
import evidence  # noqa: E402
from house import asset_id, free_port  # noqa: E402

CALL = re.compile(r"^(\d+) +([0-9.]+) (.*)$")
NAMES = "trace=fdatasync,fsync,read,recvfrom,write,writev,sendto,openat"


def calls(path):
    """Each finished call as (thread, began, ended, text); the halves of an interrupted one are put together."""
    open_calls = {}
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            match = CALL.match(line)
            if not match:
                continue
            thread, at, text = match[1], float(match[2]), match[3]
            if text.endswith("<unfinished ...>"):
                open_calls[thread] = (at, text[: -len("<unfinished ...>")].rstrip())
            elif text.startswith("<... "):
                began, first = open_calls.pop(thread, (at, ""))
                yield thread, began, at, first + text.split("resumed>", 1)[-1]
            else:
                yield thread, at, at, text


def judge(path):
    """The number of answers that were checked, the number of syncs, and what is wrong."""
    log_files, syncs, requests, answers, faults = set(), [], {}, [], []
    for _, began, ended, text in calls(path):
        opened = re.match(r'openat\(.*"[^"]*ledger\.db(-wal)?".*\) = (\d+)', text)
        if opened:
            log_files.add(opened[2])
        synced = re.match(r"f(?:data)?sync\((\d+)\) += 0", text)
        if synced and synced[1] in log_files:
            syncs.append((began, ended))
        came = re.match(r'(?:read|recvfrom)\((\d+), ?"(POST|GET) (\S+)', text)
        if came:
            requests[came[1]] = (ended, came[2], came[3])
        left = re.match(r'(?:write|writev|sendto)\((\d+), ?(?:\[\{iov_base=)?"HTTP/1\.1 (\d\d\d)', text)
        if left and left[1] in requests:
            answers.append((began, int(left[2]), requests.pop(left[1])))
    for at, status, (asked, method, target) in answers:
        if method == "POST" and 200 <= status < 300 and not any(began >= asked and ended <= at for began, ended in syncs):
            faults.append(f"{status} to {method} {target} at {at:.6f} without a sync since {asked:.6f}")
    checked = [answer for answer in answers if answer[2][1] == "POST" and 200 <= answer[1] < 300]
    return checked, syncs, faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--requests", type=int, default=40)
    evidence.add_argument(parser)
    arguments = parser.parse_args()
    if not shutil.which("strace"):
        raise SystemExit("strace is needed; install Debian's package `strace`")
    facts = evidence.Evidence("durable", arguments.evidence)
    base = tempfile.mkdtemp(prefix="arcoflow-durable-")
    trace, data, port = os.path.join(base, "trace"), os.path.join(base, "data"), free_port()
    process = subprocess.Popen(
        ["strace", "-f", "-ttt", "-s", "64", "-e", NAMES, "-o", trace, os.path.abspath(arguments.binary), "serve", "--data", data, "--listen", f"127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )
    try:
        drive(data, port, arguments.requests)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
    checked, syncs, faults = judge(trace)
    report = {"answers_checked": len(checked), "syncs": len(syncs), "faults": faults}
    reason = "this drill reads system calls, and breaks nothing"
    unknown = {name: reason for name in ("acknowledged_missing", "left_behind", "double_effects", "false_timeouts")}
    facts.write(report, None, {"acknowledged": len(checked)}, unknown)
    print(json.dumps(report, indent=2))
    if faults or len(checked) < arguments.requests or not syncs:
        print(f"the trace is kept in {base}", file=sys.stderr)
        raise SystemExit(1)
    shutil.rmtree(base, ignore_errors=True)


def drive(data, port, requests):
    """Deploys, and triggers over four connections at once."""
    end = time.monotonic() + 60
    while True:
        try:
            with open(os.path.join(data, "client.json"), encoding="utf-8") as file:
                key = json.load(file)["key"]
            if Door(f"http://127.0.0.1:{port}", key).send("GET", "/ready")[0] == 200:
                break
        except (Away, OSError, ValueError, KeyError):
            pass
        if time.monotonic() > end:
            raise SystemExit("the process is not ready")
        time.sleep(0.05)
    manifest = {"version": 1, "assets": [{"key": "drill/one", "id": asset_id(1), "run": {"command": ["true"]}}]}
    status, _, answer = Door(f"http://127.0.0.1:{port}", key).send("POST", "/v1/manifests", manifest)
    if status != 201:
        raise SystemExit(f"the manifest was answered with {status}: {answer}")

    def trigger(name):
        door = Door(f"http://127.0.0.1:{port}", key)
        for number in range(requests // 4):
            door.send("POST", "/v1/runs", {"runKey": f"{name} {number}"})

    threads = [threading.Thread(target=trigger, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
