#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""gaps: reports the packets that pings between sites lost while relays failed and came back.

  gaps.py DIR SECONDS [LOST]

DIR/ping-A-B is the output of `ping -D` from A to B. DIR/phases has a line for each phase: its name, the relay that it is about (0: none), its
start, and SITE:RELAY for each site's relay. In a phase `goes`, a pair with a site at that relay may lose packets for SECONDS in all. Otherwise
nothing may be lost, or in all LOST packets. The phase before the first one counts as `goes` too. Prints the worst gap of each phase. Exit status: 1 if more was lost.
"""
import pathlib
import re
import sys

INTERVAL = 0.05  # between two pings


def gaps(path):
    """Returns the gaps (time of the first missing ping, number of missing pings, seconds until the next one), and the
    number of answers."""
    got = {}
    for line in path.read_text().splitlines():
        if found := re.match(r"\[([\d.]+)\] \d+ bytes from .*icmp_seq=(\d+)", line):
            got.setdefault(int(found[2]), float(found[1]))
    numbers = sorted(got)
    missing = [(got[a] + INTERVAL, b - a - 1, got[b] - got[a]) for a, b in zip(numbers, numbers[1:]) if b - a > 1]
    return missing, [got[n] for n in numbers]


def main():
    work, most, allowed = pathlib.Path(sys.argv[1]), float(sys.argv[2]), int((sys.argv + ["0"])[3])
    phases = [("begin", 0, 0.0, {})]
    for line in (work / "phases").read_text().splitlines():
        name, relay, at, *places = line.split()
        phases.append((name, int(relay), float(at), {p.split(":")[0]: int(p.split(":")[1] or 0) for p in places}))
    lost, longest, bad, few = [0] * len(phases), [0.0] * len(phases), [], []
    for path in sorted(work.glob("ping-*")):
        _, a, b = path.name.split("-")
        missing, came = gaps(path)
        end = phases[-1][2]
        if not came or came[-1] < end - 1 or len(came) < (end - came[0]) * 5:
            few.append(f"{a}-{b}: {len(came)} answers, which is too few to tell anything")
        seconds = {}
        for at, n, gap in missing:
            i = max(i for i, p in enumerate(phases) if p[2] <= at)
            name, relay, _, places = phases[i]
            lost[i] += n
            seconds[i] = seconds.get(i, 0) + gap
            longest[i] = max(longest[i], seconds[i])
            if name != "goes" or relay not in (places.get(a), places.get(b)):
                allowed -= n
                if allowed >= 0:
                    continue
                bad.append(f"{a}-{b}: {n} lost within {gap:.2f} s in phase {name} {relay}, {at - phases[i][2]:.2f} s after it began")
            elif seconds[i] > most:
                bad.append(f"{a}-{b}: interrupted for {seconds[i]:.2f} s in phase {name} {relay}")
    for i, (name, relay, _, _) in enumerate(phases):
        print(f"{name} {relay or ''}: {lost[i]} lost, the longest interruption {longest[i]:.2f} s")
    print("\n".join(bad + few))
    return 1 if bad or few else 0


if __name__ == "__main__":
    sys.exit(main())
