# SPDX-License-Identifier: GPL-2.0-or-later
"""Two CPUs beside each other run the XDP program of one instance by test-run, with the same flow: what they share (maps,
a flow's line, counters) slows both. Each sample measures each CPU alone, and then both at once."""
import os
import threading
from statistics import median

import alone
import against
import rounds
import topology as net

ROWS = "^(dnat|masquerade 44|masquerade 46|blind 44)(?!.*(rates|000))"     # one client; CPUs share the budget of a rate


def at_once(asks):
    """The results of functions that run at the same time"""
    results = [None] * len(asks)

    def run(i):
        results[i] = asks[i]()
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if None in results:
        raise RuntimeError("a CPU's test-run failed")
    return results


def rate(ns):
    """Packets a second of all these CPUs"""
    return sum(1e9 / n for n in ns)


def measure_row(row, meters, samples, repeat):
    asks = [lambda meter=meter: alone.one(meter, row, "wgxdp", repeat) for meter in meters]
    ratios, single = [], []
    for _ in range(samples):
        apart = [ask() for ask in asks]
        ratios.append(2 * rate(at_once(asks)) / rate(apart))
        single += apart
    print("%-26s %8.1f %8.2f" % (against.label(row), median(single), median(ratios)), flush=True)
    return median(ratios)


def measure(wgxdp, build, cpus, samples, repeat):
    """The lowest ratio of all rows: packets of two CPUs by those of one"""
    side = against.Side(against.NEW, wgxdp, build, cpus[1])
    other, ratios = None, []
    try:
        side.begin()
        other = rounds.Meter(os.path.join(build, "tests/bench/bench"), cpus[0])
        for path in (0, 1):
            for dev, to in (("wan", "lan"), ("lan", "wan")):
                other.ask("cross", netns=net.netns(net.FIREWALL), dev=dev + str(path), to=to + str(path), bare=path)
        print("%-26s %8s %8s" % ("", "ns, one", "two:one"))
        for row in against.chosen(ROWS):
            side.become(row, side.meter)
            other.ask("target", pin=alone.xdp_pin(side.firewall))
            ratios.append(measure_row(row, (other, side.meter), samples, repeat))
        return min(ratios)
    finally:
        if other:
            other.end()
        side.end()
