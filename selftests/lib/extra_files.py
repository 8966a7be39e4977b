#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""extra_files.py cloud-init HOST-DIRECTORY | client CONF

cloud-init: compares write_files of cloud-init.yaml with the host's files, their texts and modes.
client: lets libnm import a file of WireGuard, and compares the connection with it."""
import os
import stat
import sys


def same(what, got, expected):
    if got != expected:
        sys.exit(f'{what}: {got!r}, expected {expected!r}')


def cloud_init(directory):
    from ruamel.yaml import YAML
    with open(os.path.join(directory, 'cloud-init.yaml'), encoding='utf-8') as f:
        data = YAML(typ='safe').load(f)
    paths = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(directory, 'etc')) for name in names]
    expected = {path[len(directory):]: path for path in paths}
    expected['/var/lib/wgxdp/start'] = os.path.join(directory, 'start')
    same('paths', sorted(entry['path'] for entry in data['write_files']), sorted(expected))
    for entry in data['write_files']:
        path = expected[entry['path']]
        with open(path, encoding='utf-8') as f:
            same(path, entry['content'], f.read())
        same(f'mode of {path}', int(entry['permissions'], 8), stat.S_IMODE(os.stat(path).st_mode))
    same('runcmd', data['runcmd'], [['/var/lib/wgxdp/start']])


def client(path):
    import gi
    gi.require_version('NM', '1.0')
    from gi.repository import NM
    connection = NM.conn_wireguard_import(path)
    connection.normalize()
    with open(path, encoding='utf-8') as f:
        lines = [line.strip().split(' = ') for line in f if ' = ' in line]
    said = {key: value.split(', ') for key, value in lines}
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


{'cloud-init': cloud_init, 'client': client}[sys.argv[1]](sys.argv[2])
