# SPDX-License-Identifier: GPL-2.0-or-later
# The packets that tests/packet/packets.py sends through the data path, and what must become of each.
import struct

from scapy_few import (ARP, Dot1AD, Dot1Q, Ether, GRE, ICMP, IP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, ICMPv6EchoRequest, PadN, Raw, SCTP, TCP)

import packet_fragmentation
import packet_fragments
import packet_icmp
import packet_lists
from packet_network import (CASES, CLIENT4, CLIENT6, COLD, COLD6, DEAF, FIRST, HOLE, HTTPS, JUMBO, NATT, NONE, NONE6, OFF,
                            OTHER, PORT, SECOND, SIX, SMALL, WG, WG6, Case, fold, ignored, mac, udp)


def lengths():
    for s, most in ((WG, 1472), (WG6, 1452), (SIX, 1452), (NONE, 1472), (NONE6, 1452)):
        for n in (0, 1, 2, 31, 32, 92, 148, most - 1, most):
            s.sends(f'{n} bytes', n)
            s.sends(f'{n} bytes, reply', n, reply=True)
        s.passes('one byte too long', 'too_big', most + 1)
        s.passes('one byte too long, reply', 'too_big', most + 1, reply=True)
        for padding in (1, 18, 46):
            s.sends(f'{padding} bytes of padding', 4, pad=b'\x55' * padding)
            s.sends(f'{padding} bytes of padding, reply', 4, pad=b'\x55' * padding, reply=True)
    SMALL.sends('as long as the smaller MTU', 1272)
    SMALL.passes('one byte longer than the smaller MTU', 'too_big', 1273)
    WG.sends('as long as the route lets it, reply', 1272, dst='192.0.2.70', reply=True)
    WG.sends('longer than a route says that does not mean it, reply', 1472, dst='192.0.2.130', reply=True)
    WG.passes('longer than the route lets it, reply', 'too_big', 1273, dst='192.0.2.70', reply=True)


def headers():
    for s in (WG, HTTPS, WG6, SIX, NONE, NONE6):
        both = [(False, '')] + ([(True, ', reply')] if s is not HTTPS else [])
        for reply, of in both:
            for sport in (1, 53, 65535):
                s.sends(f'client port {sport}{of}', reply=reply, **{'dport' if reply else 'sport': sport})
            for ttl in (2, 3, 128, 255):
                s.sends(f'TTL {ttl}{of}', ttl=ttl, reply=reply)
            for ttl in (0, 1):
                s.passes(f'TTL {ttl}{of}', 'hop_limit', ttl=ttl, reply=reply)
            s.sends(f'checksum 0{of}', check='zero', reply=reply)
            for wrong in (1, 0x8000, 0xfffe):
                s.sends(f'checksum wrong by {wrong}{of}', check=wrong, reply=reply)
            word = 'tos' if ':' not in s.local else 'tc'
            for tos in (1, 3, 0x88, 0xff):
                s.sends(f'{word} {tos}{of}', ip={word: tos}, reply=reply)
    for s in (WG, WG6, NONE, NONE6):            # the port stays, so the sum contains only the addresses
        s.sends('partial checksum', check='partial', case={'left': 'partial_checksum'})
        s.sends('partial checksum, reply', check='partial', reply=True, case={'left': 'partial_checksum'})
    for flags, text in (('DF', 'DF'), (0, 'no DF'), (4, 'the reserved bit')):
        WG.sends(text, ip={'flags': flags, 'id': 0xffff})
        WG.sends(f'{text}, reply', ip={'flags': flags, 'id': 1}, reply=True)
    for fl in (1, 0xfffff):
        WG6.sends(f'flow label {fl}', ip={'fl': fl})
        SIX.sends(f'flow label {fl}, reply', ip={'fl': fl}, reply=True)


