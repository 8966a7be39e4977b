#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Clients reach a service whose backend is in a site, and no other site can answer in the backend's name. Packets are
# live, on the relay of packet_relay.py with a WAN. The backends are addresses of the overlay: behind a tunnel that
# two sites share (a), behind one of its own (c), and behind a NIC's gateway (n). Originals go to the backend's link,
# and answers come from there, both translated, for clients of both families. They count for the service, not for
# peers. A packet in a backend's name from another link with peers is refused as `source`, and counts for that link's
# only peer, or for none. scapy builds both the sent and the expected packets.
#
#   packet_site.py [-v]
#
# timeout: 300
#
# BREAK=1 assigns the backends' addresses to another site: then answers must fail.
import ctypes
import functools
import json
import os
import subprocess
import sys
import tempfile

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6
from scapy.packet import Raw

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import packet_relay as relay                                               # noqa: E402
from packet_relay import OVERLAY, error, fragments, hop, host, mac, quote, run, udp                # noqa: E402

relay.MTU['ww'], relay.OWN['ww'] = 1500, '2001:db8:1::1'
PUBLIC6, PUBLIC4, CLIENT6, CLIENT4 = relay.OWN['ww'], '198.51.100.1', '2001:db8:1::7', '198.51.100.7'
BACKEND = {site: host(site, 0x10) for site in 'acn'}
LINK = {'a': 'ta', 'c': 'tc', 'n': 'nn'}
ONLY_PEER = {'ta': None, 'tc': 'c', 'nn': 'n', 'nx': 'o'}
# name: (public port or none, site, backend's port, client's family if masqueraded)
SERVICES = {'into-a': (51820, 'a', 51830, None), 'into-c': (51821, 'c', 51831, None), 'into-n': (51822, 'n', 51832, None),
            'none-c': (None, 'c', 51833, None), '46-a': (443, 'a', 51834, 4), '46-n': (444, 'n', 51835, 4), '66-c': (51826, 'c', 51836, 6)}
passed = failed = markers = 0
sent = {}                       # (service, direction): packets that left
drops = {}                      # as shown() said at the last refusal


def config():
    rows = ['services:']
    for name, (port, site, backend_port, family) in SERVICES.items():
        address = PUBLIC4 if family == 4 else f'"{PUBLIC6}"'
        rows += [f'  - name: "{name}"', f'    backend: {{ ipv6: "{BACKEND[site]}", port: {backend_port} }}',
                 f'    nat: {"masquerade" if family else "dnat" if port else "none"}']
        rows += [f'    listen: {{ addresses: [ {address} ], ports: [ {port} ] }}'] if port else []
        rows += ['    ipv6: dnat'] if port and not family else []
        rows += ['    flows: { max: 1000 }'] if family else []
    text = relay.CONFIG
    if os.environ.get('BREAK'):
        theirs = ', '.join(f'"{a}"' for a in BACKEND.values())
        text = text.replace(f'"{OVERLAY}:e00::/56"', f'"{OVERLAY}:e00::/56", {theirs}')
    return 'interfaces: [ { name: ww, role: wan } ]\n' + '\n'.join(rows) + text


# --- the network

class Link(relay.Link):
    """Accepts both families and all senders, but not the kernel's own packets."""
    def put(self, packet):
        if self.bare:
            os.write(self.fd, packet)
        else:
            self.socket.send(self.ethernet[:12] + (b'\x08\0' if packet[0] >> 4 == 4 else b'\x86\xdd') + packet)

    def take(self):
        while True:
            try:
                frame, kind = (os.read(self.fd, 70000), 0) if self.bare else (lambda f, a: (f, a[2]))(*self.socket.recvfrom(70000))
            except BlockingIOError:
                return
            if kind == 4 or (not self.bare and frame[12:14] not in (b'\x86\xdd', b'\x08\0')):
                continue
            ip = frame if self.bare else frame[14:]
            own = ip[8] == 0xfe or not any(ip[8:24]) or ip[24] == 0xff if ip[0] >> 4 == 6 else ip[16] >= 224
            if own:
                continue
            if not self.bare and frame[:12] != bytes.fromhex((mac(self.name, 1) + mac(self.name)).replace(':', '')):
                ip = b'wrong MACs ' + frame
            yield ip


def set_up():
    relay.Link = Link
    run('sysctl', '-qw', 'net.ipv4.conf.all.forwarding=1')
    made = relay.set_up()
    run('ip', 'route', 'add', '2001:db8:1::/64', 'dev', 'ww')
    run('ip', 'addr', 'add', f'{PUBLIC4}/24', 'dev', 'ww')
    for client in (CLIENT6, CLIENT4):
        run('ip', 'neigh', 'add', client, 'lladdr', mac('ww', 1), 'dev', 'ww', 'nud', 'permanent')
    run('nft', 'add table ip t; add chain ip t c { type filter hook forward priority filter; policy drop; }; '
               'add chain ip6 t i { type filter hook input priority filter; }; add rule ip6 t i meta l4proto udp drop')       # no answer
    return made


