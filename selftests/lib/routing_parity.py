#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# routing_parity: sets of rules and routes, and packets, for routing-parity.sh, which describes the two routers.
#
#   routing_parity SEED MODE WGXDP CONFIGURATION
#
# Prints each difference, and at last how many packets there were. Exit status 1: there were differences.
import ctypes
import itertools
import os
import random
import select
import socket
import subprocess
import sys
import time

from scapy_few import ARP, IP, IPv6, UDP, Ether, Raw

seed, MODE, WGXDP, CONFIGURATION = sys.argv[1:5]
rng = random.Random(f'{seed} {MODE}')
DEVICES = ('wan0', 'wan1', 'wan2', 'lan0', 'lan1', 'lan2', 'lan3')
ROUTERS = ('reference', 'relay')
PORT = 51820
SETS, CLIENTS = 44, 14
BACKEND = {4: '192.168.9.10', 6: '2001:db8:99::10'}
WIDE = {4: '192.168.9.0/24', 6: '2001:db8:99::/64'}         # the backend's network
BLUE = {4: '192.168.8.10', 6: '2001:db8:98::10'}
CLIENTS_OF = {4: '100.64.0.0/10', 6: '2001:db8:c::/64'}
HALF = {4: '100.64.0.0/11', 6: '2001:db8:c::/65'}


def number(device):
    return DEVICES.index(device)


def own(device, family):
    return f'10.{number(device)}.0.1' if family == 4 else f'2001:db8:{number(device)}::1'


def via(device, family):
    return f"via {own(device, family)[:-1]}2 dev {device}"


def hops(devices, family):
    """One next hop, or several"""
    if len(devices) == 1:
        return via(devices[0], family)
    return ' '.join(f'nexthop {via(d, family)} weight {rng.choice((1, 1, 2))}' for d in devices)


# ---- sets of rules and routes ----

def some_ways(family, lans):
    """Routes to the backend in one table: `ip route` arguments"""
    to = BACKEND[family]
    one, other = rng.sample(lans, 2)
    kinds = {
        'one': [f'{to} {hops([one], family)}'],
        'several': [f'{to} {hops([one, other], family)}'],
        'metrics': [f'{to} {hops([one], family)} metric 200', f'{to} {hops([other], family)} metric 100'],
        'longest': [f'{to} {hops([one], family)}', f'{WIDE[family]} {hops([other], family)}'],
        'blackhole': [f'blackhole {to}'],
        'unreachable': [f'unreachable {to}'],
        'none': [],
    }
    if family == 4:
        kinds['tos'] = [f'{to} {hops([one], 4)}', f'{to} tos 0x10 {hops([other], 4)}']
        kinds['tos and several'] = [f'{to} {hops([one, other], 4)}', f'{to} tos 0x08 {hops([one], 4)}']
    else:
        kinds['source'] = [f'{to} {hops([one], 6)}', f'{to} from {HALF[6]} {hops([other], 6)}']
    kind = rng.choice(list(kinds) + ['one', 'several'] * 2 + [{4: 'tos', 6: 'source'}[family]])
    return kind, kinds[kind]


def some_rule(family):
    selectors = [f'from {HALF[family]}', f'not from {HALF[family]}', f'from {own("lan0", family)}', f'to {BACKEND[family]}', 'iif wan0',
                 'iif wan1', 'tos 0x10', 'sport 40001', 'sport 40000-40004', f'dport {PORT}', 'dport 53', 'ipproto udp', 'ipproto tcp',
                 'fwmark 7', f'from {HALF[family]} sport 40001', 'iif wan0 tos 0x08']
    if family == 6:
        selectors = [s for s in selectors if not s.startswith('not')]
    return f"{rng.choice(selectors)} {rng.choice(['lookup 100'] * 5 + ['blackhole', 'unreachable', 'prohibit'])}"


def remove(family):
    """Takes away all that a set may have added"""
    to, clients = BACKEND[family], CLIENTS_OF[family]
    lines = ['route flush table 100', 'rule del pref 100', 'rule del pref 101', f'route del {WIDE[family]}']
    lines += [f'route del {kind} {to}' for kind in ('blackhole', 'unreachable')]
    if family == 4:
        lines += [f'route del {to} tos 0x10', f'route del {to} tos 0x08', f'route del {clients} tos 0x10']
    else:
        lines += [f'route del {to} from {HALF[6]}', f'route del {to} from {HALF[6]} table 100']
    return lines + [f'route del {to}'] * 3 + [f'route del {clients}'] * 2