def all_ones():
    """Checksums that come out as 0 must be written as 0xffff, and those that are 0xffff stay checksums"""
    for s, reply in ((WG, False), (WG, True), (SIX, False), (SIX, True), (HTTPS, False)):
        for leaving in (False, True):
            p = s.reply(2) if reply else s.original(2)
            q = (s.reply_out(p) if reply else s.original_out(p)) if leaving else p
            zero = udp(q.src, q.dst, q.sport, q.dport, b'\0\0')
            data = zero[6:8]            # the checksum becomes all ones
            assert udp(q.src, q.dst, q.sport, q.dport, data)[6:8] == b'\xff\xff'
            s.sends(f'checksum 0xffff {"leaving" if leaving else "coming"}{", reply" if reply else ""}', data=data, reply=reply)


OPTIONS = [
    ('no operation', b'\1' * 4), ('end of list', b'\0' * 4), ('no operation and end', b'\1\1\1\0'),
    ('record route', b'\7\7\4\0\0\0\0\0'), ('router alert', b'\x94\4\0\0'), ('timestamp', b'\x44\x0c\5\0' + b'\0' * 8),
    ('40 bytes', b'\1' * 40), ('unknown', b'\x5e\4\1\2'), ('end before rubbish', b'\0\x83\0\1'),
]
BAD_OPTIONS = [
    ('loose source route', b'\x83\7\4\x0a\0\0\1\0'), ('strict source route', b'\x89\7\4\x0a\0\0\1\0'),
    ('source route behind no operation', b'\1\x83\7\4\x0a\0\0\1'), ('length 0', b'\7\0\4\0'), ('length 1', b'\7\1\4\0'),
    ('length beyond the header', b'\7\x09\4\0\0\0\0\0'), ('no length', b'\1\1\1\7'),
]


def options():
    for reply, of in ((False, ''), (True, ', reply')):
        for name, b in OPTIONS:
            WG.sends(f'option {name}{of}', reply=reply, ip={'options': [Raw(b)]})
        for name, b in BAD_OPTIONS:
            WG.ignores(f'option {name}{of}', reply=reply, ip={'options': [Raw(b)]})


NUMBERS = {'IPv6ExtHdrHopByHop': 0, 'IPv6ExtHdrRouting': 43, 'IPv6ExtHdrFragment': 44, 'IPv6ExtHdrDestOpt': 60}
HOP, DEST = IPv6ExtHdrHopByHop(options=[PadN(optdata=b'\0' * 4)]), IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 4)])
USED_UP = IPv6ExtHdrRouting(type=4, segleft=0, addresses=['2001:db8::77'])
LONG = IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * 252)] * 3)
GOOD_CHAINS = [
    ('hop-by-hop', [HOP]), ('destination options', [DEST]), ('both', [HOP, DEST]), ('route used up', [USED_UP]),
    ('hop-by-hop, route, destination', [HOP, USED_UP, DEST]), ('atomic fragment', [IPv6ExtHdrFragment(id=7)]),
    ('hop-by-hop and atomic fragment', [HOP, IPv6ExtHdrFragment(id=7)]), ('eight headers', [DEST] * 8), ('long', [LONG]),
]
BAD_CHAINS = [
    ('nine headers', [DEST] * 9), ('route with a segment left', [IPv6ExtHdrRouting(segleft=1, addresses=['2001:db8::77'])]),
    ('longer than a packet', [LONG, LONG]),
    ('fragment of a fragment', [IPv6ExtHdrFragment(id=7, m=1), IPv6ExtHdrFragment(id=8, m=1)]),
]


def chained(chain):
    """{chain, ip} with each header's next one set; the last one is followed by UDP"""
    chain = [h.copy() for h in chain]
    kinds = [NUMBERS[type(h).__name__] for h in chain] + [17]
    for h, kind in zip(chain, kinds[1:]):
        h.nh = kind
    return {'chain': chain, 'ip': {'nh': kinds[0]}}


def chains():
    for s in (WG6, SIX):
        for reply, of in ((False, ''), (True, ', reply')):
            for name, chain in GOOD_CHAINS:
                s.sends(f'{name}{of}', reply=reply, **chained(chain))
            for name, chain in BAD_CHAINS:
                s.ignores(f'{name}{of}', reply=reply, **chained(chain))
    for name, kind in (('authentication header', 51), ('mobility header', 135), ('host identity', 139), ('ESP', 50),
                       ('no next header', 59), ('TCP behind options', 6)):
        more = chained([DEST])
        if kind == 6:
            more['chain'][0].nh = kind
        else:
            more['ip']['nh'] = kind
        WG6.ignores(name, **more)


