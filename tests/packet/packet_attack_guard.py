# SPDX-License-Identifier: GPL-2.0-or-later
# Attacks on guarded services, strict, with several backends, and loose: invalid messages, messages for other servers,
# other clients' messages, and unexpected ones.
from scapy_few import IP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN, Raw

from packet_attack_scene import (ALPHA, BETA, KEYS, LOOSE, STRANGE, STRICT, STRICT6, attack, cookie, data, error_sent,
                                 framed, honest, ignored, initiation, response, some)
from packet_icmp import error
from packet_network import PORT, udp

CLIENT, INDEX, THEIRS = PORT + 11, 0x0a0b0c01, 0x0d0e0f01      # a client's port, its index, and the backend's index for it
OF_BACKEND = 0x0c0d0e01     # the index of a backend's initiation
GUARDED = ((STRICT, CLIENT), (STRICT6, CLIENT), (ALPHA, CLIENT), (BETA, CLIENT + 1))
turn = 0


def stranger(s):
    """Somebody else each time, for each source has a share of handshakes"""
    global turn
    turn += 1
    return f'2001:db8:{0x1000 + turn:x}::5' if ':' in s.local else f'198.{41 + turn // 250}.7.{1 + turn % 250}'


def drops(tries, s, reason, payload, may=(), sport=PORT, src=None, **more):
    if s is BETA:
        s = ALPHA
    attack(tries, s.original(src=src or stranger(s), sport=sport, data=payload, **more), 'dropped', s.name, reason, may=may, state='guard')


def handshakes_of_clients():
    """A client of each backend, which the backend answers. Its messages are remembered."""
    for s, port in GUARDED:
        payload = initiation(KEYS[s], INDEX)
        honest(f'{s.label} {s.backend}: an initiation', s, state='guard', sport=port, data=payload)
        honest(f'{s.label} {s.backend}: its response', s, True, state='guard', dport=port, data=response(STRANGE, THEIRS + port * 16, INDEX))
        honest(f'{s.label} {s.backend}: data', s, state='guard', sport=port, data=data(THEIRS + port * 16))
        replayed[s] = payload
    honest('loose: an initiation', LOOSE, state='guard', sport=CLIENT, data=initiation(KEYS[LOOSE], INDEX))


replayed = {}


def shapes():
    for s in (STRICT, STRICT6, ALPHA, LOOSE):
        whole = {1: initiation(KEYS[s], 5), 2: response(KEYS[s], 5, 6), 3: cookie(5), 4: data(THEIRS + CLIENT * 16, 64)}
        for kind, lengths in ((1, (4, 8, 116, 132, 147, 149, 164)), (2, (8, 60, 91, 93, 148)), (3, (8, 63, 65, 80)), (4, (16, 24, 31))):
            for n in lengths:
                drops(f'{s.label}: type {kind} of {n} bytes', s, 'guard_shape', (whole[kind] + bytes(64))[:n])
        for kind, at in ((1, 1), (2, 2), (3, 3), (4, 1), (4, 3)):
            drops(f'{s.label}: type {kind}, whose reserved byte {at} is not 0', s, 'guard_shape', whole[kind][:at] + b'\x80' + whole[kind][at + 1:])
        for kind in (0, 5, 6, 0x41, 0xff):
            drops(f'{s.label}: type {kind} in an initiation', s, 'guard_shape', bytes([kind]) + whole[1][1:])
        drops(f'{s.label}: no message at all', s, 'guard_shape', b'')
        drops(f'{s.label}: a DNS query', s, 'guard_shape', b'\x12\x34\1\0\0\1' + bytes(6) + b'\7example\3net\0\0\xff\0\1')
        drops(f'{s.label}: an initiation in network order', s, 'guard_shape', b'\0\0\0\1' + whole[1][4:])


def asks(s, index):
    """The backend begins a handshake with its client, and waits for the response"""
    honest(f'{s.label} {s.backend}: begins itself', s, True, state='guard', dport=CLIENT, data=initiation(STRANGE, index))


def macs_of_others():
    """An initiation for no known key gives its sender the lowest share of the guard's time for four seconds: `failed`."""
    for s in (STRICT, STRICT6, ALPHA, LOOSE):
        right = initiation(KEYS[s], 77)
        for name, payload in (('another WireGuard\'s key', initiation(STRANGE, 77)), ('the key of another service here', initiation(KEYS[LOOSE if s is not LOOSE else STRICT], 77)),
                              ('no mac1', right[:116] + bytes(32)), ('mac1 in mac2\'s place', right[:116] + bytes(16) + right[116:132]),
                              ('the last byte of mac1 wrong', right[:131] + bytes([right[131] ^ 1]) + right[132:]),
                              ('another index than the mac1 is of', right[:4] + b'\x99' + right[5:]),
                              ('another ephemeral key than the mac1 is of', right[:20] + bytes([right[20] ^ 1]) + right[21:])):
            drops(f'{s.label}: an initiation with {name}', s, 'guard_mac1', payload, ('failed',))
        asks(s, OF_BACKEND)
        answer = response(KEYS[s], 78, OF_BACKEND)
        for name, payload in (('another WireGuard\'s key', response(STRANGE, 78, OF_BACKEND)), ('no mac1', answer[:60] + bytes(32)),
                              ('an initiation\'s mac1', answer[:60] + right[116:])):
            drops(f'{s.label}: a response with {name}', s, 'guard_mac1', payload, ('failed',))


