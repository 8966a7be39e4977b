#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# trace_words: what `wgxdp trace` says of packets told in words, and of the same ones in a file.
#
#   trace_words WGXDP KEY OTHER-KEY MAC DIR      in the firewall's network namespace; see trace-words.sh
import collections
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from scapy_few import IP, UDP, Dot1Q, Ether, IPv6, IPv6ExtHdrFragment, Raw, wrpcap  # noqa: E402
import wgpackets                                                           # noqa: E402

WGXDP, KEY, OTHER, MAC, DIR = sys.argv[1:6]
CLIENT = {4: '198.51.100.7', 6: '2001:db8:1::7'}
OURS = {4: '198.51.100.1', 6: '2001:db8:1::1'}
KINDS = ['none', 'initiation', 'response', 'cookie', 'data']
IDENT = 0x5767


def message(kind, index, key, size):
    """A message of WireGuard's with a right mac1 (whitepaper, 5.4.4), and zeros elsewhere"""
    if kind == 'none':
        return bytes(size)
    m = bytes([KINDS.index(kind), 0, 0, 0]) + index.to_bytes(4, 'little')
    m = m[:size] + bytes(max(0, size - 8))
    end = wgpackets.LENGTHS.get(m[0], 0) - 32       # length of the part that mac1 covers
    if kind not in ('initiation', 'response') or not key or size < end + 16:
        return m
    return m[:end] + wgpackets.mac1(m[:end], wgpackets.mac1_key(key)) + m[end + 16:]


def frame(family, port, kind='data', key=KEY, index=1, size=0, ttl=64, df=False, fragment=None, vlans=(), mac=MAC):
    header = 20 if family == 4 else 40 + 8 * (fragment is not None)
    payload = message(kind, index, key, size - header - 8 if size else wgpackets.LENGTHS.get(KINDS.index(kind), 32))
    ends = dict(src=CLIENT[family], dst=OURS[family])
    ip = IP(id=IDENT, ttl=ttl, flags='DF' if df else 0, **ends) if family == 4 else IPv6(hlim=ttl, **ends)
    whole = ip / UDP(sport=4000, dport=port) / Raw(payload)
    if fragment:
        offset, more = fragment
        udp = bytes(whole.__class__(bytes(whole))[UDP])[offset:]
        if more:
            udp = udp[:len(udp) // 2 // 8 * 8 or 8]
        if family == 4:
            whole = IP(id=IDENT, ttl=ttl, proto=17, frag=offset // 8, flags='MF' if more else 0, **ends) / Raw(udp)
        else:
            whole = IPv6(hlim=ttl, **ends) / IPv6ExtHdrFragment(nh=17, offset=offset // 8, m=int(more), id=IDENT) / Raw(udp)
    below = Ether(dst=mac, src='02:00:00:00:00:01')
    for vlan in vlans:
        below /= Dot1Q(vlan=vlan)
    return below / whole


def words(family, port, kind='data', key=KEY, index=1, size=0, ttl=64, df=False, fragment=None, vlans=(), mac=MAC):
    host = '[%s]' if family == 6 else '%s'
    said = ['--in', 'wan', '--from', f'{host % CLIENT[family]}:4000', '--to', f'{host % OURS[family]}:{port}']
    said += ['--message', kind] if kind != 'data' else []
    said += ['--public-key', key] if key not in (KEY, None) else []
    said += ['--index', str(index + bool(os.environ.get('BREAK')))]
    said += ['--size', str(size)] if size else []
    said += ['--ttl', str(ttl)] if ttl != 64 else []
    said += ['--df'] if df else []
    said += ['--fragment', f'{fragment[0]}{"+" if fragment[1] else ""}'] if fragment else []
    for vlan in vlans:
        said += ['--vlan', str(vlan)]
    return said + (['--mac', mac] if mac != MAC else [])


def trace(*options):
    ran = subprocess.run([WGXDP, 'trace', *options, '--json'], capture_output=True, text=True)
    if ran.returncode:
        sys.exit(f'trace {" ".join(options)}: {ran.stderr}')
    said = json.loads(ran.stdout)
    for packet in said['packets']:      # an ICMP error has a random identification, and so a random checksum
        if 'ICMP' in packet.get('sent', '') and packet['frame'][24:28] == '0800':
            f = packet['frame']
            packet['frame'] = f[:36] + '....' + f[40:48] + '....' + f[52:]
    return said['packets']


everywhere = [dict(kind=kind) for kind in KINDS]
here = [dict(kind=kind, key=OTHER, size=size) for kind, size in (('initiation', 176), ('response', 120), ('cookie', 0), ('data', 90))]
here += [dict(size=1000, fragment=fragment) for fragment in ((0, True), (8, True), (480, False), (944, False))]
here += [dict(index=0xfedcba98), dict(ttl=1), dict(df=True), dict(vlans=(7,)), dict(vlans=(7, 9)), dict(mac='02:00:00:00:00:77'), dict(kind='none', size=57), dict(size=1501)]
cases = [(family, port, wish) for family, port in ((4, 51820), (4, 51822), (6, 51820), (6, 51822)) for wish in everywhere]
cases += [(family, port, wish) for family, port in ((4, 51820), (6, 51822)) for wish in here if family == 4 or 'df' not in wish]
cases = [(family, port, dict(wish, index=wish.get('index', n))) for n, (family, port, wish) in enumerate(cases, 1)]  # no replays
if os.environ.get('WGXDP_TIER') == 'core':
    cases = cases[::8]
# a service without a guard has no key, so no mac1 is made for it
frames = [frame(family, port, **(wish if port == 51820 or 'key' in wish else dict(wish, key=None))) for family, port, wish in cases]
# the packets of a file follow each other, so fragments would be reassembled: each gets a file of its own
whole, verdicts = [f for f, case in zip(frames, cases) if 'fragment' not in case[2]], collections.Counter()
wrpcap(DIR + '/packet.pcap', whole)
read = trace('--in', 'wan', DIR + '/packet.pcap')
for at, (family, port, wish) in enumerate(cases):
    if 'fragment' in wish:
        wrpcap(DIR + '/fragment.pcap', frames[at])
        there = trace('--in', 'wan', DIR + '/fragment.pcap')[0]
    else:
        there = read.pop(0)
    in_words = trace(*words(family, port, **wish))[0]
    if in_words != there:
        sys.exit(f'IPv{family} to {port}, {wish}: in words {json.dumps(in_words)}, in a file {json.dumps(there)}')
    verdicts[in_words['verdict']] += 1
print(f'{len(cases)} packets: trace says the same in words and of a file: {dict(verdicts)}')
