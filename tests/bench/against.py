# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares two builds of wgxdp. Each is up in network namespaces of its own, with the same configuration and the same
flows. In turn, by test-run and in many short samples, one runner gives the same packet to four programs: the XDP
program of each build, the bare redirect, and a program that parses and redirects. Other load on the machine slows
all four."""
import itertools
import os
import re
from statistics import median

import alone
import blind
import flows
import rounds
import sites
import topology as net

REDIRECT, PARSE = "redirect", "parse"  # targets
NEW, OTHER = "wgxdp", "other"           # this tree's build, and the build to compare with
SUFFIX = "-other"                       # the other build's namespaces and instance
HOLD = "wan1"                           # a device that these test-runs do not use
MANY = 1000, 20000                      # clients
FILL = 600000                           # packets that fill a memo, also one that tries a packet in 64 of many clients


def all_rows():
    """Ordered by state: a change of state brings both builds down and up again."""
    made = [("%s ipv%d" % (nat, family), "native", family, direction)
            for nat in ("dnat", "none") for family in (4, 6) for direction in ("original", "reply")]
    made += [("dnat ipv4", "native", 4, "reply", n) for n in MANY]
    made += [("masquerade " + pair, "masquerade", int(pair[direction == "reply"]), direction)
             for pair in ("44", "66", "46", "64") for direction in ("original", "reply")]
    made += [("masquerade 44", "masquerade", 4, direction, MANY[0]) for direction in ("original", "reply")]
    made += [("dnat ipv%d rates" % family, "rates", family, "original") for family in (4, 6)]
    made += [("dnat ipv%d guard" % family, "guard", family, "original") for family in (4, 6)]
    made += [("dnat ipv%d strict" % family, "strict", family, direction)
             for family in (4, 6) for direction in ("original", "reply")]
    made += [("route nic", "route", 6, "site")]
    made += [("blind " + pair, "blind", int(pair[0]), "original") for pair in ("44", "66")]
    made += [("masquerade 44", state, 4, direction, n) for state, n in (("some44", MANY[1]), ("many44", flows.MILLION))
             for direction in ("original", "reply")]
    made += [("route nic", "routes", 6, "site", sites.SITES)]
    made += [("blind 44, 100,000 sites", "blind-large", 4, "original", n) for n in (1, blind.MILLION)]
    return [rounds.Row("wgxdp " + name, state, family, direction, rounds.SMALL, *(clients or (1,)))
            for name, state, family, direction, *clients in made]


def label(row):
    return "%s, %s" % (row.name.split(" ", 1)[1], row.direction) + (", %d" % row.clients if row.clients > 1 else "")


def chosen(pattern):
    return [r for r in all_rows() if re.search(pattern, label(r))]


class Side:
    """One of the two builds, in its own namespaces. Every method moves to these first."""

    def __init__(self, target, wgxdp, build, cpu):
        self.target, self.suffix = target, SUFFIX if target == OTHER else ""
        self.meter, self.program, self.cpu = None, os.path.join(build, "tests/bench/bench"), cpu
        config = os.path.join(build, "bench%s.yaml" % self.suffix)
        self.firewall = rounds.Firewall(wgxdp, None, cpu, config, rounds.INSTANCE + self.suffix)

    def begin(self):
        self.enter()
        net.make()
        self.firewall.down()            # pins that a killed run left
        self.meter = rounds.Meter(self.program, self.cpu)
        self.meter.prepare()

    def enter(self):
        net.use(self.suffix)

    def become(self, row, runner):
        self.enter()
        if self.firewall.state != row.state:
            self.firewall.become(row.state)
            runner.ask("target", pin=alone.xdp_pin(self.firewall), target=self.target)
        rounds.prime(row, self.firewall, self.meter)

    def leave(self):
        self.enter()
        self.firewall.leave()

    def counted(self, row):
        """Returns the program that counts this row's packets, and its count."""
        self.enter()
        return self.firewall.proof(row)[0]

    def ns(self, row, runner, target, repeat):
        self.enter()
        return alone.one(runner, row, target, repeat)

    def end(self):
        self.leave()
        if self.meter:
            self.meter.end()
        net.clear()


