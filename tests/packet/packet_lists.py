# SPDX-License-Identifier: GPL-2.0-or-later
# Services with lists, for tests/packet/packets.py: the client's prefix is denied, or only others are allowed. deny
# overrides allow, also within a denied prefix. A packet is dropped by a list only if it passed all source checks.
import os

from packet_icmp import error, sends
from packet_network import CASES, CLIENT4, CLIENT6, HTTPS, NATT, OTHER, Service, add

MEMBERS = Service('members', 'w0', '203.0.113.1', 57000, '192.168.1.30', 57001, 'l0', 30)
MEMBERS6 = Service('members', 'w0', '2001:db8:1::1', 57000, '2001:db8:2::30', 57001, 'l0', 30)
BANNED = Service('banned', 'w0', '203.0.113.1', 58000, '192.168.1.40', 58001, 'l0', 40)
FOLLOWED = Service('followed', 'w0', '203.0.113.1', 58500, '192.168.1.30', 58501, 'l0', 30)
FOLLOWED6 = Service('followed', 'w0', '2001:db8:1::1', 58500, '2001:db8:2::30', 58501, 'l0', 30)
ONLY = Service('only', 'w0', '203.0.113.1', 58600, '192.168.1.40', 58601, 'l0', 40)
LISTED, CHOSEN = (os.path.join(os.path.dirname(os.path.abspath(__file__)), name) for name in ('listed.txt', 'chosen.txt'))
CONFIG = '''
  - name: members
    listen: { addresses: [ 203.0.113.1, "2001:db8:1::1" ], ports: [ 57000 ] }
    backend: { ipv4: 192.168.1.30, ipv6: "2001:db8:2::30", port: 57001 }
    ipv6: dnat
    allow: [ 192.0.2.0/24, 192.0.2.132, 198.18.5.9, "2001:db8:9::/48", "2001:db8:9:66::7" ]
    deny: [ 192.0.2.128/25, 192.0.2.77, "2001:db8:9:66::/64", "2001:db8:9:66::8" ]
  - name: banned
    listen: { addresses: [ 203.0.113.1 ], ports: [ 58000 ] }
    backend: { ipv4: 192.168.1.40, port: 58001 }
    deny: [ 192.0.2.200, 203.0.113.0/25, "2001:db8::/32" ]
  - name: followed
    listen: { addresses: [ 203.0.113.1, "2001:db8:1::1" ], ports: [ 58500 ] }
    backend: { ipv4: 192.168.1.30, ipv6: "2001:db8:2::30", port: 58501 }
    ipv6: dnat
    deny: [ 192.0.2.210, { file: LISTED } ]
  - name: only
    listen: { addresses: [ 203.0.113.1 ], ports: [ 58600 ] }
    backend: { ipv4: 192.168.1.40, port: 58601 }
    allow: [ 198.18.5.9, { file: CHOSEN } ]
    deny: [ 198.18.5.64/26, { file: LISTED } ]
'''.replace('LISTED', LISTED).replace('CHOSEN', CHOSEN)


def drops(s, name, **more):
    add(f'{s.label}: {name}', s.original(**more), 'dropped', s.name, reason='denied')


def lists():
    for src in ('192.0.2.0', '192.0.2.9', '192.0.2.76', '192.0.2.78', '192.0.2.127', '198.18.5.9'):
        MEMBERS.sends(f'allowed {src}', src=src)
    for src in ('192.0.2.77', '192.0.2.128', '192.0.2.255', '192.0.2.132', '192.0.1.255', '192.0.3.0', '198.18.5.8', '1.0.0.1'):
        drops(MEMBERS, f'not allowed {src}', src=src)
    for src in (CLIENT6, '2001:db8:9:65:ffff::', '2001:db8:9:67::'):
        MEMBERS6.sends(f'allowed {src}', src=src)
    for src in ('2001:db8:9:66::', '2001:db8:9:66::7', '2001:db8:9:66::8', '2001:db8:8:ffff::1', '2001:db8:a::', 'fd00::1'):
        drops(MEMBERS6, f'not allowed {src}', src=src)
    for src in ('192.0.2.199', '192.0.2.201', '203.0.113.128', CLIENT4):
        BANNED.sends(f'not denied {src}', src=src)
    for src in ('192.0.2.200', '203.0.113.2', '203.0.113.127'):
        drops(BANNED, f'denied {src}', src=src)
    drops(BANNED, 'denied, with TTL 1', src='192.0.2.200', ttl=1)
    drops(BANNED, 'denied, longer than the MTU of the way', src='192.0.2.200', n=1473)
    BANNED.passes('denied, and forged', 'source', src='203.0.113.1')
    BANNED.passes('denied, and malformed', 'malformed', src='192.0.2.200', length=7)
    MEMBERS.passes('from the LAN', 'source', src='192.168.1.77')
    BANNED.sends('reply to one who is denied', dst='192.0.2.200', reply=True)
    MEMBERS.sends('reply to one who is not allowed', dst='192.0.1.1', reply=True)