def contradictions():
    for s in (WG, HTTPS, WG6, SIX):
        for reply, of in ((False, ''), (True, ', reply')):
            for length in (0, 7, 41, 0xffff):
                s.passes(f'UDP length {length}{of}', 'malformed', length=length, reply=reply)
            s.sends(f'bytes behind the datagram{of}', tail=b'trailer', reply=reply)
            p = s.reply() if reply else s.original()
            head, real = 14 + (20 if ':' not in s.local else 40), len(p.ip_bytes())
            direction = 'reply' if reply else 'original'
            for missing in (1, 9, 32):
                CASES.append(Case(f'{s.label}: {missing} bytes of the frame missing{of}', p.link, p.frame()[:-missing], 'passed', s.name,
                                  direction, 'malformed'))
            ignored(f'{s.label}: no room for a UDP header{of}', p.link, p.frame()[:head + 7])
            ignored(f'{s.label}: nothing behind IP{of}', p.link, p.frame()[:head])
            word, less = ('plen', 40) if ':' in s.local else ('len', 0)
            for length in (real - 1, real - 32):
                s.passes(f'IP length {length} of {real}{of}', 'malformed', ip={word: length - less}, reply=reply)
            s.passes(f'IP length {real + 1} of {real}{of}', 'malformed', ip={word: real + 1 - less}, reply=reply)
            for length in (0, 7) if less else (0, 19, 20, 27):
                s.ignores(f'IP {word} {length}{of}', ip={word: length}, reply=reply)


def frames_of_others():
    for s in (WG, WG6, NONE):
        for reply, of in ((False, ''), (True, ', reply')):
            for name, dmac in (('another host', mac('w0', 0x77)), ('all', 'ff:ff:ff:ff:ff:ff'), ('a group', '01:00:5e:00:00:12'),
                               ('nobody', '00:00:00:00:00:00'), ('another link of ours', mac('x0'))):
                s.ignores(f'frame for {name}{of}', dmac=dmac, reply=reply)
    for name, tag in (('VLAN 7', Dot1Q(vlan=7)), ('priority tag', Dot1Q(vlan=0, prio=5)), ('service tag', Dot1AD(vlan=7)),
                      ('two tags', Dot1AD(vlan=7) / Dot1Q(vlan=9))):
        ignored(f'{name} around IPv4', 'w0', bytes(Ether(dst=mac('w0')) / tag / IP(WG.original().ip_bytes())))
        ignored(f'{name} around IPv6', 'w0', bytes(Ether(dst=mac('w0')) / tag / IPv6(WG6.original().ip_bytes())))
    for kind in (0x0806, 0x8863, 0x8864, 0x88cc, 0x8847, 0x86dd, 0x600, 46):
        ignored(f'IPv4 in a frame of type {kind:#x}', 'w0', bytes(Ether(dst=mac('w0'), type=kind)) + WG.original().ip_bytes())
    ignored('IPv6 in a frame of type 0x800', 'w0', bytes(Ether(dst=mac('w0'), type=0x800)) + WG6.original().ip_bytes())
    ignored('an Ethernet header alone', 'w0', bytes(Ether(dst=mac('w0'), type=0x800)))
    CASES[-1].planes = ('xdp', 'host-xdp', 'host-tc')         # the kernel does not run tc with it


