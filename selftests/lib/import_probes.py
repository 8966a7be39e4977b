#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# import_probes: sends UDP packets of many clients to the firewall of import.sh, and prints which of them arrived where.
#
#   import_probes EXPECTED FILE...     EXPECTED: a configuration of tests/import; FILE: the rules that it comes from
#
# The packets follow from the files. They go to every address of the firewall, and to every port that the files name, and the ports
# beside it. Their clients are at both ends of each prefix that the files name, and beside it. A service without translation is tried
# at its backend's own address. Each line of the output is a packet that arrived: its destination, port and source as sent, the device,
# and its destination, port and source as received. The file $packets gets the destination, port and source of all that were sent.
import ctypes
import ipaddress
import os
import re
import select
import socket
import struct
import sys
import time

INTERFACES = {'client': ['uplink'], 'inside': ['lan', 'docker', 'tunnel']}
FIREWALL = ['198.51.100.1', '198.51.100.2', '2001:db8:1::1']
BEHIND = [ipaddress.ip_network(n) for n in ('192.168.0.0/16', '172.17.0.0/16', '10.8.0.0/24', '198.51.100.0/24', '2001:db8:1::/64',
                                            '2001:db8:2::/64')]
TOKEN = b'import-probe'


def sockets():
    """Returns a socket for each device, as they are in their namespaces."""
    found = {}
    for namespace, names in INTERFACES.items():
        with open('/run/netns/' + namespace, 'rb') as f:
            if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0):
                raise OSError(ctypes.get_errno(), 'setns')
        for name in names:
            found[name] = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(3))
            found[name].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
            found[name].bind((name, 0))
    return found


def source_port(number):
    """Differs from turn to turn, so that no flow of conntrack is met twice."""
    return 20000 + (int(os.environ['turn']) * 1000 + number) % 40000


def words(data):
    total = sum(n for n, in struct.iter_unpack('!H', data + b'\0' * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def packet(src, dst, sport, dport, payload):
    """An IP packet with UDP"""
    a, b = ipaddress.ip_address(src).packed, ipaddress.ip_address(dst).packed
    udp = struct.pack('!HHHH', sport, dport, 8 + len(payload), 0) + payload
    check = ~words(a + b + struct.pack('!HH', 17, len(udp)) + udp) & 0xffff or 0xffff
    udp = udp[:6] + struct.pack('!H', check) + udp[8:]
    if len(a) == 16:
        return struct.pack('!IHBB', 0x60000000, len(udp), 17, 64) + a + b + udp
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(udp), 0, 0x4000, 64, 17, 0) + a + b
    return head[:10] + struct.pack('!H', ~words(head) & 0xffff) + head[12:] + udp


def parse(frame):
    """Returns source, destination, ports and payload of a UDP packet, or None."""
    ip = frame[14:]
    if frame[12:14] == b'\x08\x00' and ip[9] == 17:
        a, b, udp = ip[12:16], ip[16:20], ip[20:]
    elif frame[12:14] == b'\x86\xdd' and ip[6] == 17:
        a, b, udp = ip[8:24], ip[24:40], ip[40:]
    else:
        return None
    sport, dport, n = struct.unpack('!HHH', udp[:6])
    return (str(ipaddress.ip_address(a)), str(ipaddress.ip_address(b)), sport, dport, udp[8:n])


def clients(text):
    """Addresses at both ends of each prefix in the rules, and beside it, without those behind an interface of the firewall"""
    found = {ipaddress.ip_address('93.184.215.14'), ipaddress.ip_address('2606:2800:21f::14'), ipaddress.ip_address('203.0.113.7'),
             ipaddress.ip_address('2001:db8:3::7'), ipaddress.ip_address('2001:db8:4::7')}
    for word in re.findall(r'(?<![\w.:])(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:]+)(?:/[\d.]+)?', text):
        try:
            net = ipaddress.ip_network(word, strict=False)
        except ValueError:
            continue
        for number in (int(net[0]) - 1, int(net[0]), int(net[-1]), int(net[-1]) + 1):
            if 0 < number < 1 << net.max_prefixlen:
                found.add(type(net[0])(number))
    return sorted((a for a in found if not any(a.version == n.version and a in n for n in BEHIND) and a.is_global is not None and
                   not (a.is_multicast or a.is_loopback or a.is_link_local or a.is_unspecified or
                        (a.version == 4 and (int(a) >> 24 in (0, 127) or int(a) >> 28 >= 14)) or
                        (a.version == 6 and int(a) >> 120 in (0, 0xfd, 0xfc)))), key=lambda a: (a.version, int(a)))


def probes(expected, text):
    ports = set()
    for first, last in re.findall(r'(?<![\w.:/])(\d{1,5})(?:[-:](\d{1,5}))?(?![\w./])', text):
        for port in (int(first), int(last or first)):
            ports |= {port - 1, port, port + 1}
    ports = sorted(p for p in ports if 0 < p < 65536)
    direct = [(m[1], int(m[2])) for m in re.finditer(r'backend: \{ ipv[46]: "?([0-9a-f.:]+)"?, port: (\d+) \}\n    nat: none', expected)]
    for client in clients(text):
        for to in FIREWALL:
            if ipaddress.ip_address(to).version == client.version:
                yield from ((str(client), to, port) for port in ports)
        yield from ((str(client), to, port) for to, port in direct if ipaddress.ip_address(to).version == client.version)


def collect(ports, sent, arrived):
    for name, s in ports.items():
        while True:
            try:
                frame, (_, _, kind, *_) = s.recvfrom(2000)
            except BlockingIOError:
                break
            got = parse(frame) if kind != socket.PACKET_OUTGOING else None
            if got and got[4].startswith(TOKEN):
                number = int(got[4][len(TOKEN):])
                src, dst, port = sent[number]
                source = got[0] if got[0] != src else 'itself' if got[2] == source_port(number) else f'port {got[2]}'
                arrived[number] = f'{dst} {port} {src}: {name} {got[1]} {got[3]} {source}'


def main():
    with open(sys.argv[1], encoding='utf-8') as f:
        expected = f.read()
    text = ''.join(open(name, encoding='utf-8').read() for name in sys.argv[2:])
    macs = bytes.fromhex(os.environ['firewall_mac'].replace(':', '') + os.environ['client_mac'].replace(':', ''))
    ports, sent, arrived = sockets(), list(probes(expected, text)), {}
    for _ in range(2):                  # again, because a busy machine may lose some
        for number, (src, dst, port) in enumerate(sent):
            if number in arrived:
                continue
            frame = packet(src, dst, source_port(number), port, TOKEN + b'%06d' % number)
            ports['uplink'].send(macs + (b'\x86\xdd' if ':' in dst else b'\x08\x00') + frame)
            if number % 64 == 63:
                time.sleep(0.002)
                collect(ports, sent, arrived)
        until = time.monotonic() + 0.3
        while time.monotonic() < until:
            if select.select(list(ports.values()), [], [], 0.05)[0]:
                before = len(arrived)
                collect(ports, sent, arrived)
                if len(arrived) > before:
                    until = time.monotonic() + 0.3
    print(f'sent {len(sent)}', file=sys.stderr)
    with open(os.environ['packets'], 'w', encoding='utf-8') as f:
        f.writelines(f'{dst} {port} {src}\n' for src, dst, port in sent)
    if arrived:
        print('\n'.join(sorted(arrived.values())))


main()