def replays():
    """A client's messages from other senders. WireGuard would take them for roaming, except for the timestamps."""
    for s, port in GUARDED:
        six = ':' in s.local
        for name, more in (('another host', {}), ('his port on another host', {'sport': port}), ('another port of his', {'src': s.client, 'sport': port + 100}),
                           ('his neighbour', {'src': '2001:db8:9::a' if six else '192.0.2.10'})):
            drops(f'{s.label} {s.backend}: his initiation, from {name}', s, 'guard_replay', replayed[s], **more)
        drops(f'{s.label} {s.backend}: his initiation with another mac2, from another host', s, 'guard_replay', replayed[s][:132] + some.randbytes(16))


def unsolicited():
    """Responses, cookies and data that no session has"""
    for s in (STRICT, STRICT6, ALPHA):
        drops(f'{s.label}: data with an index that nobody has', s, 'guard_stranger', data(0x55555555))
        drops(f'{s.label}: data with index 0', s, 'guard_stranger', data(0))
        drops(f'{s.label}: data with the client\'s own index', s, 'guard_stranger', data(INDEX))
        drops(f'{s.label}: a keepalive with an index that nobody has', s, 'guard_stranger', data(0x55555556, 32), sport=53)
        drops(f'{s.label}: a cookie with an index that nobody has', s, 'guard_stranger', cookie(0x55555557))
        drops(f'{s.label}: data with the index of another service\'s client', s, 'guard_stranger', data(0x66000000 + THEIRS))
    for s in (STRICT, STRICT6, ALPHA, LOOSE):
        drops(f'{s.label}: a response to an index that nobody has', s, 'guard_stranger', response(KEYS[s], 90, 0x55555558))
        drops(f'{s.label}: a response to the client\'s own index', s, 'guard_stranger', response(KEYS[s], 91, INDEX))
        asks(s, OF_BACKEND + 1)
        answer = response(KEYS[s], 93, OF_BACKEND + 1)
        honest(f'{s.label} {s.backend}: a response', s, state='guard', again='guard_stranger', sport=CLIENT, data=answer)
        drops(f'{s.label}: the same response, from another host', s, 'guard_stranger', answer)
        drops(f'{s.label}: the same response, in the client\'s name', s, 'guard_stranger', answer, src=s.client, sport=CLIENT)
    for s in (STRICT, STRICT6, ALPHA):
        drops(f'{s.label}: a response to a response', s, 'guard_stranger', response(KEYS[s], 92, THEIRS + CLIENT * 16))
    e = error(ALPHA, False, (3, 3), quote={'dport': 4321})
    attack('servers: unreachable, about an answer to nobody: which backend is it for?', e, 'dropped', 'servers', 'guard_stranger', state='guard')
    for s in (STRICT, LOOSE):
        p = s.reply(dport=CLIENT + 5, data=response(STRANGE, 0x77000001, 0x77000002), link='w0')
        attack(f'{s.label}: a response in the backend\'s name, from the WAN: would make one known', p, 'passed', s.name, 'wrong_link', 'reply', state='guard')
        p = s.reply(dport=CLIENT + 5, data=initiation(STRANGE, 0x77000003), link='x0')
        attack(f'{s.label}: an initiation in the backend\'s name, from the other WAN: would make one known', p, 'passed', s.name, 'wrong_link', 'reply', state='guard')
        p = s.reply(dport=CLIENT + 5, data=cookie(0x77000004), link='m0')
        attack(f'{s.label}: a cookie in the backend\'s name, from another LAN: would let one by without', p, 'passed', s.name, 'wrong_link', 'reply', state='guard')
    for s in (STRICT, ALPHA):
        drops(f'{s.label}: data of one whom a forger wanted known', s, 'guard_stranger', data(0x77000001), src=s.client, sport=CLIENT + 5)


def from_where_nobody_is():
    """The guard is not even asked: who may not come from there goes up, and costs nothing"""
    for s in (STRICT, STRICT6, ALPHA, LOOSE):
        six = ':' in s.local
        right = initiation(KEYS[s], 88)
        for src, what, reason in ((('2001:db8:2::1', 'an address of ours', 'source'), ('2001:db8:2::20', 'the backend', 'source'), ('fe80::9', 'link-local', 'martian'),
                                   ('::ffff:192.0.2.9', 'the client, IPv4-mapped', 'martian')) if six else
                                  (('192.168.1.1', 'an address of ours', 'source'), ('192.168.1.40', 'a backend', 'source'), ('127.0.0.1', 'loopback', 'martian'),
                                   ('224.0.0.1', 'a group', 'martian'))):
            attack(f'{s.label}: a right initiation as {what}', s.original(src=src, data=right), 'passed', s.name, reason, state='guard')
        attack(f'{s.label}: a right initiation, cut short', s.original(data=right, length=156, ip={'plen': 100} if six else {'len': 120}), 'passed', s.name, 'malformed',
               state='guard')
        p = s.original(src=stranger(s), data=right, ttl=1)
        if s.local == s.backend:        # the kernel answers that itself
            attack(f'{s.label}: a right initiation, at its last hop: nothing is remembered', p, 'passed', s.name, 'hop_limit', state='guard')
        else:
            error_sent(f'{s.label}: a right initiation, at its last hop: nothing is remembered', p, s.name, state='guard')
        ignored(f'{s.label}: a right initiation, in a frame for all', s.original(data=right, dmac='ff:ff:ff:ff:ff:ff'))
        ignored(f'{s.label}: a right initiation, by the LAN', s.original(data=right, link='m0'))


