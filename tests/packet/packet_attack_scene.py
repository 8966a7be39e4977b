# SPDX-License-Identifier: GPL-2.0-or-later
# The scene of the attacks in tests/packet/packet_attacks.py: the network of packet_network.py with a VLAN and three
# NICs with a site each. One instance has all features for it: dnat, none, lists, masquerade, guards, a relay. Also
# the description of an attack: the attempt, the packet, its result, and the maps that it may change.
import base64
import hashlib
import random
import struct

from scapy_few import Ether

import packet_network as net

OVERLAY = 'fd12:3456:789a'
net.LINKS.update({'v7': (1, 'wan', 1500), 'nd': (13, 'lan', 1500), 'ne': (14, 'lan', 1400), 'nc': (12, 'lan', 1500)})
net.ADDRESSES.update({'v7': ['198.18.7.1/24'], 'nd': ['fd98:d::1/64'], 'ne': [f'{OVERLAY}:e::ffff/64'], 'nc': ['fd98:c::1/64']})
net.NEIGHBOURS.update({'v7': {'198.18.7.254': 254}, 'nd': {'fd98:d::2': 2}, 'ne': {f'{OVERLAY}:e::1': 1, f'{OVERLAY}:e::2': 2},
                       'nc': {'fd98:c::2': 2}})
net.ROUTES[:0] = [(f'{OVERLAY}:d::/64', 'via fd98:d::2'), (f'{OVERLAY}:c::/64', 'via fd98:c::2')]

import packet_lists                                                        # noqa: E402
from packet_masquerade import Masquerade, Nat64                            # noqa: E402
from packet_network import CASES, Case, Service                            # noqa: E402

VLAN = Service('vlan', 'v7', '198.18.7.1', 51820, '192.168.1.40', 51822, 'l0', 40, ('v7', 254))
BOTH = Masquerade('both', 'w0', '203.0.113.1', 60001, '192.168.1.41', 51840, 'l0', 41, '192.168.1.1')
BOTH6 = Masquerade('both', 'w0', '2001:db8:1::1', 60001, '2001:db8:2::30', 51840, 'l0', 30, '2001:db8:2::1')
UP = Nat64('up', 'w0', '203.0.113.1', 60002, '2001:db8:2::20', 51841, 'l0', 20, '2001:db8:2::1')
DOWN = Nat64('down', 'w0', '2001:db8:1::1', 60003, '192.168.1.30', 51842, 'l0', 30, '192.168.1.1')
STRICT = Service('strict', 'w0', '203.0.113.1', 61000, '192.168.1.40', 61001, 'l0', 40)
STRICT6 = Service('strict', 'w0', '2001:db8:2::20', 61001, '2001:db8:2::20', 61001, 'l0', 20)
ALPHA = Service('servers', 'w0', '203.0.113.1', 61010, '192.168.1.30', 61011, 'l0', 30)
BETA = Service('servers', 'w0', '203.0.113.1', 61010, '192.168.1.41', 61012, 'l0', 41)
LOOSE = Service('loose', 'w0', '203.0.113.1', 61030, '192.168.1.40', 61031, 'l0', 40)
FLOWS = (BOTH, BOTH6, UP, DOWN)
LARGE = {'guard': ('health', 'failed'), 'relay': ('allowed',)}        # read when one of these is attacked
STATE = ('flow_table', 'flow_index', 'flow_shares', 'choices', 'frags', 'icmp_limits', 'answered', 'indices', 'guard_state', 'guard_sources',
         'replays', 'health', 'challenged', 'failed', 'allowed')
STATE_BLIND = ('sessions', 'hints', 'endpoints', 'blind_sites', 'blind_pairs', 'blind_waiting', 'blind_state', 'failed', 'frags', 'icmp_limits')


# --- WireGuard's messages, as in its whitepaper

some = random.Random(11)


def key(n):
    return bytes(n * 41 + i * 13 + 5 & 255 for i in range(32))


