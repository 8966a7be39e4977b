#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# import_same EXPECTED GOT: do both configurations have the same services? Each address, port, backend, way of NAT and list of clients
# is compared, and neither names nor the order. Prints what only one of them has.
import ipaddress
import sys

import yaml

ADDRESSES = {'eth0': ['198.51.100.1', '198.51.100.2', '2001:db8:1::1']}


def lists(entries, family):
    """Returns the prefixes of the family, joined, and the names of sets."""
    sets = {e['nft-set'] for e in entries or [] if isinstance(e, dict)}
    nets = [ipaddress.ip_network(e) for e in entries or [] if not isinstance(e, dict)]
    return frozenset(map(str, ipaddress.collapse_addresses(n for n in nets if n.version == family))) | frozenset(sets)


def services(name):
    found = set()
    for s in (yaml.safe_load(open(name)) or {}).get('services', []):
        listen, backend = s['listen'], s['backend']
        places = listen.get('addresses') or ([listen['address']] if 'address' in listen else ADDRESSES.get(listen.get('interface'), ['?']))
        for place in places:
            family = ipaddress.ip_address(place).version
            to = backend.get(f'ipv{family}')
            if not to or (s['nat'] == 'masquerade' and family == 6 and s.get('ipv6') == 'off'):
                continue
            for port in listen.get('ports', ['all']):
                found.add((place if s['nat'] != 'none' else '-', str(port), str(to), backend['port'], s['nat'], s.get('hairpin', False),
                           lists(s.get('allow'), family), lists(s.get('deny'), family), str(s.get('flows'))))
    return found


def show(service):
    return ' '.join(str(sorted(x)) if isinstance(x, frozenset) else str(x) for x in service)


expected, got = services(sys.argv[1]), services(sys.argv[2])
for s in expected - got:
    print('missing:', show(s))
for s in got - expected:
    print('more:', show(s))
sys.exit(expected != got)
