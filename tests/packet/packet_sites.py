# SPDX-License-Identifier: GPL-2.0-or-later
# The packets of tests/packet/packet_blind.py and their expected results: messages of WireGuard's four types between
# sites of the blind relay, for each pair of outer families, in the network of packet_network.py. scapy builds the
# messages.
import base64
import os
import random
import sys

from scapy_few import ICMP, IP, ICMPv6DestUnreach, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN, Raw
from scapy.contrib.wireguard import Wireguard, WireguardCookieReply, WireguardInitiation, WireguardResponse, WireguardTransport

from packet_fragmentation import fragment_ip
from packet_masquerade import error, frame, make_fragment, other_family, quoted
from packet_network import CASES, INTERFACES, PORT, ROUTES, Case, Packet, add, ignored, mac, udp

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'selftests', 'lib'))
import wgpackets                                                           # noqa: E402
from wgpackets import COOKIE, DATA, INITIATION, RESPONSE                   # noqa: E402

LISTENS = 51900
OURS = {4: '203.0.113.1', 6: '2001:db8:1::1'}
CONFIG = INTERFACES + f'blind: {{ listen: {{ interface: w0, port: {LISTENS} }}, device: wg-none, sites: [ a, b, c, d ] }}\n'
ROUTES.insert(0, ('2001:db8:9:64::/64', 'via 2001:db8:1::fe mtu lock 1300'))


class Site:
    """hop: the link by which it is reached, and the last byte of the next hop's MAC"""
    def __init__(self, name, address, port, *hop, **case):
        self.name, self.address, self.port, self.hop, self.case = name, address, port, hop or ('w0', 254), case
        self.family = 6 if address and ':' in address else 4


RELAY = Site('relay', None, 0)
A, B = Site('a', '192.0.2.10', 40001), Site('b', '203.0.113.7', 40002, 'w0', 7)
C, D = Site('c', '2001:db8:9::30', 40003), Site('d', '2001:db8:1::7', 40004, 'w0', 7)
AWAY, LONELY = Site('away', None, 0), Site('lonely', '192.0.2.60', 40006)
NARROW4, NARROW6 = Site('narrow4', '192.0.2.70', 40007), Site('narrow6', '2001:db8:9:64::70', 40008)      # 1300 bytes on the path to them
FAR = Site('far', '198.51.100.254', 40009, 'x0', 254)
DEAF = Site('deaf', '192.168.5.10', 40010, 'd0', 10, left='no_transmit', left_generic=None)     # XDP cannot send there
COLD = Site('cold', '192.168.1.99', 40011, 'l0', 99, left='no_neighbour', neighbour=True)
SITES = [RELAY, A, B, C, D, AWAY, LONELY, NARROW4, NARROW6, FAR, DEAF, COLD]
NOBODY = {4: Site('nobody', '192.0.2.201', 40101), 6: Site('nobody', '2001:db8:9::77', 40102)}
WAYS = {'44': (A, B, C), '66': (C, D, A), '46': (A, C, B), '64': (C, A, B)}      # from, to, and a third site


def may(site):
    """Number of site by number: whether these two may talk, as bits"""
    n = SITES.index(site)
    with_lonely = (LONELY, B)
    return sum(1 << i for i, other in enumerate(SITES) if i and n and i != n and
               (LONELY not in (site, other) or (site in with_lonely and other in with_lonely)))


def public_key(site):
    return bytes(SITES.index(site) * 53 + i * 7 + 3 & 255 for i in range(32))


def site_lines(shift=0):
    """As tests/packet/run_blind.h reads them"""
    for n, site in enumerate(SITES):
        yield f'{n} {site.name} {public_key(site).hex()} {may(site):x} {OURS[site.family]} {site.address or "-"} {site.port + shift}'


# --- messages

some = random.Random(8)


def noise(n):
    return some.randbytes(n)


def with_mac1(body, site):
    """body: all of the message; its mac1 is in front of the last 16 bytes"""
    key = wgpackets.mac1_key(base64.b64encode(public_key(site)).decode())
    return body[:-32] + wgpackets.mac1(body[:-32], key) + body[-16:]


def initiation(site, sender):
    return with_mac1(bytes(Wireguard(message_type=1) / WireguardInitiation(
        sender_index=sender, unencrypted_ephemeral=noise(32), encrypted_static=noise(48), encrypted_timestamp=noise(28), mac2=noise(16))), site)


def response(site, sender, receiver):
    return with_mac1(bytes(Wireguard(message_type=2) / WireguardResponse(
        sender_index=sender, receiver_index=receiver, unencrypted_ephemeral=noise(32), encrypted_nothing=noise(16), mac2=noise(16))), site)


