#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""nm_import.py CONF [broken]: lets libnm import a file of WireGuard, and compares the connection with the file."""
import sys

import gi
gi.require_version('NM', '1.0')
from gi.repository import NM  # noqa: E402


def same(what, got, expected):
    if got != expected:
        sys.exit(f'{what}: {got!r}, expected {expected!r}')


connection = NM.conn_wireguard_import(sys.argv[1])
connection.normalize()
with open(sys.argv[1], encoding='utf-8') as f:
    said = {key: value.split(', ') for key, value in (line.strip().split(' = ') for line in f if ' = ' in line)}
if sys.argv[2:]:
    said['Address'][0] = '192.0.2.1/32'
wireguard, ips = connection.get_setting_by_name('wireguard'), (connection.get_setting_ip4_config(), connection.get_setting_ip6_config())
addresses = [ip.get_address(i) for ip in ips for i in range(ip.get_num_addresses())]
peer = wireguard.get_peer(0)
same('Address', [f'{a.get_address()}/{a.get_prefix()}' for a in addresses], said['Address'])
same('DNS', [ip.get_dns(i) for ip in ips for i in range(ip.get_num_dns())], said.get('DNS', []))
same('PrivateKey', [wireguard.get_private_key()], said['PrivateKey'])
same('MTU', [str(wireguard.get_mtu())], said['MTU'])
same('peers', wireguard.get_peers_len(), 1)
same('PublicKey', [peer.get_public_key()], said['PublicKey'])
same('Endpoint', [peer.get_endpoint()], said['Endpoint'])
same('AllowedIPs', [peer.get_allowed_ip(i) for i in range(peer.get_allowed_ips_len())], said['AllowedIPs'])