def other_protocols():
    e = Ether(dst=mac('w0'), src=mac('w0', 0xee))
    to4, to6 = IP(src=CLIENT4, dst=WG.local), IPv6(src=CLIENT6, dst=WG6.local)
    from4 = IP(src=WG.backend, dst=CLIENT4)
    ports = {'sport': PORT, 'dport': 51820}
    for name, p in (('TCP', to4 / TCP(**ports)), ('TCP over IPv6', to6 / TCP(**ports)), ('SCTP', to4 / SCTP(**ports)),
                    ('ICMP echo', to4 / ICMP()), ('ICMPv6 echo', to6 / ICMPv6EchoRequest()), ('GRE', to4 / GRE() / IP()),
                    ('ICMP unreachable', to4 / ICMP(type=3, code=3) / IP(WG.reply().ip_bytes())),
                    ('UDP Lite', to4.copy() / Raw(udp(CLIENT4, WG.local, PORT, 51820, b'x'))),
                    ('IPv4 in IPv4', to4 / IP(WG.original().ip_bytes())), ('IPv4 in IPv6', to6 / IP(WG.original().ip_bytes()))):
        if name == 'UDP Lite':
            p.proto = 136
        ignored(name, 'w0', bytes(e / p))
    ignored('ARP', 'w0', bytes(Ether(dst='ff:ff:ff:ff:ff:ff') / ARP(pdst='203.0.113.1')))
    ignored('ARP for our MAC', 'w0', bytes(e / ARP(pdst='203.0.113.1')))
    ignored('TCP of the backend', 'l0', bytes(Ether(dst=mac('l0')) / from4 / TCP(sport=51820)))
    for version in (0x35, 0x55, 0x44, 0x40):
        frame = bytearray(WG.original().frame())
        frame[14] = version
        ignored(f'IPv4 beginning with {version:#x}', 'w0', bytes(frame))
    frame = bytearray(WG6.original().frame())
    frame[14] = 0x40
    ignored('IPv6 of version 4', 'w0', bytes(frame))
    frame, out = bytearray(WG.original().frame()), bytearray(WG.original_out(WG.original()).frame())
    for b in (frame, out):          # a wrong IPv4 checksum stays wrong by the same difference
        b[24:26] = struct.pack('!H', fold(struct.unpack('!H', b[24:26])[0] + 0x101))
    CASES.append(Case('wg: wrong IPv4 checksum', 'w0', bytes(frame), 'sent', 'wg', out=bytes(out), bytes=60, whole=74))


def sources():
    for src in ('0.0.0.0', '0.1.2.3', '127.0.0.1', '127.255.255.255', '224.0.0.1', '239.255.255.255', '240.0.0.1',
                '255.255.255.255'):
        WG.passes(f'from {src}', 'martian', src=src)
        NONE.passes(f'from {src}', 'martian', src=src)
    for src in ('::', '::1', '::ffff:1.2.3.4', '::1.2.3.4', 'fe80::1', 'febf::1', 'ff02::1', 'ff05::2'):
        WG6.passes(f'from {src}', 'martian', src=src)
        SIX.passes(f'from {src}', 'martian', src=src)
    for src, what in (('192.168.1.77', 'a LAN host'), ('192.168.1.10', 'the backend'), ('192.168.1.1', 'our LAN address'),
                      ('203.0.113.1', 'the listener'), ('198.51.100.1', 'our other WAN'), ('192.168.3.200', 'another LAN'),
                      ('198.18.0.77', 'behind a LAN gateway'), ('192.168.2.255', 'a LAN broadcast')):
        WG.passes(f'from {what}', 'source', src=src)
        HTTPS.passes(f'from {what}', 'source', src=src)
        NONE.passes(f'from {what}', 'source', src=src)
    for src, what in (('2001:db8:2::77', 'a LAN host'), ('2001:db8:2::10', 'the backend'), ('2001:db8:2::1', 'our LAN address'),
                      ('2001:db8:1::1', 'the listener'), ('2001:db8:3::9', 'another LAN')):
        for s in (WG6, SIX, NONE6):
            s.passes(f'from {what}', 'source', src=src)
    WG.passes("as the backend, from its port", 'source', src='192.168.1.10', sport=51820)
    for src in ('203.0.113.7', '203.0.113.255', '1.0.0.0', '126.255.255.255', '128.0.0.1', '223.255.255.255', '198.18.5.9'):
        WG.sends(f'from {src}', src=src)
    for src in ('2001:db8:1::7', 'fd00::1', '64:ff9b::1.2.3.4', '2002:c000:201::1', 'fec0::1', '0:0:0:1::1'):
        WG6.sends(f'from {src}', src=src)
        SIX.sends(f'from {src}', src=src)