def cookie(receiver):
    return bytes(Wireguard(message_type=3) / WireguardCookieReply(receiver_index=receiver, nonce=noise(24), encrypted_cookie=noise(32)))


def data(receiver, n=32):
    """n: the length of all of it"""
    return bytes(Wireguard(message_type=4) / WireguardTransport(receiver_index=receiver, counter=some.randrange(1000), encrypted_encapsulated_packet=bytes(
        (i * 7 + n) & 255 for i in range(n - 16))))


assert [len(m) for m in (initiation(A, 1), response(A, 1, 2), cookie(1), data(1))] == [148, 92, 64, 32], 'scapy has other messages'
assert data(0x01020304)[:8] == b'\4\0\0\0\4\3\2\1', 'scapy has another order of bytes'


# --- cases

def comes(site, payload, **more):
    return Packet(more.pop('link', 'w0'), more.pop('src', site.address), more.pop('dst', OURS[site.family]), more.pop('sport', site.port),
                  more.pop('dport', LISTENS), data=payload, **more)


def leaves(p, to):
    link, host = to.hop
    ends = {'src': OURS[to.family], 'dst': to.address, 'sport': LISTENS, 'dport': to.port}
    macs = {'dmac': mac(link, host), 'smac': mac(link)}
    if ':' in p.src and to.family == 4 or ':' not in p.src and to.family == 6:
        return other_family(p, *ends.values(), **macs)
    out = p.but(ttl=p.ttl - 1, **ends, **macs)
    return out.but(check=p.full_check_but()) if p.check == 'partial' else out       # a wrong one for tc's test-run


def sends(name, site, to, payload, case=None, **more):
    p = comes(site, payload, **more)
    case = {'pair': (site.name, to.name), 'any_ident': to.family == 4 and site.family == 6 and len(payload) + 28 <= 1260,
            **to.case, **(case or {})}
    out = leaves(p, to)
    if case.get('neighbour'):
        out = out.but(dmac=p.dmac, smac=p.smac)
    add(f'{site.name} to {to.name}: {name}', p, 'sent', 'blind', out=out, **case)


def drops(name, site, reason, payload, case=None, **more):
    add(f'{site.name}: {name}', comes(site, payload, **more), 'dropped', 'blind', reason=reason, **(case or {}))


def goes_up(name, site, payload, **more):
    """Uncounted and untouched, for the relay's own WireGuard"""
    p = comes(site, payload, **more)
    ignored(f'{site.name}: {name}', p.link, p)


used = 0


def indices(n):
    """Returns an unused index."""
    global used
    used += n
    return range(0x01000001 + used - n, 0x01000001 + used)


def shake(s, d, case=None):
    """The index by which d sends to s, and that by which s sends to d"""
    i, r = indices(2)
    case = {'truncate': False, **(case or {})}
    sends('initiation', s, d, initiation(d, i), case)
    sends('response', d, s, response(s, r, i), case)
    return i, r


# --- of sessions

def sessions(s, d, other):
    """From a handshake on, each message each way"""
    i, r = shake(s, d, {'truncate': True})
    most = 1472 if (s.family, d.family) == (4, 4) else 1440
    for n in (32, 48, 1216, 1232, 1248, most):
        sends(f'{n} bytes', s, d, data(r, n))
        sends(f'{n} bytes back', d, s, data(i, n))
    sends('cookie', s, d, cookie(r))
    sends('cookie back', d, s, cookie(i))
    sends('the initiation once more', s, d, initiation(d, i))
    for to, receiver in zip((A, B, C, D), [shake(s, x)[1] for x in (A, B, C, D) if x not in (s, d)]):
        goes_up(f'an index of another pair, {to.name}', d, data(receiver))


def headers(s, d, other):
    i, r = shake(s, d)
    for kind, payload in (('data', data(r, 64)), ('cookie', cookie(r)), ('initiation', initiation(d, i))):
        def one(name, payload=payload, kind=kind, **more):
            sends(f'{kind}, {name}', s, d, payload, **more)

        for ttl in (2, 255):
            one(f'TTL {ttl}', ttl=ttl)
        for check in ('zero', 1, 0xfffe):
            one(f'checksum {check}', check=check)
        one('padded', pad=b'\x55' * 9)
        for tos in (1, 0xb8, 0xff):
            one(f'class {tos}', ip={'tc' if s.family == 6 else 'tos': tos})
        if s.family == 4:
            one('DF', ip={'flags': 'DF', 'id': 77}, case={'any_ident': False})
            one('identification', ip={'id': 0xffff})
            for n in (4, 8, 40):
                one(f'options of {n} bytes', ip={'options': [Raw(b'\1' * n)]})
        else:
            one('flow label', ip={'fl': 0x12345} if d.family == 6 else {})
            for n in (4, 12):
                one(f'destination options of {n + 4} bytes', chain=[IPv6ExtHdrDestOpt(options=[PadN(optdata=b'\0' * (n - 2))], nh=17)],
                    ip={'nh': 60})
    sends('checksum partial', s, d, data(r, 64), check='partial', case={'left': 'partial_checksum', 'truncate': False,
                                                                        'planes': ('xdp', 'tc', 'host-xdp') if s.family == d.family else ('xdp', 'host-xdp')})


