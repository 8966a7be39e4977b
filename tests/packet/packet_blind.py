#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# Each packet of the blind relay gets the verdict, the bytes and the counters that scapy's model expects, on xdp, on
# tc and through the host plane. Like tests/packet/packets.py for others, with the same maps. They go between sites of
# each pair of outer families, whose handshakes are packets like all others. Verdict, whole packet and counters are
# compared, also the counters of each pair. The test writes the sites' endpoints into the maps, like the daemon.
#
#   packet_blind.py [-v] [-u] [NAME]...      options of packets.py
#
# timeout: 600
#
# BREAK=1 puts the sites at wrong ports: then nearly all must fail.
import json
import os
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import packet_sites as sites                                               # noqa: E402
import packets                                                             # noqa: E402

packets.NS, packets.INSTANCE = 'wgxdp-blind', 'blind'
forwarded = {}                  # (from, to): packets and bytes that live programs have sent
run_all = packets.run


def run(plane, cases, *more, **options):
    """Also returns the growth of the counters by pair."""
    results = run_all(plane, cases, *more, **options)
    for c, of_case in zip(cases, results):
        for _, _, _, counters, *_ in of_case if 'host' not in plane else ():
            for _, _, _, what, n in counters:
                if what in (1, 2) and hasattr(c, 'pair'):
                    forwarded.setdefault(c.pair, [0, 0])[what - 1] += n
    return results


packets.run = run


def check_pairs(mode):
    """`wgxdp show sites` says so too"""
    shown = json.loads(packets.wgxdp('show', 'sites', '--json', stdout=packets.subprocess.PIPE).stdout)
    shown_pairs = {(row['from'], row['to']): [row['packets'], row['bytes']] for row in shown['site_pairs'] if row['packets']}
    for pair in sorted(set(shown_pairs) | set(forwarded)):
        packets.report(shown_pairs.get(pair) == forwarded.get(pair), f'{mode}: show sites {pair}: {shown_pairs.get(pair)}, counted {forwarded.get(pair)}')


def check_strays(mode, plane, index, directory):
    """Unknown messages go up a thousand at once, and then a thousand a second, for all senders together. The rest is
    counted."""
    before, began, ends = packets.counted.copy(), time.monotonic(), {'passed': 0, 'dropped': 0}
    cases = [sites.Case('stray', 'w0', sites.comes(sites.NOBODY[family], sites.data(n)).frame(), 'passed', 'blind', truncate=False)
             for n in range(2) for family in (4, 6)]
    for of_case in packets.run(plane, cases, index, directory, runs=1000):
        for got in of_case:
            ends[got[0]] += 1
    most = 1000 + 1000 * (time.monotonic() - began)
    key = (packets.ids.get('blind'), 'original', 3 + packets.REASONS['blind_limited'])
    limited = packets.counted.get(key, 0) - before.get(key, 0)
    packets.report(1000 <= ends['passed'] <= most and ends['dropped'] == limited,
                   f'{mode} {plane}: strays: {ends}, at most {most:.0f} up, {limited} counted as limited')


def run_mode(mode, cases, planes, directory):
    packets.ids.clear()
    packets.counted.clear()
    forwarded.clear()
    packets.PLANES = planes
    config = os.path.join(directory, 'wgxdp.yaml')
    with open(config, 'w', encoding='ascii') as f:
        f.write(sites.CONFIG)
    said = packets.wgxdp('up', '-c', config, '--mode', mode, stderr=packets.subprocess.PIPE).stderr
    packets.report('nothing will be forwarded' not in said, f'{mode}: up says: {said}')
    packets.late_link()
    index = packets.interfaces()
    packets.host_routes(os.path.join(directory, 'routes'), index)
    packets.run_cases(cases, mode, index, directory)
    check_strays(mode, planes[0], index, directory)
    packets.check_show(mode)
    check_pairs(mode)
    packets.wgxdp('down')
    packets.ip('link del n0')


def main():
    words, cases = packets.chosen(sites.build())
    packets.read_reasons()
    packets.set_up()
    try:
        with tempfile.TemporaryDirectory() as directory:
            os.environ['SITES'] = os.path.join(directory, 'sites')
            with open(os.environ['SITES'], 'w', encoding='ascii') as f:
                f.write('\n'.join(sites.site_lines(bool(os.environ.get('BREAK')))) + '\n')
            for mode, planes in (('native', packets.PLANES), ('generic', ['xdp', 'tc']), ('tc', ['tc'])):
                run_mode(mode, cases, planes, directory)
    finally:
        packets.subprocess.run(['ip', 'netns', 'del', packets.NS], check=True)
    return packets.tell(len(cases))


if __name__ == '__main__':
    sys.exit(main())