def text_of(public):
    return base64.b64encode(public).decode()


KEYS = {STRICT: key(1), STRICT6: key(1), ALPHA: key(2), BETA: key(3), LOOSE: key(4)}
STRANGE = key(99)               # belongs to no service here


def macs(body, public, mac2=bytes(16)):
    k = hashlib.blake2s(b'mac1----' + public).digest()
    return body + hashlib.blake2s(body, key=k, digest_size=16).digest() + mac2


def initiation(public, sender, kind=1):
    return macs(struct.pack('<II', kind, sender) + some.randbytes(108), public)


def response(public, sender, receiver):
    return macs(struct.pack('<III', 2, sender, receiver) + some.randbytes(48), public)


def cookie(receiver):
    return struct.pack('<II', 3, receiver) + some.randbytes(56)


def data(receiver, n=32):
    return struct.pack('<IIQ', 4, receiver, some.randrange(1000)) + some.randbytes(n - 16)


# --- the instance

def config():
    """Everything but the blind relay, which is an instance of its own"""
    return net.CONFIG.replace('services:', '  - { name: v7, role: wan }\nservices:', 1) + packet_lists.CONFIG + f'''\
  - {{ name: vlan, listen: {{ addresses: [ 198.18.7.1 ], ports: [ 51820 ] }}, backend: {{ ipv4: 192.168.1.40, port: 51822 }} }}
  - name: both
    listen: {{ addresses: [ 203.0.113.1, "2001:db8:1::1" ], ports: [ 60001 ] }}
    backend: {{ ipv4: 192.168.1.41, ipv6: "2001:db8:2::30", port: 51840 }}
    nat: masquerade
    flows: {{ max: 1000 }}
  - {{ name: up, listen: {{ addresses: [ 203.0.113.1 ], ports: [ 60002 ] }}, backend: {{ ipv6: "2001:db8:2::20", port: 51841 }}, nat: masquerade, flows: {{ max: 1000 }} }}
  - {{ name: down, listen: {{ addresses: [ "2001:db8:1::1" ], ports: [ 60003 ] }}, backend: {{ ipv4: 192.168.1.30, port: 51842 }}, nat: masquerade, flows: {{ max: 1000 }} }}
  - name: strict
    listen: {{ addresses: [ 203.0.113.1 ], ports: [ 61000 ] }}
    backend: {{ ipv4: 192.168.1.40, ipv6: "2001:db8:2::20", port: 61001 }}
    wireguard: {{ public-key: "{text_of(KEYS[STRICT])}", strict: true }}
  - name: servers
    listen: {{ addresses: [ 203.0.113.1 ], ports: [ 61010 ] }}
    backends:
      - {{ name: alpha, ipv4: 192.168.1.30, port: 61011, public-key: "{text_of(KEYS[ALPHA])}" }}
      - {{ name: beta, ipv4: 192.168.1.41, port: 61012, public-key: "{text_of(KEYS[BETA])}" }}
  - name: loose
    listen: {{ addresses: [ 203.0.113.1 ], ports: [ 61030 ] }}
    backend: {{ ipv4: 192.168.1.40, port: 61031 }}
    wireguard: {{ public-key: "{text_of(KEYS[LOOSE])}" }}
peers:
  - {{ name: c, device: nc, prefixes: [ "{OVERLAY}:c::/64" ] }}
  - {{ name: d, device: nd, prefixes: [ "{OVERLAY}:d::/64", "fd99::d" ] }}
  - {{ name: e, device: ne, prefixes: [ "{OVERLAY}:e::/64" ] }}
  - {{ name: gone, device: wg-gone, prefixes: [ "{OVERLAY}:f::/64" ] }}
policy: {{ overlay: "{OVERLAY}::/48", reject: drop }}
'''


# --- the attempts