def shapes(s, d, other):
    """Too short, too long, and of no type"""
    i, r = shake(s, d)
    whole = {INITIATION: initiation(d, i), RESPONSE: response(s, r, i), COOKIE: cookie(r), DATA: data(r, 128)}
    for n in (8, 15, 16, 17, 24, 31):
        drops(f'data of {n} bytes', s, 'guard_shape', whole[DATA][:n], {'truncate': n < 17})
        goes_up(f'data of {n} bytes, an index that is nobody\'s', s, data(r + 0x1000000, 128)[:n])
    for n in (33, 40, 47, 49, 63, 65, 127):
        sends(f'data of {n} bytes', s, d, whole[DATA][:n])
    for n in (8, 32, 63, 65, 80, 92):
        drops(f'cookie of {n} bytes', s, 'guard_shape', (whole[COOKIE] + bytes(64))[:n], {'truncate': False})
    for n in (0, 1, 3, 4, 7):
        for kind in whole:
            goes_up(f'{n} bytes of type {kind}', s, whole[kind][:n])
    for kind, who, n in ((INITIATION, s, 148), (RESPONSE, d, 92)):
        for length in (8, 64, n - 1, n + 1, n + 16):
            goes_up(f'type {kind} of {length} bytes', who, (whole[kind] + bytes(16))[:length])
    for kind in whole:
        for at in (1, 2, 3):
            for bit in (1, 0x80):
                goes_up(f'type {kind}, reserved byte {at} is {bit}', d if kind == RESPONSE else s,
                        whole[kind][:at] + bytes([bit]) + whole[kind][at + 1:])
    for kind in (0, 5, 8, 0x84, 255):
        for payload in whole.values():
            goes_up(f'type {kind} in {len(payload)} bytes', s, bytes([kind]) + payload[1:])


def sources(s, d, other):
    """From another place than the sender of that index, or by another link."""
    i, r = shake(s, d)
    sends('data', s, d, data(r))
    nobody, nobodys = NOBODY[s.family], NOBODY[d.family]
    for payload in (data(r), data(r, 256)):
        drops('data of a session', nobody, 'blind_stranger', payload)
        drops('data of a session, from another port', s, 'blind_stranger', payload, sport=s.port + 1)
        goes_up('data of others', other, payload)
    drops('data of a session, the other way', nobodys, 'blind_stranger', data(i))
    drops('data of a session, from the other family', NOBODY[10 - s.family], 'blind_stranger', data(r))
    goes_up('its own index', s, data(i))
    goes_up('an index that is nobody\'s', s, data(r + 0x1000000))
    goes_up('data with an index that is nobody\'s', nobody, data(r + 0x1000000))
    goes_up('cookie of others', other, cookie(r))
    goes_up('cookie of a session', nobody, cookie(r))
    goes_up('cookie with an index that is nobody\'s', s, cookie(r + 0x1000000))
    goes_up('data, to another port', s, data(r), dport=LISTENS + 1)
    goes_up('data, to another address of ours', s, data(r), dst='198.51.100.1' if s.family == 4 else '2001:db8:2::1')
    goes_up('data, by another link', s, data(r), link='x0')
    goes_up('data, in a frame for another host', s, data(r), dmac=mac('w0', 0x77))
    sends('data, after all that', s, d, data(r))