def destinations():
    for port in (0, 1, 51819, 51821, 65535):
        WG.ignores(f'to port {port}', dport=port)
        SIX.ignores(f'to port {port}', dport=port)
    for dst in ('203.0.113.2', '192.168.1.10', '192.168.1.1', '198.51.100.1', '203.0.113.255', '255.255.255.255'):
        WG.ignores(f'to {dst}', dst=dst)
    for dst in ('2001:db8:2::11', '2001:db8:1::2', 'ff02::1', '::ffff:203.0.113.1'):
        WG6.ignores(f'to {dst}', dst=dst)
    WG.ignores('on the other WAN', link='x0')
    WG.ignores('from the LAN', link='l0', src='192.168.1.77')
    WG6.ignores('from the LAN', link='l0', src='2001:db8:2::77')
    OTHER.ignores('on the other WAN', link='w0')
    NONE.ignores('to another port', dport=51821)
    NONE.ignores('from the LAN', link='l0', src='192.168.1.77')
    HOLE.passes('no way to the backend', 'no_route')
    OFF.passes('forwarding is off', 'forwarding_off')
    for s in (WG, WG6, SIX, NONE):
        s.ignores('the backend, from another port', sport=51822, reply=True)
        s.passes('on a WAN', 'wrong_link', link='w0', reply=True)
        s.passes('on another WAN', 'wrong_link', link='x0', reply=True)
        s.passes('on another LAN', 'wrong_link', link='m0', reply=True)
    WG.ignores('of the backend\'s neighbour', src='192.168.1.11', reply=True)
    for dst in ('203.0.113.1', '192.168.1.1', '198.51.100.1', '203.0.113.255', '192.168.2.255'):
        WG.passes(f'reply to {dst}', 'local', dst=dst, reply=True)
    for dst in ('2001:db8:1::1', '2001:db8:2::1'):
        WG6.passes(f'reply to {dst}', 'local', dst=dst, reply=True)
    for dst in ('255.255.255.255', '224.0.0.5', '127.0.0.1', '0.0.0.0'):
        WG.passes(f'reply to {dst}', 'martian', dst=dst, reply=True)
    for dst in ('ff02::1', 'ff0e::1', 'fe80::9', '::1'):
        WG6.passes(f'reply to {dst}', 'martian', dst=dst, reply=True)
    for dst in ('100.65.0.9', '100.66.0.9', '100.67.0.9'):
        WG.passes(f'reply to {dst}', 'no_route', dst=dst, reply=True)
    WG6.passes('reply where there is no way', 'no_route', dst='2001:db8:9:65::1', reply=True)
    WG.passes('reply over a link that came later', 'unknown_egress', dst='100.64.0.9', reply=True)
    for dst in ('192.168.2.77', '192.168.2.78', '192.168.1.30', '198.18.0.9'):
        WG.passes(f'to {dst}, which is no client', 'no_listener', dst=dst, reply=True)
    WG6.passes('to a LAN host, which is no client', 'no_listener', dst='2001:db8:2::20', reply=True)
    WG.sends('reply to a client on the link', dst='203.0.113.7', reply=True, back=('w0', 7))
    WG6.sends('reply to a client on the link', dst='2001:db8:1::7', reply=True, back=('w0', 7))


