# SPDX-License-Identifier: GPL-2.0-or-later
# IPv4 packets without DF that are longer than the egress MTU, for tests/packet/packets.py. The expected fragments
# follow RFC 791 3.2, made by scapy if there are no options. Also packets that must not be fragmented, whose sender gets
# an error.
import struct

from scapy_few import IP, Raw, defragment, fragment

from packet_fragments import Datagram, framed, make_fragment
from packet_icmp import error, error_out
from packet_network import (CASES, COLD, DEAF, HTTPS, LINKS, NONE, NONE_REPORT, PORT, SMALL, REPORT, WG, Case, add, fold, udp, words)

NARROW, NARROWER = ('100.70.0.9', 108), ('100.70.1.9', 71)     # clients, and the MTU of the route to them
LOCKED = '192.0.2.70', 1300
RECORD, TIMESTAMP, ALERT, PAD = b'\x07\x07\x04\0\0\0\0', b'\x44\x08\x05\0\0\0\0\0', b'\x94\x04\0\0', b'\x01'


def fragment_ip(packet, mtu, later=None):
    """Returns the fragments of an IP packet. later: the options of all but the first, where they are others"""
    header = (packet[0] & 15) * 4
    step = (mtu - header) // 8 * 8
    length, ident, bits = struct.unpack('!HHH', packet[2:8])
    data, parts = packet[header:length], []
    for start in range(0, len(data), step):
        more = start + step < len(data)
        h = bytearray(packet[:header])
        if start and later is not None:
            h[20:] = later
        h[2:4] = struct.pack('!H', header + len(data[start:start + step]))
        h[6:8] = struct.pack('!H', (bits & 0xe000 | 0x2000 * more) + (bits & 0x1fff) + start // 8)
        h[10:12] = b'\0\0'
        h[10:12] = struct.pack('!H', 0xffff - fold(words(h)))
        parts.append(bytes(h) + data[start:start + step])
    if header == 20:
        if not bits & 0x1fff and not bits & 0x2000:
            whole = bytes(defragment([IP(p) for p in parts])[0])
            assert whole[header:] == data and whole[:2] == packet[:2], 'the fragments do not make the packet'
        if bits & 0x9fff == 0:
            assert parts == [bytes(p) for p in fragment(IP(packet[:length]), step)], 'scapy would fragment it elsewhere'
    return parts


def add_fragmented(s, name, n, mtu, reply=False, later=None, back=None, case=None, **more):
    p = s.reply(n, **more) if reply else s.original(n, **more)
    q = s.reply_out(p, back) if reply else s.original_out(p)
    egress = (back or s.back)[0] if reply else s.out
    frames = [framed(q, part) for part in fragment_ip(q.ip_bytes(), mtu, later)]
    case = {'left': 'too_big', 'shortened': True, **(case or {})}
    length = len(p.ip_bytes())
    CASES.append(Case(f'{s.label}: fragmented, {name}{", reply" if reply else ""}', p.link, p.frame(), 'sent', s.name,
                      'reply' if reply else 'original', out=frames[-1], bytes=length, whole=14 + length,
                      fragments=[(egress, f) for f in frames[:-1]], **case))


def ways(n):
    """Those that are longer than the MTU with so many bytes: (service, reply, client, MTU)"""
    yield SMALL, False, {}, 1300
    for s in (WG, NONE):
        yield s, True, {'dst': LOCKED[0]}, LOCKED[1]
        if n > 1472:
            yield s, False, {}, 1500
    if n > 1472:
        yield HTTPS, False, {}, 1500
    yield SMALL, True, {'dst': LOCKED[0]}, LOCKED[1]


def lengths():
    for n in (1273, 1274, 1279, 1280, 1281, 1472, 1473, 1474, 1480, 1488, 2544, 2545, 2600, 2960, 2961, 3400):
        for s, reply, client, mtu in ways(n):
            add_fragmented(s, f'{n} bytes', n, mtu, reply, case={'truncate': n in (1273, 2961)}, **client)
    for client, mtu in (NARROW, NARROWER):
        for s in (WG, SMALL, NONE):
            for n in (mtu - 27, 147, 148, 1452, 3000):
                add_fragmented(s, f'{n} bytes for {mtu}', n, mtu, True, dst=client, case={'truncate': n == 148})
    for n in (5000, 9000, 15992):                       # longer than the kernel's test-run accepts
        for s, reply, client, mtu in ways(n):
            add_fragmented(s, f'{n} bytes', n, mtu, reply, case={'planes': ('host-tc',), 'truncate': False}, **client)


def looks_partial(p):
    """The data for which the whole checksum of p is that of its pseudo header alone"""
    whole = udp(p.src, p.dst, p.sport, p.dport, b'\0\0' + p.data[2:], 'partial')
    return struct.pack('!H', 0xffff - fold(words(whole) + struct.unpack('!H', whole[6:8])[0])) + p.data[2:]


def headers():
    for s, reply, client, mtu in ways(2000):
        of = {'n': 2000, 'mtu': mtu, 'reply': reply, **client}
        case = {'truncate': False}
        for ident in (0, 1, 0xffff):
            add_fragmented(s, f'identification {ident}', case=case, ip={'id': ident}, **of)
        add_fragmented(s, 'the reserved bit', case=case, ip={'flags': 4}, **of)
        add_fragmented(s, 'class and congestion', case=case, ip={'tos': 0xbb}, **of)
        add_fragmented(s, 'checksum 0', case=case, check='zero', **of)
        add_fragmented(s, 'checksum wrong', case=case, check=5, **of)
        data = looks_partial(s.reply(2000, **client) if reply else s.original(2000, **client))
        add_fragmented(s, 'checksum that looks partial', case=case, data=data, **of)
        add_fragmented(s, 'TTL 2', case=case, ttl=2, **of)
        add_fragmented(s, 'padded', case=case, pad=b'\x55' * 9, **of)
        add_fragmented(s, 'data behind the datagram', case=case, tail=b'\x77' * 100, **of)


def options():
    nothing = PAD * 4
    for name, there, later in (
            ('no operation', nothing, nothing), ('router alert, copied', ALERT, ALERT),
            ('record route, not copied', RECORD + PAD, PAD * 8), ('time stamp, not copied', TIMESTAMP, PAD * 8),
            ('both kinds', RECORD + ALERT + PAD, PAD * 7 + ALERT + PAD),
            ('the other way round', ALERT + RECORD + PAD, ALERT + PAD * 8),
            ('behind the end of the list', ALERT + b'\0' + RECORD, ALERT + b'\0' + RECORD),
            ('the end of the list first', b'\0' + RECORD, b'\0' + RECORD),
            ('40 bytes', TIMESTAMP + RECORD + PAD + ALERT * 2 + TIMESTAMP * 2, PAD * 16 + ALERT * 2 + PAD * 16),
            ('40 bytes of one', b'\x07\x27\x04' + bytes(range(36)) + PAD, PAD * 40),
            ('40 bytes of one to copy', b'\x87\x28\x04' + bytes(range(37)), b'\x87\x28\x04' + bytes(range(37)))):
        for s, reply, client, mtu in ways(1600):
            add_fragmented(s, f'option: {name}', 1600, mtu, reply, later, ip={'options': [Raw(there)]}, case={'truncate': s is SMALL}, **client)
    add_fragmented(WG, 'options for a small MTU', 600, NARROW[1], True, PAD * 40, ip={'options': [Raw(b'\x07\x28\x04' + bytes(37))]}, dst=NARROW[0])
    add_fragmented(WG, 'options for a smaller MTU', 200, NARROWER[1], True, PAD * 40, ip={'options': [Raw(b'\x07\x28\x04' + bytes(37))]},
                   dst=NARROWER[0])


def fragments():
    """Packets that are fragments already. The first one is remembered, so that later ones find it, fragmented again or
    not."""
    for s, reply, more, mtu in ((SMALL, False, {}, 1300), (WG, True, {'dst': LOCKED[0]}, LOCKED[1]), (NONE, True, {'dst': NARROW[0]}, NARROW[1])):
        d = Datagram(s, 'fragments that are fragmented', 4400, reply, **more)
        for start, end in ((0, 1480), (1480, 2960), (2960, 2968), (2968, None)):
            again(d, f'from {start}', start, end, mtu)
        d = Datagram(s, 'fragments of 1304 that are fragmented, the last first', 3000, reply, **more)
        d.add('the last', 'ignored', 2608)
        for start, end in ((0, 1304), (2608, None), (1304, 2608)):
            again(d, f'from {start}', start, end, mtu)
    d = Datagram(REPORT, 'fragments are fragmented even so', 2000)
    for start, end in ((0, 1480), (1480, None)):
        again(d, f'from {start}', start, end, 1300)
    d = Datagram(SMALL, 'up to 65,535', 100)
    again(d, 'first', 0, 80, 1300, left=None)
    again(d, 'last', 64000, None, 1300, data=bytes(i & 255 for i in range(1535)))


def again(d, name, start, end, mtu, left='too_big', **more):
    """One fragment of a datagram, fragmented once more if it is longer than the MTU. XDP alone does not learn of the first."""
    p, q = d.p, d.q
    frame = framed(p, make_fragment(p, d.ident, start, end, **more))
    frames = [framed(q, b) for b in fragment_ip(make_fragment(q, d.ident, start, end, **more), mtu)]
    egress = next(link for link in LINKS if frames[0][6:12].hex(':') == '02:00:00:00:%02x:01' % LINKS[link][0])
    CASES.append(Case(f'{d.label}, {name}', p.link, frame, 'sent', d.s.name, d.direction, out=frames[-1], bytes=len(frame) - 14,
                      whole=len(frame), left=left, shortened=len(frames) > 1,
                      fragments=[(egress, f) for f in frames[:-1]]))


def others():
    for s in (COLD,):
        p = s.original(2000)
        out = fragment_ip(s.original_out(p).ip_bytes(), 1500)
        CASES.append(Case(f'{s.label}: fragmented, for an unresolved neighbour', p.link, p.frame(), 'sent', s.name, reason='fragments_unresolved',
                          out=framed(p, out[0]), left='no_neighbour', shortened=True, bytes=2028, whole=14 + 2028))
    add_fragmented(DEAF, 'to a link that XDP cannot send to', 1700, 1500)
    for n, reply in ((1245, False), (2000, False)):     # an error about a packet
        e = error(SMALL, reply, n=n)
        out = error_out(SMALL, reply, e)
        frames = [framed(out, b) for b in fragment_ip(out.ip_bytes(), 1300)]
        add(f'{SMALL.label}: fragmented, ICMP error about {n} bytes', e, 'sent', SMALL.name, 'original', left='too_big', shortened=True)
        CASES[-1].out, CASES[-1].whole = frames[-1], len(e.frame())
        CASES[-1].fragments = [('m0', f) for f in frames[:-1]]


def reports():
    """Fragmentation needed, although DF is not set"""
    def reports_mtu(s, name, n, mtu, source, reply=False, case=None, **more):
        more.setdefault('src', '198.51.77.%d' % (len(CASES) % 250)) if not reply else None
        p = s.reply(n, **more) if reply else s.original(n, **more)
        add(f'{s.label}: reported, {name}', p, 'passed', s.name, 'reply' if reply else 'original', reason='packet_too_big', packet=p, mtu=mtu,
            answer_from=source, whole=14 + len(p.ip_bytes()), shortened=True, **{'truncate': False, 'planes': ('xdp', 'tc', 'host-xdp'), **(case or {})})

    for n in (1273, 1274, 1281, 2000):
        reports_mtu(REPORT, f'{n} bytes', n, 1300, REPORT.local)
    reports_mtu(REPORT, 'id 0', 1500, 1300, REPORT.local, ip={'id': 0})
    reports_mtu(REPORT, 'reply', 1300, 1300, REPORT.local, True, dst=LOCKED[0])
    reports_mtu(REPORT, 'reply for a small MTU', 90, 108, REPORT.local, True, dst=NARROW[0])
    reports_mtu(NONE_REPORT, 'original', 1473, 1500, '203.0.113.1')
    reports_mtu(NONE_REPORT, 'reply', 1300, 1300, '192.168.1.1', True, dst=LOCKED[0])
    REPORT.sends('as long as the smaller MTU, without DF', 1272)
    REPORT.passes('longer, with DF', 'too_big', 1273)
    for segments, size in ((2, 1273), (3, 1000)):
        if size > 1272:
            reports_mtu(SMALL, f'{segments} segments of {size}', segments * size, 1300, SMALL.local, case={
                'gso': (segments, size), 'segments': segments, 'planes': ('tc',)})
        else:
            SMALL.sends(f'{segments} segments of {size}, without DF', segments * size, case={
                'gso': (segments, size), 'segments': segments, 'planes': ('tc', 'host-tc'), 'truncate': False})
            CASES[-1].bytes += (segments - 1) * 28


GROUPS = (lengths, headers, options, fragments, others, reports)