def some_set(family):
    """Words that describe it, lines for `ip -batch`, and whether the kernel may choose among several ways to the backend"""
    lans = ['lan0', 'lan1', 'lan2']
    kind, routes = some_ways(family, lans)
    other_kind, others = some_ways(family, lans)
    rules = [some_rule(family) for _ in range(rng.choice((0, 1, 1, 2)))]
    clients = rng.choice(('one', 'one', 'several', 'tos') if family == 4 else ('one', 'one', 'several'))
    lines = [f'route add {r}' for r in routes] + [f'route add table 100 {r}' for r in others]
    lines.append(f"route add {CLIENTS_OF[family]} {hops(['wan0', 'wan1'] if clients == 'several' else ['wan0'], family)}")
    if clients == 'tos':
        lines.append(f"route add {CLIENTS_OF[4]} tos 0x10 {hops(['wan1'], 4)}")
    lines += [f'rule add pref {100 + i} {rule}' for i, rule in enumerate(rules)]        # last: a gateway is looked up by the rules
    several = 'several' in kind or 'several' in other_kind
    words = [f'IPv{family}: {kind}'] + [f'{rule} (100: {other_kind})' for rule in rules]
    return ', '.join(words + [f'to clients: {clients}'] * (clients != 'one')), lines, several


def blue_lines(family):
    """The VRF's routes, once"""
    if not os.environ.get('VRF'):
        return [f'route add {BLUE[family]} {via("lan3", family)}']
    return [f'route add {BLUE[family]} {via("lan3", family)} table 500', f'route add {CLIENTS_OF[family]} {via("wan2", family)} table 500']


def batch(router, family, lines, force=False):
    done = subprocess.run(['nsenter', f'--net=/run/netns/{router}', 'ip', f'-{family}', *(['-force'] if force else []), '-batch', '-'],
                          input='\n'.join(lines) + '\n', text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode and not force:
        sys.exit(f'{router}: {done.stderr}: {lines}')


def change(family, lines):
    for router in ROUTERS:
        batch(router, family, remove(family), force=True)
        batch(router, family, lines)


def tell_wgxdp():
    done = subprocess.run(['nsenter', '--net=/run/netns/relay', WGXDP, 'up', '-c', CONFIGURATION, '--mode', MODE], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(f'wgxdp up: {done.stdout}')


# ---- packets ----

class Ports:
    """Sockets at the other ends of a router's cables"""
    def __init__(self, router):
        with open(f'/run/netns/{router}-ports', 'rb') as f:
            if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0):
                sys.exit(f'{router}: no such namespace')
        self.sockets = {}
        for device in DEVICES:
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(3))
            s.bind((device + 'p', 0))
            self.sockets[device] = s

    def take(self):
        """All frames with datagrams that came out, and whether an ARP reply did"""
        frames, answered = [], False
        for device, s in self.sockets.items():
            while True:
                try:
                    frame, address = s.recvfrom(4096)
                except BlockingIOError:
                    break
                if address[2] == socket.PACKET_OUTGOING:
                    continue
                kind = frame[12:14]
                answered |= kind == b'\x08\x06' and frame[20:22] == b'\0\2'
                if (kind == b'\x08\0' and frame[23] == 17) or (kind == b'\x86\xdd' and frame[20] == 17):
                    frames.append((device, frame))
        return frames, answered

    def send(self, device, frame):
        """Sends it, and waits until a question behind it is answered: returns what came out"""
        # In a VRF, rules such as `not from CLIENTS blackhole` stand before the VRF's table, and so they suppress its ARP replies
        asked = 'wan0' if device in ('wan2', 'lan3') and os.environ.get('VRF') else device
        n = number(asked)
        self.take()
        self.sockets[device].send(frame)
        self.sockets[asked].send(frame_to(asked, ARP(op=1, hwsrc=f'02:00:00:00:0{n}:02', psrc=f'10.{n}.0.2', pdst=f'10.{n}.0.1')).ljust(60, b'\0'))
        frames, answered, end = [], False, time.monotonic() + 5
        while not answered and time.monotonic() < end:
            select.select(list(self.sockets.values()), [], [], 1)
            more, answered = self.take()
            frames += more
        if not answered:
            sys.exit(f'no ARP reply at {asked}')
        time.sleep(0.0005)                      # time for packets that another CPU forwards
        return frames + self.take()[0]


def packet(family, src, dst, sport, dport, tos):
    ip = IP(src=src, dst=dst, tos=tos, id=rng.getrandbits(16), flags='DF') if family == 4 else IPv6(src=src, dst=dst, tc=tos, fl=rng.getrandbits(20))
    return ip / UDP(sport=sport, dport=dport) / Raw(rng.randbytes(32))


def frame_to(device, ip):
    n = number(device)
    return bytes(Ether(dst=f'02:00:00:00:0{n}:01', src=f'02:00:00:00:0{n}:02') / ip)


fresh = itertools.count(1 if MODE == 'native' else 100000)
counts = {'packets': 0, 'forged': 0, 'forwarded': 0, 'kept': 0, 'differences': 0}