def left_to_tc():
    cold = {'left': 'no_neighbour', 'neighbour': True}
    for n in (0, 148, 1472):
        COLD.sends(f'unresolved neighbour, {n} bytes', n, case=cold)
    COLD.passes('unresolved neighbour, too long', 'too_big', 1473)
    COLD.passes('unresolved neighbour, TTL 1', 'hop_limit', ttl=1)
    COLD6.sends('unresolved neighbour', case=cold)
    COLD6.passes('unresolved neighbour, too long', 'too_big', 1453)
    WG.sends('reply to an unresolved client', dst='203.0.113.99', reply=True, case=cold)
    WG6.sends('reply to an unresolved client', dst='2001:db8:1::99', reply=True, case=cold)
    for n in (0, 1472):
        DEAF.sends(f'a link that XDP cannot send to, {n} bytes', n, case={'left': 'no_transmit', 'left_generic': None})
    for size, segments, rest in ((1, 2, 0), (100, 2, 0), (100, 3, 60), (1000, 3, 1), (1472, 2, 0)):
        n = size * segments - rest
        for s in (WG, NONE):
            s.sends(f'{segments} segments of {size}', n, case={
                'gso': (segments, size), 'segments': segments, 'planes': ('tc', 'host-tc'), 'truncate': False})
            CASES[-1].bytes += (segments - 1) * 28
            s.sends(f'{segments} segments of {size}, not told how many', n, case={
                'gso': (0, size), 'segments': segments, 'planes': ('tc', 'host-tc'), 'truncate': False})
            CASES[-1].bytes += (segments - 1) * 28
    WG.passes('segments that do not fit', 'too_big', 2946, case={
        'gso': (2, 1473), 'segments': 2, 'planes': ('tc', 'host-tc'), 'truncate': False})


def several_buffers():
    for n in (3000, 3400):
        JUMBO.sends(f'{n} bytes', n)
        JUMBO.sends(f'{n} bytes, checksum 0', n, check='zero')
    live = {'planes': ('xdp', 'host-xdp', 'host-tc'), 'truncate': False, 'linear': 3000, 'frags': True}       # too long for test-run of tc
    for n in (4000, 8000, 8972):
        JUMBO.sends(f'{n} bytes', n, case=dict(live))
        JUMBO.sends(f'{n} bytes, checksum 0', n, check='zero', case=dict(live))
    JUMBO.passes('one byte too long', 'too_big', 8973, case=dict(live))
    WG.passes('in several buffers to a short link', 'too_big', 8000, case=dict(live))
    JUMBO.passes('the last buffer is missing', 'malformed', 4000, ip={'len': 8000}, case=dict(live))


def choices():
    """A backend with several listeners answers from the one that the client used; in order"""
    HTTPS.sends('reply to a client never seen', dport=7, reply=True)
    for port in (40001, 40002):
        HTTPS.sends('client chooses', sport=port)
        HTTPS.sends('reply from there', dport=port, reply=True)
        NATT.sends('client changes the port', sport=port)
        NATT.sends('reply from the new port', dport=port, reply=True)
        OTHER.sends('client changes to the other WAN', sport=port)
        OTHER.sends('reply over the other WAN', dport=port, reply=True)
    HTTPS.sends('the first client again', sport=40001)
    HTTPS.sends('reply to the first client', dport=40001, reply=True)
    OTHER.sends('the second client kept its choice', dport=40002, reply=True)
    NATT.passes('what is not sent is no choice', 'hop_limit', sport=40001, ttl=1)
    HTTPS.sends('reply to the first client still', dport=40001, reply=True)
    NATT.sends('another client of that address', sport=40003)
    HTTPS.sends('the first has its own choice', dport=40001, reply=True)
    for s in (SECOND, FIRST, SECOND, FIRST):            # each has a gateway of its own
        s.sends(f'address {s.local} of an interface')
        s.sends(f'reply from {s.local}', reply=True)


def misleading():
    """Packets of the backend to an address of ours change no other packet's route, even if a rule by source applies to
    them."""
    for dst in ('198.51.100.1', '198.18.5.2'):
        for s in (WG, HTTPS):
            s.passes(f'reply to {dst}', 'local', dst=dst, reply=True, case={'wait': 1100})
            s.sends(f'after a reply to {dst}')


GROUPS = (lengths, headers, all_ones, options, chains, *packet_fragments.GROUPS, contradictions, frames_of_others, other_protocols, sources,
          destinations, left_to_tc, several_buffers, choices, misleading) + packet_icmp.GROUPS + packet_lists.GROUPS + packet_fragmentation.GROUPS


def build():
    del CASES[:]
    for make in GROUPS:
        make()
    return list(CASES)


def some_of_each(n):
    """n short ones of each group, evenly spread"""
    for make in GROUPS:
        del CASES[:]
        make()
        short = [c for c in CASES if len(c.frame) < 400]
        yield from (short[len(short) * i // n] for i in range(min(n, len(short))))