def fragmented():
    """The guard checks the first fragment, and later ones only follow it."""
    for turned, s in enumerate((STRICT, LOOSE, STRICT6)):
        six = ':' in s.local

        def one(tries, body, start, end, verdict, reason=None, ident=0x7801, s=s, six=six, src=None, turned=turned):
            src, ident = src or (s.client if six else '192.0.2.61'), ident + 16 * turned
            if six:
                ip = bytes(IPv6(src=src, dst=s.local, nh=44) / IPv6ExtHdrFragment(nh=17, m=end is not None, offset=start // 8, id=ident) / Raw(body[start:end]))
            else:
                ip = bytes(IP(src=src, dst=s.local, proto=17, flags='MF' if end is not None else 0, frag=start // 8, id=ident) / Raw(body[start:end]))
            attack(f'{s.label}: {tries}', framed('w0', ip), verdict, None if verdict == 'ignored' else s.name, reason, state='guard')

        src = s.client if six else '192.0.2.61'
        right = udp(src, s.local, PORT, s.port, initiation(KEYS[s], 99))
        one('a right initiation\'s first 64 bytes', right, 0, 64, 'dropped', 'guard_shape')
        one('and the rest', right, 64, None, 'ignored')
        one('a first fragment with the UDP header alone', right, 0, 8, 'dropped', 'guard_shape', ident=0x7802)
        one('a first fragment with the UDP header and the type', right, 0, 16, 'dropped', 'guard_shape', ident=0x7803)
        one('a first fragment of what is no message', udp(src, s.local, PORT, s.port, bytes(200)), 0, 104, 'dropped', 'guard_shape', ident=0x7804)
        one('and the rest of that', udp(src, s.local, PORT, s.port, bytes(200)), 104, None, 'ignored', ident=0x7804)
        one('ports alone', right, 0, 4, 'dropped', 'tiny_fragment', ident=0x7805)
    behind = IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))], nh=17)
    drops('strict IPv6: no message, behind options', STRICT6, 'guard_shape', bytes(148), chain=[behind], ip={'nh': 60})
    drops('strict IPv6: no message, in an atomic fragment', STRICT6, 'guard_shape', bytes(148), chain=[IPv6ExtHdrFragment(nh=17, id=3)], ip={'nh': 44})
    drops('strict IPv6: another key, behind options', STRICT6, 'guard_mac1', initiation(STRANGE, 3), ('failed',), chain=[behind], ip={'nh': 60})
    drops('strict: another key, behind IPv4 options', STRICT, 'guard_mac1', initiation(STRANGE, 4), ('failed',), ip={'options': [Raw(b'\1' * 8)]})
    drops('strict: an initiation with bytes behind the datagram', STRICT, 'guard_mac1', initiation(STRANGE, 5), ('failed',), tail=bytes(20))


def segments():
    """GSO: one skb, of which not all is what its first segment is"""
    gso = {'gso': (3, 96), 'segments': 3, 'planes': ('tc', 'host-tc')}
    for s in (STRICT, LOOSE):
        known = {'src': s.client, 'sport': CLIENT}
        good = data(THEIRS + CLIENT * 16, 96)
        for name, payload in (('initiations', initiation(KEYS[s], 7)[:96] * 3), ('data, then a response', good * 2 + response(KEYS[s], 5, 6)),
                              ('data, then no message', good * 2 + bytes(96)), ('data, the last too short', good * 2 + good[:24])):
            attack(f'{s.label}: segments: {name}', s.original(data=payload, **known), 'dropped', s.name, 'guard_shape', **gso)


def afterwards():
    for s, port in GUARDED:
        honest(f'{s.label} {s.backend}: the client\'s data goes on', s, state='guard', sport=port, data=data(THEIRS + port * 16, 64))
        honest(f'{s.label} {s.backend}: he begins anew', s, state='guard', sport=port, data=initiation(KEYS[s], INDEX + 1))
        honest(f'{s.label} {s.backend}: and is answered', s, True, state='guard', dport=port, data=response(STRANGE, THEIRS + port * 16 + 1, INDEX + 1))


GROUPS = (handshakes_of_clients, shapes, macs_of_others, replays, unsolicited, from_where_nobody_is, fragmented, segments, afterwards)
