#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# first
# Each packet of a masquerading service gets the verdict, the bytes and the counters that scapy expects, on xdp, on tc
# and through the host plane. Like tests/packet/packets.py for others, with the same maps. Also the flows: which
# client has which pool port, and packets without a flow. Frames are built with scapy from the meaning of the
# services.
#
#   packet_flows.py [-v] [-u] [NAME]...      options of packets.py
#
# timeout: 600
#
# BREAK=1 gives the services other ports than the clients use: then nearly all must fail.
import json
import os
import struct
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import packet_masquerade as masquerade                                     # noqa: E402
import packets                                                             # noqa: E402

packets.NS, packets.INSTANCE = 'wgxdp-flows', 'flows'


CONFIG = masquerade.CONFIG.replace('nat: masquerade', 'nat: masquerade\n    flows: { ports: 50000-50100 }') \
    if os.environ.get('BREAK') else masquerade.CONFIG
FEW = masquerade.CONFIG.replace('nat: masquerade', 'nat: masquerade\n    flows: { ports: 40000-40007, share: 8, timeout: 5s }') # longer than a busy machine needs for two runs


def flows(of=None):
    """How many flows there are: all, or those of one service and its clients' family"""
    rows = json.loads(packets.wgxdp('show', 'flows', '--json', stdout=packets.subprocess.PIPE).stdout)['flows']
    return len([row for row in rows if not of or (row['service'] == of.name and (row['client'].count(':') > 1) == (':' in of.local))])


def ports_of(plane, s, clients, index, directory, reply=False):
    """Returns the ports, source and destination, that each client's packet or each answer leaves with, or the verdict."""
    cases = [masquerade.Case(str(c), s.out if reply else s.link, (s.reply(dport=c) if reply else s.original(src=c[0], sport=c[1])).frame(),
                             'sent', s.name, truncate=False) for c in clients]
    at = 14 + (40 if ':' in (s.local if reply else s.ours) else 20)
    return [of_case[-1][2][at:at + 4] if of_case[-1][0] == 'sent' else of_case[-1][0]
            for of_case in packets.run(plane, cases, index, directory)]


def clients_of(s):
    return [(('2001:db8:9::%d' if ':' in s.local else '192.0.2.%d') % n, 40000) for n in range(11, 21)]


def take_ports(plane, s, index, directory):
    """Eight ports for eight clients who all have the same, each its own, as soon as they are answered; then there are none."""
    clients = clients_of(s)
    got = ports_of(plane, s, clients[:8], index, directory)
    os.environ['KEEP_FLOWS'] = '1'
    sent = [struct.unpack('!2H', g)[0] for g in got if not isinstance(g, str)]
    good = sorted(sent) == list(range(40000, 40008)) and sent[0] == 40000
    packets.report(good, f'{plane}: {s.label}: eight clients for eight ports: {sent}')
    answers = ports_of(plane, s, sent, index, directory, reply=True)
    good = answers == [struct.pack('!2H', s.port, 40000)] * 8 and flows(s) == 8
    packets.report(good, f'{plane}: {s.label}: their answers: {answers}, {flows(s)} flows')
    late = ports_of(plane, s, clients[8:], index, directory)
    packets.report(late == ['dropped'] * 2, f'{plane}: {s.label}: two more: {late}')
    again = ports_of(plane, s, clients[:8], index, directory)
    packets.report(again == got[:8], f'{plane}: {s.label}: they keep their ports: {again}')


def few_ports(plane, index, directory):
    """Every service has no free port, and later all are free again"""
    services = (masquerade.BOTH, masquerade.BOTH6, masquerade.UP, masquerade.DOWN)
    for s in services:
        take_ports(plane, s, index, directory)
    until = time.monotonic() + 15
    while flows() and time.monotonic() < until:
        time.sleep(0.3)
    packets.report(not flows(), f'{plane}: idle ones end: {flows()} left')
    time.sleep(1)                     # the shown time may be ahead of the kernel's clock
    for s in services:
        other = ports_of(plane, s, clients_of(s)[9:], index, directory)
        packets.report(other == [struct.pack('!2H', 40000, s.backend_port)], f'{plane}: {s.label}: then others come: {other}')
    del os.environ['KEEP_FLOWS']


def run_few(directory):
    config = os.path.join(directory, 'wgxdp.yaml')
    with open(config, 'w', encoding='ascii') as f:
        f.write(FEW)
    packets.wgxdp('up', '-c', config)
    packets.late_link()
    index = packets.interfaces()
    for plane in ('xdp', 'tc'):
        few_ports(plane, index, directory)
    packets.wgxdp('down')
    packets.ip('link del n0')


def run_mode(mode, cases, directory):
    packets.ids.clear()
    packets.counted.clear()
    config = os.path.join(directory, 'wgxdp.yaml')
    with open(config, 'w', encoding='ascii') as f:
        f.write(CONFIG)
    packets.wgxdp('up', '-c', config, '--mode', mode)
    packets.late_link()
    index = packets.interfaces()
    packets.host_routes(os.path.join(directory, 'routes'), index)
    packets.run_cases(cases, mode, index, directory)
    packets.check_show(mode)
    packets.wgxdp('down')
    packets.ip('link del n0')


def main():
    words, cases = packets.chosen(masquerade.build())
    packets.read_reasons()
    packets.set_up()
    try:
        with tempfile.TemporaryDirectory() as directory:
            for mode in ('native', 'generic'):
                run_mode(mode, cases, directory)
            if not words:
                run_few(directory)
    finally:
        packets.subprocess.run(['ip', 'netns', 'del', packets.NS], check=True)
    return packets.tell(len(cases))


if __name__ == '__main__':
    sys.exit(main())
