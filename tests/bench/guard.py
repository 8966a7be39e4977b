# SPDX-License-Identifier: GPL-2.0-or-later
"""The guard in the bench: data through a guarded service, strict too, compared with a program that only looks the client up. Also initiations
with a right mac1, alone, with one key, and with the last one of many keys.

The bench's packets of 144 bytes have the shape of data. The answered clients are written into wgxdp's map, as user space may."""
import base64
import hashlib

import topology as net

ANSWERED = 100000
ROOM = 262144                   # entries of wgxdp's map `answered`, and of the program to compare with
KEYS = (1, 8, 64)
LOOKUP = "answered lookup"
STORE = 150000                  # compressions in the guard's time budget, or fewer: the limit of one run
REFILL = 0.15                   # seconds until it is full again
INITIATION = bytes((1, 0, 0, 0)) + bytes(range(112))

CONFIG = """interfaces:
  - { name: wan0, role: wan }
  - { name: lan0, role: lan }
services:
  - name: dnat
    listen: { interface: wan0, ports: [ %d ] }
    backend: { ipv4: %s, ipv6: "%s", port: %d }
    nat: dnat
    ipv6: dnat
    wireguard: { public-keys: [ %s ], strict: %s, handshakes: { per-source: 1000000/s, per-service: 1000000/s } }
"""


def public_key(n):
    return hashlib.sha256(b"bench %d" % n).digest()


def config(keys, strict, port=51820):
    names = ", ".join('"%s"' % base64.b64encode(public_key(n)).decode() for n in range(keys))
    return CONFIG % (port, net.BACKEND[4], net.BACKEND[6], port, names, "true" if strict else "false")


CONFIGS = {"guard": config(1, False), "strict": config(1, True)}
CONFIGS.update({"keys %d" % n: config(n, False) for n in KEYS})


def rows(make, size):
    """The rows, with those that they are compared with: the bare redirect, and the service without a guard."""
    made = []
    for clients, name, state in ((ANSWERED, "bare redirect", "native"), (ANSWERED, "wgxdp dnat ipv%d", "native"),
                                 (1, "wgxdp dnat ipv%d guard", "guard"), (1, "wgxdp dnat ipv%d strict", "strict"),
                                 (ANSWERED, "wgxdp dnat ipv%d strict", "strict"), (ANSWERED, LOOKUP, LOOKUP)):
        made += [make(name % family if "%" in name else name, state, family, "original", size, clients) for family in (4, 6)]
    return made


def prepare(row, firewall, meter, words):
    """Its clients, answered; or the program that looks them up"""
    words = {"client": words["src"], "client-port": words["sport"], "clients": row.clients}
    if row.state == LOOKUP:
        meter.ask("lookup", netns=net.netns(net.FIREWALL), dev="wan0", to="lan0", entries=ROOM, **words)
    elif row.state == "strict" and row.direction == "original":
        meter.ask("answered", guards=firewall.pin("guards"), answered=firewall.pin("answered"), secrets=firewall.pin("secrets"), **words)


def initiation(keys):
    """For the last of them"""
    mac1 = hashlib.blake2s(INITIATION, key=hashlib.blake2s(b"mac1----" + public_key(keys - 1)).digest(), digest_size=16).digest()
    return (INITIATION + mac1 + bytes(16)).hex()