# --- the expected results

def plain(ip):
    """IPv4's identification is whatever it is, if the header's sum holds"""
    if ip[0] >> 4 == 4 and bytes(IP(ip[:4] + ip[4:10] + b'\0\0' + ip[12:20]))[:20] and not ip[6] & 0x40:
        again = IP(ip)
        del again.chksum
        return ip[:4] + b'\0\0' + ip[6:10] + b'\0\0' + ip[12:] if bytes(again)[10:12] == ip[10:12] else ip
    return ip


def drain():
    return [(name, plain(ip)) for name, link in relay.links.items() for ip in link.take()]


relay.drain = drain


def count(service, direction, n=1):
    sent[service, direction] = sent.get((service, direction), 0) + n


@functools.lru_cache(maxsize=None)
def marker(link, number):
    if link != 'ww':
        return relay.marker(link, number)
    sport = 1024 + number
    return bytes(udp(CLIENT6, PUBLIC6, 51820, sport)), hop(udp(CLIENT6, BACKEND['a'], 51830, sport))


def fate(link, packet):
    """Counts the marker, too"""
    global markers
    if link == 'ww':
        count('into-a', 'original')
    else:
        markers += 1
    relay.turn += 1
    return relay.fate(link, packet, marker(link, relay.turn % 64))


def report(good, name):
    global passed, failed
    passed, failed = passed + good, failed + (not good)
    if not good or relay.verbose:
        print(f'{"ok" if good else "FAIL"} {name}')


def check(name, link, packet, *want):
    want = [(where, plain(bytes(ip))) for where, ip in want]
    got = fate(link, bytes(packet))
    report(got == want, f'{link}: {name}')
    if got != want:
        for what, rows in (('got', got), ('expected', want)):
            print(*[f'  {what} on {at}: {ip.hex()}' for at, ip in rows] or [f'  {what} nothing'], sep='\n')


def shown():
    """Packets that were not sent: {(whose, direction, reason): packets}; and what peers received"""
    text = run(f'{relay.BUILD}/wgxdp', 'show', '--json', stdout=subprocess.PIPE).stdout
    rows = json.loads(text)
    drops = {(row.get('service') or ('peer', row.get('peer')), row['direction'], row['reason']): row['packets'] for row in rows['drops']}
    return drops, sum(p['rx']['received'] for p in rows['peers']), rows['services']


def refused(name, link, packet, whose, reason='source', direction='rx', *want):
    """Nothing else was refused since the last one"""
    global drops
    check(name, link, packet, *want)
    before, drops = drops, shown()[0]
    gained = {key: n - before.get(key, 0) for key, n in drops.items() if n != before.get(key, 0)}
    report(gained == {(whose, direction, reason): 1}, f'{link}: {name}: counted {gained}, expected {whose} {direction} {reason}')


# --- packets

def datagram(src, dst, sport, dport, n, ttl=64, tos=0):
    ip = IPv6(src=src, dst=dst, hlim=ttl, tc=tos) if ':' in src else IP(src=src, dst=dst, ttl=ttl, tos=tos, id=0, flags='DF' if n + 28 > 1260 else 0)
    return ip / UDP(sport=sport, dport=dport) / Raw(bytes(i * 7 & 255 for i in range(n)))


def ways(name):
    """Addresses and ports of an original, as it comes and as it leaves; the site's link"""
    port, site, backend_port, family = SERVICES[name]
    client = CLIENT4 if family == 4 else CLIENT6
    public = PUBLIC4 if family == 4 else PUBLIC6 if port else BACKEND[site]
    ours = relay.OWN[LINK[site]] if family else client
    return (client, public, 40000 + backend_port % 100, port or backend_port), \
           (ours, BACKEND[site], 40000 + backend_port % 100, backend_port), LINK[site]


def turned(way):
    return way[1], way[0], way[3], way[2]


def both_ways():
    for name in SERVICES:
        comes, leaves, link = ways(name)
        for n, tos in ((32, 0), (0, 0), (1, 0xb8), (1260, 4)):
            count(name, 'original')
            check(f'{name}: {n} bytes', 'ww', datagram(*comes, n, tos=tos), (link, datagram(*leaves, n, 63, tos)))
            count(name, 'reply')
            check(f'{name}: {n} bytes, reply', link, datagram(*turned(leaves), n, tos=tos), ('ww', datagram(*turned(comes), n, 63, tos)))
    for name in ('into-a', 'into-c', 'into-n'):
        comes, leaves, link = ways(name)
        ident = 1000 + comes[3]
        for i, (came, left) in enumerate(zip(fragments(datagram(*comes, 120), ident=ident), fragments(datagram(*leaves, 120), ident=ident))):
            count(name, 'original')
            check(f'{name}: fragment {i}', 'ww', came, (link, hop(left)))


