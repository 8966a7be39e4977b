#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# monitor-pcap: compares two pcap files: they must hold the same IP packets to or from a UDP port, in any order.
#
#   monitor-pcap WHAT PORT WRITTEN SEEN      prints how many packets there are
import collections
import sys

sys.dont_write_bytecode = True
from scapy.all import UDP, Raw, rdpcap                                     # noqa: E402,F401

what, port, written, seen = sys.argv[1:]


def packets(path):
    return collections.Counter(bytes(p)[14:] for p in rdpcap(path) if UDP in p and int(port) in (p[UDP].sport, p[UDP].dport))


a, b = packets(written), packets(seen)
for one, other, where in ((a - b, b - a, written), (b - a, a - b, seen)):
    if one:
        print(f'FAIL {what}: {sum(one.values())} of {sum(a.values())} written and {sum(b.values())} seen only in {where}: {next(iter(one)).hex()[:200]}'
              f'; the other {next(iter(other)).hex()[:200] if other else None}')
if a != b or not a:
    sys.exit(1)
print(sum(a.values()))
