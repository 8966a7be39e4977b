# SPDX-License-Identifier: GPL-2.0-or-later
"""The instructions of a hit of the express path, for each row of against.py. The row is prepared, a test-run fills the memo,
and instructions.py executes the express program on the frames of some clients. A hit is a redirect without a tail call.
The kernel's program must make the same frame of the packet."""
import json
import os

import against
import alone
import instructions
import topology as net
import translated

FRAMES = 64


def frames(row, side, target):
    """The frames that this program leaves, for packets of clients at equal distances"""
    clients = range(0, row.clients, max(1, row.clients // FRAMES))
    return [bytes.fromhex(alone.run(side.meter, row, target, 1, at=n)["frame"]) for n in clients]


def execute(row, side, kernel):
    """The results of frames, hits first. Raises Unknown."""
    side.become(row, side.meter)
    device = "lan0" if row.direction == "reply" else "wan0"
    ifindex = json.loads(net.run("ip", "-n", net.FIREWALL, "-j", "link", "show", device))[0]["ifindex"]
    fd, arrived = translated.pinned(alone.xdp_pin(side.firewall)), frames(row, side, against.REDIRECT)
    alone.run(side.meter, row, side.target, against.FILL)
    machine = instructions.Machine(fd, kernel, side.cpu, ifindex)
    os.close(fd)
    try:
        results = [machine.run(frame) for frame in arrived]
    finally:
        machine.close()
    for result, left in zip(results, frames(row, side, side.target)):
        if is_hit(result) and result.frame not in (None, left):
            raise translated.Unknown("the kernel makes another frame of it")
    return sorted(results, key=lambda r: (not is_hit(r), r.instructions))


def is_hit(result):
    return result.verdict == alone.XDP_REDIRECT


def line(results):
    """The figures of the hit in the middle; of packets without a hit, only why"""
    hits = [r for r in results if is_hit(r)]
    if not hits:
        why = "tail call to the pipeline" if results[0].tail_call else "verdict %d" % results[0].verdict
        return "no hit: %s after %d instructions" % (why, results[0].instructions)
    r = hits[len(hits) // 2]
    some = "" if len(hits) == len(results) else "   only %d of %d packets hit" % (len(hits), len(results))
    return "%12d %8d %8d%s" % (r.instructions, r.helpers, r.lines, some)


def measure(rows, wgxdp, build, cpu):
    """Prints the figures of each row. Returns how many rows could not be counted."""
    side, kernel, bad = against.Side(against.NEW, wgxdp, build, cpu), translated.Kernel(), 0
    try:
        side.begin()
        side.meter.ask("hold", netns=net.netns(net.FIREWALL), dev=against.HOLD)
        print("%-44s %12s %8s %8s" % ("of a hit", "instructions", "helpers", "lines"))
        for row in rows:
            try:
                text = line(execute(row, side, kernel))
            except translated.Unknown as e:
                text, bad = "not counted: %s" % e, bad + 1
            print("%-44s %s" % (against.label(row), text), flush=True)
        return bad
    finally:
        side.end()
