# SPDX-License-Identifier: GPL-2.0-or-later
# Packets of guarded services, for tests/fuzz/fuzz_planes.py: handshakes and data of clients and backends in the network
# of packet_network.py, with dnat and masquerade, strict, and with two backends behind one port. There are no expected
# results, because the planes are compared with each other.
import base64

from packet_masquerade import Masquerade, Nat64
from packet_network import CASES, INTERFACES, Service, add
from packet_sites import A, B, C, D, LONELY, cookie, data, indices, initiation, noise, public_key, response, some, with_mac1


def key(site):
    return f'"{base64.b64encode(public_key(site)).decode()}"'


CONFIG = INTERFACES + f'''\
services:
  - name: plain
    listen: {{ addresses: [ 203.0.113.1, "2001:db8:1::1" ], ports: [ 51820 ] }}
    backend: {{ ipv4: 192.168.1.10, ipv6: "2001:db8:2::10", port: 51821 }}
    ipv6: dnat
    wireguard: {{ public-key: {key(A)} }}
  - name: strict
    listen: {{ addresses: [ 203.0.113.1, "2001:db8:1::1" ], ports: [ 52000 ] }}
    backend: {{ ipv4: 192.168.1.30, ipv6: "2001:db8:2::20", port: 51820 }}
    ipv6: dnat
    wireguard: {{ public-keys: [ {key(B)}, {key(LONELY)} ], strict: true }}
  - name: amneziawg
    listen: {{ addresses: [ 203.0.113.1, "2001:db8:1::1" ], ports: [ 55000 ] }}
    backend: {{ ipv4: 192.168.1.20, ipv6: "2001:db8:2::20", port: 51820 }}
    ipv6: dnat
    wireguard:
      public-key: {key(D)}
      strict: true
      profile: {{ amneziawg: {{ h: [ 3184-4442, 4443-9000, 20000, 4294967280-4294967295 ], s: [ 40, 96, 12, 7 ] }} }}
  - name: up
    listen: {{ addresses: [ 203.0.113.1 ], ports: [ 53000 ] }}
    backend: {{ ipv6: "2001:db8:2::30", port: 51820 }}
    nat: masquerade
    wireguard: {{ public-key: {key(C)} }}
  - name: many
    listen: {{ addresses: [ 203.0.113.1 ], ports: [ 54000 ] }}
    backends:
      - {{ name: alpha, ipv4: 192.168.1.40, port: 51820, public-key: {key(C)} }}
      - {{ name: beta, ipv4: 192.168.1.41, port: 51820, public-key: {key(D)} }}
'''
PLAIN = Service('plain', 'w0', '203.0.113.1', 51820, '192.168.1.10', 51821, 'l0', 10)
PLAIN6 = Service('plain', 'w0', '2001:db8:1::1', 51820, '2001:db8:2::10', 51821, 'l0', 10)
STRICT = Service('strict', 'w0', '203.0.113.1', 52000, '192.168.1.30', 51820, 'l0', 30)
STRICT6 = Service('strict', 'w0', '2001:db8:1::1', 52000, '2001:db8:2::20', 51820, 'l0', 20)
UP = Nat64('up', 'w0', '203.0.113.1', 53000, '2001:db8:2::30', 51820, 'l0', 30, '2001:db8:2::1')
ALPHA = Service('many', 'w0', '203.0.113.1', 54000, '192.168.1.40', 51820, 'l0', 40)
BETA = Service('many', 'w0', '203.0.113.1', 54000, '192.168.1.41', 51820, 'l0', 41)
AMNEZIAWG = Service('amneziawg', 'w0', '203.0.113.1', 55000, '192.168.1.20', 51820, 'l0', 20)
AMNEZIAWG6 = Service('amneziawg', 'w0', '2001:db8:1::1', 55000, '2001:db8:2::20', 51820, 'l0', 20)
DISGUISE = ((3184, 4442, 40), (4443, 9000, 96), (20000, 20000, 12), (0xfffffff0, 0xffffffff, 7))      # first and last header, and junk
SERVERS = [(PLAIN, A), (PLAIN6, A), (STRICT, B), (STRICT6, B), (STRICT, LONELY), (UP, C), (ALPHA, C), (BETA, D), (AMNEZIAWG, D), (AMNEZIAWG6, D)]


def disguised(message, site):
    first, last, junk = DISGUISE[message[0] - 1]
    header = some.choice((first, last, some.randint(first, last)))
    body = header.to_bytes(4, 'little') + message[4:]
    return noise(junk) + (with_mac1(body, site) if message[0] < 3 else body)


def talk(s, site, **client):
    """A session that the client begins, and another that the backend begins, with the present holder of the client's key."""
    def original(message):
        message = disguised(message, site) if s.name == 'amneziawg' else message
        add('', s.original(**client).but(data=message), '', s.name)

    def reply(message):
        message = disguised(message, site) if s.name == 'amneziawg' else message
        p = s.reply(dport=client.get('sport', 40000))
        add('', p.but(data=message, dst=p.dst if isinstance(s, Masquerade) else client.get('src', p.dst)), '', s.name)

    i, r = indices(2)
    original(initiation(site, i))
    reply(response(site, r, i))
    for n in (32, 96, 1440):
        original(data(r, n))
        reply(data(i, n))
    original(cookie(r))
    reply(cookie(i))
    original(initiation(site, i))
    reply(initiation(site, r + 0x1000))
    original(response(site, i + 0x1000, r + 0x1000))
    original(data(r + 0x2000))


def build():
    del CASES[:]
    for s, site in SERVERS:
        talk(s, site)
        talk(s, site, sport=40007)
    for s, site in SERVERS:
        talk(s, site, src='2001:db8:9::77' if ':' in s.local else '192.0.2.77', sport=51820)
    return list(CASES)