def handshakes(s, d, other):
    """The sites that messages are for, and the sites that may send them."""
    i, r = indices(2)
    nobody, nobodys = NOBODY[s.family], NOBODY[d.family]
    few = {'truncate': False}
    goes_up('initiation for the relay', s, initiation(RELAY, i))
    goes_up('initiation for the relay', nobody, initiation(RELAY, i))
    drops('initiation', nobody, 'guard_mac1', initiation(d, i), few)
    drops('initiation for itself', s, 'guard_mac1', initiation(s, i), few)
    drops('initiation for who may not talk to it', s if s is not B else A, 'guard_mac1', initiation(LONELY, i), few)
    drops('initiation for who is not there', s, 'blind_waiting', initiation(AWAY, indices(1)[0]), few)
    drops('response to nothing', d, 'guard_mac1', response(s, r, i), few)
    goes_up('response for the relay', s, response(RELAY, r, i))
    goes_up('response for the relay', nobody, response(RELAY, r, i))
    for at in (4, 115, 116, 131):
        payload = initiation(d, i)
        drops(f'initiation whose byte {at} is another', s, 'guard_mac1', payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1:], few)
    sends('initiation', s, d, initiation(d, i), few)
    payload = response(s, r, i)
    for name, who, wrong in (('somebody else', other, payload), ('nobody', nobodys, payload), ('the site itself', s, payload),
                             ('the site, for the relay', d, response(RELAY, r, i)), ('the site, for itself', d, response(d, r, i)),
                             ('the site, with another index', d, response(s, r, i + 0x1000000))):
        drops(f'response of {name}', who, 'guard_mac1', wrong, few)
    for at in (4, 59, 60, 75):
        drops(f'response whose byte {at} is another', d, 'guard_mac1', payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1:], few)
    sends('response', d, s, payload, few)
    drops('response to a response', s, 'blind_stranger', response(d, indices(1)[0], r), few)
    made_over = {**few, 'made_over': s.family != d.family or other.family != d.family}
    drops('initiation with an index that another has', other, 'blind_refused', initiation(d, i), made_over)
    sends('initiation', s, other, initiation(other, i), few)
    lonely = indices(1)[0]
    sends('initiation', LONELY, B, initiation(B, lonely), few)
    drops('initiation for who may not talk to it', LONELY, 'guard_mac1', initiation(s if s is not B else A, lonely), few)


# --- packets that are not handled, and long packets

def fragments(s, d, other):
    """Forwarded to no site"""
    i, r = shake(s, d)
    for payload in (data(r, 1024), initiation(d, i)):
        p = comes(s, payload)
        datagram = udp(p.src, p.dst, p.sport, p.dport, payload)
        for begin, end in ((0, 64), (64, len(datagram)), (0, len(datagram) & ~7)):
            ip = make_fragment(p.src, p.dst, 64, 0x4711, begin, end < len(datagram) or not begin, datagram[begin:end], 0)
            ignored(f'{s.name}: bytes {begin} to {end} of {len(datagram)}', 'w0', frame('w0', None, ip))
        if s.family == 6:
            sends('a datagram that says it is a fragment, and is whole', s, d, payload, chain=[IPv6ExtHdrFragment(nh=17, id=7)], ip={'nh': 44})


def errors(s, d, other):
    """ICMP errors about forwarded messages, from their receiver or a router: they belong to no site."""
    icmp = ICMPv6DestUnreach(code=4) if d.family == 6 else ICMP(type=3, code=3)
    for frm in (d.address, '2001:db8:77::1' if d.family == 6 else '192.0.2.33'):
        ours = OURS[d.family]
        ignored(f'{d.name}: port unreachable, from {frm}', 'w0', error('w0', None, frm, ours, icmp, 60, quoted(ours, d.address, LISTENS, d.port, 0, 'full'), 0))


def headers_refused(s, d, other):
    """Addresses that may not be forwarded, headers that contradict each other: the kernel's"""
    i, r = shake(s, d)
    sends('data that confirms the index', s, d, data(r))
    for src in ('fe80::1', 'ff02::1', '::1') if s.family == 6 else ('127.0.0.1', '224.0.0.1', '0.0.0.0'):
        drops(f'data from {src}', s, 'blind_stranger', data(r), {'truncate': False}, src=src)
    for src in ('2001:db8:2::77', OURS[6]) if s.family == 6 else ('192.168.1.77', OURS[4]):
        drops(f'data from {src}', s, 'blind_stranger', data(r), {'truncate': False}, src=src)
    for length in (7, 40 + 1, 41 + 16):
        goes_up(f'UDP that says {length} bytes', s, data(r), length=length)
    goes_up('IP longer than its frame', s, data(r), ip={'plen' if s.family == 6 else 'len': 200})