def take_samples(row, new, other, n, repeat, ns):
    """Adds n samples of a row to ns: a list of times for each target"""
    runner, sides = new.meter, (other, new)
    many = row.clients > 1
    repeat = max(repeat, MANY[-1]) if many else repeat
    for side in sides:
        side.become(row, runner)
        side.ns(row, runner, side.target, FILL if many else repeat)     # fills the caches
    before = [side.counted(row) for side in sides]
    for i in range(n):
        for side in sides[::-1] if i % 2 else sides:
            ns[side.target].append(side.ns(row, runner, side.target, repeat))
        for target in REDIRECT, PARSE:
            ns[target].append(new.ns(row, runner, target, repeat))
    for side, (what, was) in zip(sides, before):
        counted = side.counted(row)[1] - was
        if counted < n * repeat * (1 - rounds.LOST):
            raise RuntimeError("test-run of %s: %s: %s counted %d of %d" % (
                label(row), side.firewall.wgxdp, what, counted, n * repeat))


def summary(row, ns):
    """A row's medians. Its ratio is the median of ratios of samples that were taken together."""
    over = {t: [a - b for a, b in zip(ns[t], ns[REDIRECT])] for t in (OTHER, NEW)}
    ratios = sorted(a / b for a, b in zip(over[NEW], over[OTHER]))
    return {"label": label(row), "redirect": median(ns[REDIRECT]),
            "other": median(ns[OTHER]), "new": median(ns[NEW]),
            "over_parse": median(a - b for a, b in zip(ns[NEW], ns[PARSE])),
            "over_other": median(over[OTHER]), "over_new": median(over[NEW]),
            "ratio": median(ratios),
            "whole": median(a / b for a, b in zip(ns[NEW], ns[OTHER])),
            "ratio_low": ratios[len(ratios) // 4], "ratio_high": ratios[-1 - len(ratios) // 4]}


def of_state(rows, new, other, loads, samples, repeat):
    """Results of rows of one state. The place of programs and maps in memory changes the time of a
    packet by some percent, so both builds are loaded several times, in turn first."""
    ns = {row: {REDIRECT: [], PARSE: [], OTHER: [], NEW: []} for row in rows}
    for load in range(loads):
        sides = (new, other) if load % 2 else (other, new)
        for side in sides:
            side.leave()
        for side in sides:
            side.become(rows[0], new.meter)
        for row in rows:
            take_samples(row, new, other, -(-samples // loads), repeat, ns[row])
    return [summary(row, ns[row]) for row in rows]


def print_heading():
    print("%-26s %8s  %7s %7s  %7s %7s  %6s  %-9s %6s %s" % (
        "", "bare", "packet", "", "over", "bare", "over", "ratio,", "", "ratio,"))
    print("%-26s %8s  %7s %7s  %7s %7s  %6s  %-16s %s" % (
        "ns a packet", "redirect", "other", "this", "other", "this", "parse", "half of samples", "whole"))


def print_result(r):
    print("%-26s %8.1f  %7.1f %7.1f  %7.1f %7.1f  %6.1f  %.3f %5.2f..%.2f %.3f" % (
        r["label"], r["redirect"], r["other"], r["new"], r["over_other"], r["over_new"],
        r["over_parse"], r["ratio"], r["ratio_low"], r["ratio_high"], r["whole"]), flush=True)


def too_slow(results, slower, median_slower, ratio="ratio"):
    """Lines that say which row is slower than allowed, in percent, or that the median is. ratio: of
    the ns over the bare redirect, or "whole": of the whole test-run"""
    bad = ["%s: slower by %.1f %%: limit %g %%" % (r["label"], 100 * (r[ratio] - 1), slower)
           for r in results if r[ratio] > 1 + slower / 100]
    middle = median(r[ratio] for r in results)
    print("median of %d ratios: %.3f" % (len(results), middle))
    if middle > 1 + median_slower / 100:
        bad.append("median: slower by %.1f %%: limit %g %%" % (100 * (middle - 1), median_slower))
    return bad


def measure(rows, wgxdp, build, cpu, ready, effort):
    """A result for each row. Calls ready() when all processes run, and prints as it goes on.
    effort: loads, samples, repeat"""
    new = Side(NEW, os.path.join(build, "wgxdp"), build, cpu)
    other = Side(OTHER, wgxdp, build, cpu)
    results = []
    try:
        for side in (new, other):
            side.begin()
        ready()
        new.enter()
        new.meter.ask("hold", netns=net.netns(net.FIREWALL), dev=HOLD)
        print_heading()
        for _, group in itertools.groupby(rows, key=lambda row: row.state):
            for result in of_state(list(group), new, other, *effort):
                print_result(result)
                results.append(result)
        return results
    finally:
        for side in (new, other):
            side.end()
