# SPDX-License-Identifier: GPL-2.0-or-later
"""The live program alone: ns per packet by test-run, compared with redirect only and parse + redirect. Each runs behind
the same program that writes a fresh head. Also initiations through the guard, and the verifier's statistics."""
import os
import time
from statistics import median

import guard
import rounds
import topology as net

XDP = "progs/wgxdp_express", "progs/wgxdp_xdp"      # pins of the live program: takes the first that exists
XDP_REDIRECT = 4
TARGETS = "redirect", "parse", "wgxdp"
KINDS = [("original ipv4", 4, "original"), ("reply ipv4", 4, "reply"),
         ("original ipv6", 6, "original"), ("reply ipv6", 6, "reply")]


def xdp_pin(firewall):
    return next(pin for pin in map(firewall.pin, XDP) if os.path.exists(pin))


def undisturbed(values):
    """The fastest tenth, because another process on the core only adds time, and a limit in ns would measure that
    process."""
    return sorted(values)[len(values) // 10]


def run(meter, row, target, repeat, **more):
    """A next hop is kept alive through tc now and then: such a last packet is no redirect, and the run is done again."""
    for _ in range(3):
        got = meter.ask("test", netns=net.netns(net.FIREWALL),
                        dev="lan0" if row.direction == "reply" else "wan0",
                        target=target, repeat=repeat, **rounds.expectation(row), **more)
        if got["verdict"] == XDP_REDIRECT:
            return got
    raise RuntimeError("test-run of %s: %s gave verdict %d, not XDP_REDIRECT" % (row.label(), target, got["verdict"]))


def one(*what, **more):
    return run(*what, **more)["ns"]


def testrun(firewall, meter, neighbours, n, repeat=100000):
    """The three in turn, twice a round. (Each run waits for RCU before and after, so they cannot be much shorter.)"""
    firewall.become("native")
    meter.ask("target", pin=xdp_pin(firewall))
    result = {}
    for kind, family, direction in KINDS:
        row = rounds.Row("wgxdp dnat ipv%d" % family, "native", family, direction, rounds.SMALL, 1)
        ns = {name: [] for name in TARGETS}
        (what, before), = firewall.proof(row)[:1]
        for _ in range(n):
            got = neighbours.watch(lambda row=row: [[one(meter, row, t, repeat) for t in TARGETS] for _ in range(2)])
            for values in got:
                for name, value in zip(TARGETS, values):
                    ns[name].append(value)
        counted, wanted = firewall.proof(row)[0][1] - before, len(ns["wgxdp"]) * repeat
        if counted < wanted * (1 - rounds.LOST):
            raise RuntimeError("test-run of %s: %s counted %d of %d" % (kind, what, counted, wanted))
        over = [a - b for a, b in zip(ns["wgxdp"], ns["parse"])]
        fast = {name: undisturbed(values) for name, values in ns.items()}
        result[kind] = {"redirect_only": fast["redirect"], "parse_redirect": fast["parse"], "wgxdp": fast["wgxdp"],
                        "over_parse": fast["wgxdp"] - fast["parse"], "over_parse_median": median(over)}
    return result


def initiations(firewall, meter, neighbours, n):
    """ns of an initiation through the live program. A run is as long as the guard's time budget lasts."""
    result = {}
    for keys in guard.KEYS:
        repeat = guard.STORE // (2 * keys)
        row = rounds.Row("wgxdp dnat ipv4 guard", "keys %d" % keys, 4, "original", 148, 1)
        firewall.become(row.state)
        meter.ask("target", pin=xdp_pin(firewall))
        (what, before), = firewall.proof(row)[:1]
        ns = []
        for _ in range(n):
            time.sleep(guard.REFILL)
            ns.append(neighbours.watch(lambda row=row, repeat=repeat, payload=guard.initiation(keys):
                                       one(meter, row, "wgxdp", repeat, payload=payload)))
        counted = firewall.proof(row)[0][1] - before
        if counted < n * repeat * 0.99:         # packets that go through tc to keep a next hop alive are not counted
            raise RuntimeError("test-run of initiations: %s counted %d of %d" % (what, counted, n * repeat))
        result[str(keys)] = {"ns": undisturbed(ns), "median": median(ns)}
    return result


def verifier(firewall, meter, obj):
    """Statistics of the live programs, with the switches of this configuration, and of the object with its own
    defaults."""
    firewall.become("native")
    pins = firewall.pin("progs/")
    live = {name: meter.ask("program", pin=pins + name) for name in sorted(os.listdir(pins))}
    return {"live": live, "object": meter.ask("object", file=obj)}