class Attack(Case):
    """feature: the attacked feature; may: maps that may change. hostile: it is an attack."""
    def __init__(self, *words, **more):
        super().__init__(*words, **{'feature': '', 'hostile': True, 'may': (), 'truncate': False, 'looks': True, **more})

    def expected(self):
        what = {'ignored': 'up, untouched, nobody\'s', 'passed': f'up, untouched, as {self.reason}', 'dropped': f'dropped as {self.reason}',
                'sent': 'forwarded as any other'}[self.verdict]
        if self.packet:
            what = 'up; from tc one error to who it says it is from'
        return f'{what}; {"maps as before" if not self.may else "no map changes but " + ", ".join(self.may)}'


def attack(tries, p, verdict, service=None, reason=None, direction='original', may=(), link=None, **more):
    """p: a packet, or a frame, which comes by w0 unless link says else"""
    frame = p if isinstance(p, bytes) else p.frame()
    if not isinstance(p, bytes):
        more.setdefault('bytes', len(p.ip_bytes()))
        more.setdefault('whole', 14 + len(p.ip_bytes()))
    more['state'] = sum(1 << STATE.index(name) for name in LARGE.get(more.pop('state', None), ()))
    link = link or ('w0' if isinstance(p, bytes) else p.link)
    CASES.append(Attack(tries, link, frame, verdict, service, direction, reason, may=may, **more))


def ignored(tries, p, **more):
    attack(tries, p, 'ignored', **more)


def error_sent(tries, p, service, direction='original', mtu=0, **more):
    """Up from XDP; tc answers with an error about p"""
    attack(tries, p, 'passed', service, 'too_big' if mtu else 'hop_limit', direction, packet=p, mtu=mtu, may=('icmp_limits',), **more)


def carried(tries, s, reply=False, may=(), service=None, **more):
    """Forwarded like any other packet, because wgxdp must not filter it."""
    p = s.reply(**more) if reply else s.original(**more)
    out = s.reply_out(p) if reply else s.original_out(p)
    nat64 = isinstance(s, Nat64)
    attack(tries, p, 'sent', service or s.name, None, 'reply' if reply else 'original', may, out=out.frame(),
           any_ident=nat64 and ':' in p.src and ':' not in out.src and len(p.data) + 28 <= 1260)


def honest(what, s, reply=False, n=32, state=None, again=None, **more):
    """No attack: what must go on, or what the next attacks need. again: it is sent once, then dropped for this reason."""
    p = s.reply(n, **more) if reply else s.original(n, **more)
    out = s.reply_out(p) if reply else s.original_out(p)
    attack(what, p, 'sent', s.name, None, 'reply' if reply else 'original', STATE, out=out.frame(), hostile=False, state=state,
           any_ident=isinstance(s, Nat64) and ':' in p.src and len(p.data) + 28 <= 1260)
    if again:
        CASES[-1].again = Attack(what, p.link, p.frame(), 'dropped', s.name, 'original', again, bytes=CASES[-1].bytes, whole=CASES[-1].whole)


def framed(link, ip, **macs_too):
    e = Ether(dst=macs_too.get('dst', net.mac(link)), src=macs_too.get('src', net.mac(link, 0xee)), type=0x86dd if bytes(ip)[0] >> 4 == 6 else 0x800)
    return bytes(e) + bytes(ip)


def look_seldom(cases):
    """Reading large maps takes milliseconds. So they are compared once in eight attacks, and around attacks that may
    change them. A change is reported for the attack at which it is seen."""
    for i, (c, after) in enumerate(zip(cases, cases[1:] + [None])):
        if i % 8 and c.hostile and not c.may and after and after.hostile and not after.may and after.state == c.state:
            c.looks = False


def gather(groups):
    """All of these, each under its feature"""
    done = []
    for make in groups:
        del CASES[:]
        make()
        for c in CASES:
            c.feature = make.__name__.replace('_', ' ')
            c.name = f'{c.feature}: {c.name}'
        look_seldom(CASES)
        done += CASES
    for c in done:
        c.state *= c.looks
    return done
