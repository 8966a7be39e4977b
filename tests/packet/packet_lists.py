# SPDX-License-Identifier: GPL-2.0-or-later
# Services with lists, for tests/packet/packets.py: the client's prefix is denied, or only others are allowed. deny
# overrides allow, also within a denied prefix. A packet is dropped by a list only if it passed all source checks.
from packet_icmp import error, sends
from packet_network import CASES, CLIENT4, CLIENT6, HTTPS, NATT, OTHER, Service, add

MEMBERS = Service('members', 'w0', '203.0.113.1', 57000, '192.168.1.30', 57001, 'l0', 30)
MEMBERS6 = Service('members', 'w0', '2001:db8:1::1', 57000, '2001:db8:2::30', 57001, 'l0', 30)
BANNED = Service('banned', 'w0', '203.0.113.1', 58000, '192.168.1.40', 58001, 'l0', 40)
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
'''


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


def errors_about():
    """An error counts for the client that the quoted packet was for, whoever sent the error."""
    for s, client, other in ((MEMBERS, CLIENT4, '192.0.2.130'), (MEMBERS6, CLIENT6, '2001:db8:9:66::1'), (BANNED, CLIENT4, '192.0.2.200')):
        sends(s, 'of a router, about a client who is let in', False)
        sends(s, 'of the client himself', False, src=client)
        e = error(s, False, quote={'dst': other})
        add(f'{s.label}: ICMP of a router, about a client who is not', e, 'dropped', s.name, reason='denied')


GROUPS = (lists, errors_about)

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