def too_far(s, d, other):
    i, r = shake(s, d)
    p = comes(s, data(r, 64), ttl=1)
    add(f'{s.name} to {d.name}: TTL 1', p, 'passed', 'blind', reason='hop_limit', packet=p, whole=14 + len(p.ip_bytes()), truncate=False)
    narrow = NARROW4 if d.family == 4 else NARROW6
    i, r = shake(s, narrow)
    fits = 1264 if narrow is NARROW4 else 1248
    flags = {'ip': {'flags': 'DF', 'id': 77}} if s.family == 4 else {}
    sends(f'{fits} bytes', s, narrow, data(r, fits), case={'any_ident': False} if s.family == 6 and fits + 28 > 1260 else None, **flags)
    for n in (fits + 16, 1440):
        p = comes(s, data(r, n), **flags)
        reported = 1300 + (20 if s.family == 6 else 0) - (20 if narrow is NARROW6 else 0)
        add(f'{s.name} to {narrow.name}: {n} bytes', p, 'passed', 'blind', reason='too_big', packet=p, mtu=reported, whole=14 + len(p.ip_bytes()),
            truncate=False, shortened=True)
    sends('what fits, after all that', s, narrow, data(r, 64))


def fragmented(s, d, other):
    """IPv4 without DF leaves as fragments, as from any router"""
    if s.family == 6:
        return
    narrow = NARROW4 if d.family == 4 else NARROW6
    i, r = shake(s, narrow)
    for n in (1280, 1440, 2880):
        p = comes(s, data(r, n), ip={'id': 0x1234})
        out = leaves(p, narrow)
        if narrow is NARROW4:
            ips = fragment_ip(out.ip_bytes(), 1300)
        else:
            datagram, step = udp(out.src, out.dst, out.sport, out.dport, p.data), 1248
            ips = [make_fragment(out.src, out.dst, 63, 0x1234, at, at + step < len(datagram), datagram[at:at + step], 0)
                   for at in range(0, len(datagram), step)]
        frames = [frame(*narrow.hop, ip) for ip in ips]
        length = len(p.ip_bytes())
        CASES.append(Case(f'{s.name} to {narrow.name}: fragmented, {n} bytes', 'w0', p.frame(), 'sent', 'blind', out=frames[-1], bytes=length,
                          whole=14 + length, fragments=[('w0', f) for f in frames[:-1]], left='too_big', shortened=True, truncate=False,
                          pair=(s.name, narrow.name)))


def segments(s, d, other):
    """GSO, which only tc sees: data of one session all through"""
    i, r = shake(s, d)
    _, r2 = shake(s, d)
    gso = {'gso': (3, 400), 'segments': 3, 'planes': ('tc', 'host-tc'), 'truncate': False}
    for name, payload, reason in (
            ('of one session', data(r, 400) * 3, None), ('the last one shorter', data(r, 400) * 2 + data(r, 48), None),
            ('the last one not padded', data(r, 400) * 2 + data(r, 40), None),
            ('the last one too short', data(r, 400) * 2 + data(r, 16), 'guard_shape'),
            ('of two sessions', data(r, 400) * 2 + data(r2, 400), 'guard_shape'),
            ('with another type', data(r, 400) + cookie(r) + bytes(336) + data(r, 400), 'guard_shape')):
        if reason or s.family != d.family:
            drops(f'segments {name}', s, reason or 'gso_family', payload, gso)
        else:
            sends(f'segments {name}', s, d, payload, gso)
            CASES[-1].bytes += 2 * (48 if s.family == 6 else 28)
    goes_up('segments of what is nobody\'s', s, data(r + 0x1000000, 400) * 3)
    CASES[-1].gso, CASES[-1].segments, CASES[-1].planes, CASES[-1].truncate = (3, 400), 3, ('tc', 'host-tc'), False


GROUPS = (sessions, headers, shapes, sources, handshakes, fragments, errors, headers_refused, too_far, fragmented, segments)


def elsewhere():
    """Sites behind other links"""
    for site in (A, C):
        for to in (FAR, DEAF, COLD):
            i, r = indices(2)
            sends('initiation', site, to, initiation(to, i), {'truncate': False})
            for n in (32, 1024):
                if to is FAR:
                    sends(f'{n} bytes back', to, site, data(i, n), {'truncate': False})
                else:           # a LAN's address, by a WAN
                    p = comes(to, data(i, n))
                    add(f'{to.name} to {site.name}: {n} bytes back', p, 'passed', 'blind', reason='source', truncate=False)
            goes_up('data, by its own link', to, data(i), link=to.hop[0])


def build():
    """Each with its way in front of the name"""
    del CASES[:]
    for way, who in WAYS.items():
        for make in GROUPS:
            done = len(CASES)
            make(*who)
            for c in CASES[done:]:
                c.truncate = c.truncate and len(c.frame) < 240
                c.name = f'{way}: {make.__name__}: {c.name}'
    elsewhere()
    return list(CASES)
