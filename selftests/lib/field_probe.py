#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# field_probe CLIENT FIREWALL PORT BACKEND...: which UDP packets arrive where? Each line `SOURCE DESTINATION PORT` of the standard
# input becomes a packet of the namespace CLIENT, with a new source port. Prints the line, and where the packet arrived: `lost`, `here`
# (a socket of FIREWALL got it, on PORT), or `BACKEND ADDRESS PORT SOURCE` with the source `kept` or the one that replaces it. A packet
# that is lost is sent once more.
import ctypes
import ipaddress
import os
import select
import socket
import struct
import sys

QUIET = 0.3  # seconds without an arrival, after which all others are lost
IP_TRANSPARENT, PACKET_IGNORE_OUTGOING, SOL_PACKET, ETH_P_ALL, SO_RCVBUFFORCE = 19, 23, 263, 3, 33
libc = ctypes.CDLL(None, use_errno=True)


def enter(namespace):
    fd = os.open(f'/run/netns/{namespace}', os.O_RDONLY)
    if libc.setns(fd, 0):
        sys.exit(f'{namespace}: {os.strerror(ctypes.get_errno())}')
    os.close(fd)


def tap(namespace):
    """Returns a socket that gets all packets that arrive in the namespace."""
    enter(namespace)
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
    s.setblocking(False)
    return s


def parse(frame):
    """Returns source, destination and UDP packet of a frame, or None."""
    kind = frame[12:14]
    if kind == b'\x08\0' and frame[23] == socket.IPPROTO_UDP:
        end = 14 + (frame[14] & 15) * 4
        return ipaddress.ip_address(frame[26:30]), ipaddress.ip_address(frame[30:34]), frame[end:]
    if kind == b'\x86\xdd' and frame[20] == socket.IPPROTO_UDP:
        return ipaddress.ip_address(frame[22:38]), ipaddress.ip_address(frame[38:54]), frame[54:]
    return None


def send(sender, probe, number):
    source, to, port = probe
    kind = socket.AF_INET6 if ':' in source else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
        s.bind((source, 30000 + number))
        try:
            s.sendto(TOKEN + struct.pack('!I', number) + bytes(132), (to, int(port)))
        except OSError as error:
            sys.exit(f'{source} to {to}: {error}')


def collect(taps, locals_, probes, answers):
    while True:
        ready, _, _ = select.select([*taps, *locals_], [], [], QUIET)
        if not ready:
            return
        for s in ready:
            data = s.recv(65535)
            found = (None, None, bytes(8) + data) if s in locals_ else parse(data)
            if not found or found[2][8:20] != TOKEN:
                continue
            number = struct.unpack('!I', found[2][20:24])[0]
            source, to, udp = found
            kept = 'kept' if str(source) == str(ipaddress.ip_address(probes[number % len(probes)][0])) else source
            answers[number % len(probes)] = 'here' if s in locals_ else f'{taps[s]} {to} {struct.unpack("!H", udp[2:4])[0]} {kept}'


TOKEN = b'wgxdp-field\0'
client, firewall, port, *backends = sys.argv[1:]
probes = [line.split() for line in sys.stdin]
taps = {tap(name): name for name in backends}
enter(firewall)
here = []
for kind, address in (socket.AF_INET, '0.0.0.0'), (socket.AF_INET6, '::'):
    here.append(socket.socket(kind, socket.SOCK_DGRAM))
    if kind == socket.AF_INET6:
        here[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if port != '0':
        here[-1].bind((address, int(port)))
enter(client)
answers = {}
for attempt in range(2):
    for i, probe in enumerate(probes):
        if i not in answers:
            send(client, probe, i + attempt * len(probes))
    collect(taps, here, probes, answers)
for i, probe in enumerate(probes):
    print(*probe, answers.get(i, 'lost'))
