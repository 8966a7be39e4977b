#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Packets of masquerading services: as tests/packets.py runs others (on xdp, on tc, and through the host plane with the same maps), with what
# the flows are: who has which port of ours, and what is of no flow. Frames are built with scapy from what the services mean.
#
#   packet_flows.py [-v] [-u] [NAME]...      as packets.py
#
# timeout: 600
#
# BREAK=1 forgets flows between a client's packet and its answer: then answers must be missed.
import os
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import packet_masquerade as masquerade                                     # noqa: E402
import packets                                                             # noqa: E402

packets.NS, packets.INSTANCE = 'wgxdp-flows', 'flows'


def run_mode(mode, cases, directory):
    packets.ids.clear()
    packets.counted.clear()
    config = os.path.join(directory, 'wgxdp.yaml')
    with open(config, 'w', encoding='ascii') as f:
        f.write(masquerade.CONFIG)
    packets.wgxdp('up', '-c', config, '--mode', mode)
    packets.late_link()
    index = packets.interfaces()
    packets.host_routes(os.path.join(directory, 'routes'), index)
    packets.run_cases(cases, mode, index, directory)
    packets.check_show(mode)
    packets.wgxdp('down')
    packets.ip('link del n0')


def main():
    words = [w for w in sys.argv[1:] if w not in ('-v', '-u')]
    cases = [c for c in masquerade.build() if not words or any(w in c.name for w in words)]
    for c in cases:
        c.cuts &= not packets.uncut
    packets.read_reasons()
    packets.set_up()
    try:
        with tempfile.TemporaryDirectory() as directory:
            for mode in ('native', 'generic'):
                run_mode(mode, cases, directory)
    finally:
        packets.subprocess.run(['ip', 'netns', 'del', packets.NS], check=True)
    good = packets.passed + len(cases) - len(packets.bad)
    print(f'{good} passed, {packets.failed + len(packets.bad)} failed')
    return bool(packets.failed or packets.bad)


if __name__ == '__main__':
    sys.exit(main())