def followed():
    """LISTED has prefixes of every level of the hints. A literal prefix of the service overrides the lists."""
    for src in ('192.0.2.9', '198.18.6.1', '100.63.255.255', '172.32.0.1', '12.0.0.1'):
        FOLLOWED.sends(f'in no list {src}', src=src)
    for src in ('192.0.2.210', '198.18.5.9', '198.18.5.66', '192.0.2.33', '192.0.2.63', '172.16.0.1', '172.31.255.255', '11.255.255.255', '8.0.0.1'):
        drops(FOLLOWED, f'in a list {src}', src=src)
    for src in (CLIENT6, '2001:db8:9:65:ffff::', '2001:db8:a::', '2a10::1'):
        FOLLOWED6.sends(f'in no list {src}', src=src)
    for src in ('2001:db8:9:66::1', '2001:db8:9:67::9', '2001:db8:b:ffff::', '2a00:1::', '2a0f:ffff::', '2600::1', '27ff::1'):
        drops(FOLLOWED6, f'in a list {src}', src=src)
    for src in ('198.18.5.9', '192.0.2.5', '192.0.2.9'):
        ONLY.sends(f'allowed, or only in the chosen list {src}', src=src)
    for src in ('198.18.5.66', '192.0.2.33', '192.0.2.129', '1.0.0.1'):
        drops(ONLY, f'denied, in both lists, or in none {src}', src=src)
    FOLLOWED.sends('reply to one in a list', dst='192.0.2.33', reply=True)
    for s, client, other in ((FOLLOWED, CLIENT4, '192.0.2.33'), (FOLLOWED6, CLIENT6, '2001:db8:9:66::1')):
        sends(s, 'of a router, about a client in no list', False)
        add(f'{s.label}: ICMP of a router, about a client in a list', error(s, False, quote={'dst': other}), 'dropped', s.name, reason='denied')


def errors_about():
    """An error counts for the client that the quoted packet was for, whoever sent the error."""
    for s, client, other in ((MEMBERS, CLIENT4, '192.0.2.130'), (MEMBERS6, CLIENT6, '2001:db8:9:66::1'), (BANNED, CLIENT4, '192.0.2.200')):
        sends(s, 'of a router, about a client who is let in', False)
        sends(s, 'of the client himself', False, src=client)
        e = error(s, False, quote={'dst': other})
        add(f'{s.label}: ICMP of a router, about a client who is not', e, 'dropped', s.name, reason='denied')


GROUPS = (lists, followed, errors_about)

# --- after all of these, the service `ports` gets another backend: answers of the former one follow its clients'
# choices

CHANGE = ('service', 'set', 'ports', '--backend', '192.168.1.41:51821')


def former():
    del CASES[:]
    for s in (HTTPS, NATT, OTHER):
        now = Service(s.name, s.link, s.local, s.port, '192.168.1.41', s.backend_port, s.out, 41, s.back)
        now.sends('to the new backend', sport=40007)
        now.sends('reply of the new backend', dport=40007, reply=True)
    HTTPS.sends('reply of the former backend, to a client never seen', dport=8, reply=True)
    HTTPS.sends('reply of the former backend', dport=40001, reply=True)
    OTHER.sends('reply of the former backend', dport=40002, reply=True)
    NATT.sends('reply of the former backend', dport=40003, reply=True)
    HTTPS.passes('reply of the former backend on a WAN', 'wrong_link', link='w0', dport=40001, reply=True)
    HTTPS.ignores('the former backend, from another port', sport=51822, reply=True)
    for c in CASES:
        c.planes = ('xdp', 'tc')
    return list(CASES)