def errors():
    for name in ('into-a', 'into-c', 'into-n'):
        comes, leaves, link = ways(name)
        about, translated = datagram(*turned(comes), 32, 63), datagram(*turned(leaves), 32, 63)
        count(name, 'original')
        check(f'{name}: an error about a reply', 'ww', quote(CLIENT6, about), (link, hop(IPv6(
            src=CLIENT6, dst=leaves[1]) / ICMPv6DestUnreach(code=4) / Raw(bytes(translated)))))
        about, translated = datagram(*leaves, 32, 63), datagram(*comes, 32, 63)
        count(name, 'reply')
        check(f'{name}: an error about an original', link, quote(leaves[1], about), ('ww', hop(IPv6(
            src=PUBLIC6, dst=CLIENT6) / ICMPv6DestUnreach(code=4) / Raw(bytes(translated)))))
        p = datagram(*comes, 32, 1)
        refused(f'{name}: hop limit 1', 'ww', p, name, 'time_exceeded', 'original', ('ww', error('ww', p, ICMPv6TimeExceeded())))
        mtu = relay.MTU[link]
        if mtu == relay.MTU['ww']:
            continue
        p = datagram(*comes, mtu - 47)
        refused(f'{name}: longer than the way', 'ww', p, name, 'packet_too_big', 'original', ('ww', error('ww', p, ICMPv6PacketTooBig(mtu=mtu))))


def forged():
    """In a backend's name, by links behind which it is not"""
    for name in SERVICES:
        comes, leaves, link = ways(name)
        for other, peer in ONLY_PEER.items():
            if other == link:
                continue
            refused(f'{name}: as its backend', other, datagram(*turned(leaves), 32), ('peer', peer))
            refused(f'{name}: as its backend, to nobody', other, datagram(leaves[1], '2001:db8:1::8', leaves[3], 9, 32), ('peer', peer))
        other = 'tc' if link != 'tc' else 'nn'
        refused(f'{name}: an error in its backend\'s name', other, quote(leaves[1], datagram(*leaves, 32, 63)), ('peer', ONLY_PEER[other]))
        if name != 'none-c':
            refused(f'{name}: as nobody\'s host', 'tc', datagram(f'{OVERLAY}:7777::1', *turned(leaves)[1:], 32), ('peer', 'c'))
    for name in ('into-a', 'into-n', '66-c'):       # on the WAN
        comes, leaves, link = ways(name)
        refused(f'{name}: a site\'s host', 'ww', datagram(host('b'), *comes[1:], 32), name, 'source', 'original')
    for name in ('into-a', 'into-c', 'into-n'):
        comes, leaves, link = ways(name)
        refused(f'{name}: as its backend', 'ww', datagram(leaves[1], '2001:db8:1::7', leaves[3], 4444, 32), name, 'wrong_link', 'reply')


def check_counters(before):
    drops, received, services = shown()
    for s in services:
        for direction in ('original', 'reply'):
            n = s[direction]
            report(n['forwarded'] == sent.get((s['name'], direction), 0) and n['received'] == n['forwarded'] + n['dropped'] + n['passed'],
                   f'{s["name"]} {direction}: {n}, {sent.get((s["name"], direction), 0)} were sent')
    refusals = sum(n for (whose, _, reason), n in drops.items() if isinstance(whose, tuple) and whose[1] and reason == 'source')
    report(received == before + markers + refusals, f'peers received {received}: {before} before, {markers} markers, {refusals} refused')


def test(mode):
    global markers, drops
    markers, drops = 0, {}
    sent.clear()
    with tempfile.NamedTemporaryFile('w', suffix='.yaml') as f:
        f.write(config())
        f.flush()
        run(f'{relay.BUILD}/wgxdp', 'up', '-c', f.name, '--mode', mode, stderr=subprocess.PIPE)
    rows = json.loads(run(f'{relay.BUILD}/wgxdp', 'show', '--json', stdout=subprocess.PIPE).stdout)['interfaces']
    print(mode, *[f"{r['name']}={r['mode']}" for r in rows if r['name'] in relay.MTU])
    before = shown()[1]
    both_ways()
    errors()
    forged()
    check_counters(before)
    run(f'{relay.BUILD}/wgxdp', 'down')


def main():
    if subprocess.run(['ip', 'netns', 'add', relay.NS], check=False).returncode:
        return 1
    try:
        with open(f'/run/netns/{relay.NS}', 'rb') as f:
            if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0):
                raise OSError(ctypes.get_errno(), 'setns')
        relay.links = set_up()
        for mode in ('auto', 'tc'):
            test(mode)
    finally:
        subprocess.run(['ip', 'netns', 'del', relay.NS], check=True)
    print(f'{passed} passed, {failed} failed')
    return bool(failed)


if __name__ == '__main__':
    sys.exit(main())