def compare(words, ports, device, ip, one_of=()):
    """Returns how the reference forwards it: (device, frame), or None. one_of: it may leave by any of these, but always by the same."""
    frame = frame_to(device, ip)
    kernel, ours = (p.send(device, frame) for p in ports)
    counts['packets'] += 1
    counts['forwarded' if kernel else 'kept'] += 1
    same = kernel == ours
    if len(kernel) == len(ours) == 1 and kernel[0][0] in one_of and ours[0][0] in one_of:
        same = kernel[0][1][12:] == ours[0][1][12:] and ports[1].send(device, frame) == ours
    if not same:
        counts['differences'] += 1
        print(f'{words}: {ip.summary()} tos {getattr(ip, "tos", None) or getattr(ip, "tc", 0)} by {device}: the kernel: {describe(kernel)}, wgxdp: {describe(ours)}')
    return kernel[0] if len(kernel) == 1 else None


def forge(words, ports, device, family, backend, dst, dport):
    """A reply in the backend's name by a device that leads to no backend: wgxdp must not send it on as the listener's"""
    counts['forged'] += 1
    for _, frame in ports[1].send(device, frame_to(device, packet(family, backend, dst, PORT, dport, 0))):
        ip = Ether(frame).payload
        if ip.src != backend:
            counts['differences'] += 1
            print(f'{words}: a forged reply of {backend} by {device} left as {ip.summary()}')


def describe(frames):
    return ' and '.join(f'{device} to {frame[:6].hex(":")}, {Ether(frame).payload.summary()}' for device, frame in frames) or 'not forwarded'


def client(family):
    """Another one each time, so that no packet depends on what the routers remember of a former one"""
    n = next(fresh)
    half = rng.randrange(2)
    return f'100.{64 + 32 * half + (n >> 16)}.{n >> 8 & 255}.{n & 255}' if family == 4 else f'2001:db8:c:0:{8 * half}000:0:{n >> 16:x}:{n & 65535:x}'


def talk(words, ports, several, strange):
    """Originals of several clients right after each other, and the backend's replies. several: families in which the kernel chooses among
    several ways to the backend; then replies come in by any of them. strange: by family, devices that lead to no backend."""
    answers, ways = [], {}
    for _ in range(CLIENTS):
        family = rng.choice((4, 6))
        device = rng.choice(('wan0', 'wan0', 'wan1', 'wan2'))
        src, sport = client(family), rng.choice((40001, 40003, 40500, rng.randrange(1024, 65536)))
        tos = rng.choice((0, 0, 0x10, 0x08, 0x88, 2))
        backend = (BLUE if device == 'wan2' else BACKEND)[family]
        out = compare(words, ports, device, packet(family, src, own(device, family), sport, PORT, tos))
        if out:
            ways.setdefault(backend, []).append(out[0])
            answers.append((family, out[0], src, sport, backend, rng.choice((tos, 0))))
    rng.shuffle(answers)
    for family, device, dst, dport, backend, tos in answers:
        if family in several:
            device = rng.choice(ways[backend])
        # The kernel looks up the backend's address and wgxdp the listener's, so they may choose different ones of
        # several routes
        compare(words, ports, device, packet(family, backend, dst, PORT, dport, tos), one_of=('wan0', 'wan1') * ('to clients: several' in words))
        forge(words, ports, rng.choice(strange[family]), family, backend, dst, dport)


def strangers(family, lines):
    """Devices that lead to no backend"""
    named = ' '.join(line for line in lines if f' {BACKEND[family]} ' in line or f' {WIDE[family]} ' in line)
    return [d for d in DEVICES if d != 'lan3' and f'dev {d}' not in named]


# Sets that a seed may not make: several routes in the table of a rule for a link only
FIRST = {family: (f'IPv{family}: one, iif wan0 lookup 100 (100: several)', [
    f'route add {BACKEND[family]} {hops(["lan0"], family)}', f'route add table 100 {BACKEND[family]} {hops(["lan1", "lan2"], family)}',
    f'route add {CLIENTS_OF[family]} {hops(["wan0"], family)}', 'rule add pref 100 iif wan0 lookup 100'], True) for family in (4, 6)}


def main():
    ports = [Ports(router) for router in ROUTERS]
    for router in ROUTERS:
        for family in (4, 6):
            batch(router, family, blue_lines(family), force=True)
    for n in range(SETS):
        sets = {family: some_set(family) if n else FIRST[family] for family in (4, 6)}
        for family, (_, lines, _) in sets.items():
            change(family, lines)
        if not n or not os.environ.get('BREAK'):
            tell_wgxdp()
        for _ in range(2):
            talk('; '.join(words for words, _, _ in sets.values()), ports, [family for family, (_, _, several) in sets.items() if several],
                 {family: strangers(family, lines) for family, (_, lines, _) in sets.items()})
    print(' '.join(f'{key} {n}' for key, n in counts.items()))
    return counts['differences'] > 0


if __name__ == '__main__':
    sys.exit(main())
