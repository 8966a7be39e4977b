#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""blind_many: as many sites as one machine cannot run, for the tests of the blind relay.

  blind_many.py wireguard DEVICE SITES            answers on DEVICE's socket like wireguard-go: all sites are peers that
                                                  have just had a handshake
  blind_many.py state FILE SITES SESSIONS         writes a saved state with this many sessions
  blind_many.py send DEVICE MAC SITES PAIRS TIMES [broken]
                                                  handshakes between pairs of sites, with right mac1, and data of the sessions

Site number i (from 0) has the address 10.x.y.z with x.y.z = i + 2 and port 51820. Everything follows from its number."""
import base64
import hashlib
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import wgpackets

RELAY, PORT = '198.51.100.1', 51820


def key(i):
    return hashlib.blake2s(b'site %d' % i).digest()


def address(i):
    return socket.inet_aton('10.0.0.0')[:1] + (i + 2).to_bytes(3, 'big')


def peers(n, now, received):
    for i in range(n):
        yield ('public_key=%s\nendpoint=%s:%d\nlast_handshake_time_sec=%d\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=%d\n'
               'persistent_keepalive_interval=0\nallowed_ip=fd12:3456:7899::%x:%x/128\n' %
               (key(i).hex(), socket.inet_ntoa(address(i)), PORT, now, received, i >> 16, i & 0xffff))


def wireguard(device, n):
    path = '/var/run/wireguard/%s.sock' % device
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    answer = ('private_key=%s\nlisten_port=%d\n' % (hashlib.blake2s(b'relay').hexdigest(), PORT) +
              ''.join(peers(n, int(time.time()), 1000)) + 'errno=0\n\n').encode()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    print('ready', len(answer), flush=True)
    while True:
        client, _ = listener.accept()
        question = client.recv(65536)
        try:
            client.sendall(answer if question.startswith(b'get') else b'errno=0\n\n')
        except OSError:
            pass
        client.close()


def sessions(n_sites, n):
    """Yields n sessions: each site has some with the sites that follow it."""
    for i in range(n):
        a, far = i % n_sites, i // n_sites + 1
        yield a, (a + far) % n_sites, (2 * i * 2654435761) & 0xffffffff, ((2 * i + 1) * 2654435761) & 0xffffffff


def state(path, n_sites, n):
    texts = [base64.b64encode(key(i)).decode() for i in range(n_sites)]
    with open(path, 'w', encoding='ascii') as f:
        f.write('time %d\n' % time.time())
        for i in range(n_sites):
            f.write('key %d %s\nsite %s %s:%d\n' % (i + 1, texts[i], texts[i], socket.inet_ntoa(address(i)), PORT))
        for a, b, of_a, of_b in sessions(n_sites, n):
            f.write('entry %d %d %08x 180 3\nentry %d %d %08x 180 1\n' % (b + 1, a + 1, of_a, a + 1, b + 1, of_b))


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


class Sender:
    def __init__(self, device, mac):
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.sock.bind((device, 0))
        self.head = bytes.fromhex(mac.replace(':', '')) + self.sock.getsockname()[4] + b'\x08\x00'
        self.relay = socket.inet_aton(RELAY)

    def send(self, site, message):
        ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + len(message), 0, 0x4000, 64, 17, 0, address(site), self.relay)
        ip = ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:]
        self.sock.send(self.head + ip + struct.pack('!HHHH', PORT, PORT, 8 + len(message), 0) + message)


def send(device, mac, n_sites, pairs, times, broken):
    """Each pair's first handshake, and then `times` more of each; a data message of each side follows each."""
    sender = Sender(device, mac)
    chosen = [(a, b) for a, b in ((random.randrange(n_sites), random.randrange(n_sites)) for _ in range(pairs)) if a != b]
    keys = {i: hashlib.blake2s(b'mac1----' + key(i) + broken).digest() for pair in chosen for i in pair}
    messages, began = 0, time.time()
    for _ in range(times):
        for a, b in chosen:
            time.sleep(0.01)
            index = struct.pack('<I', random.getrandbits(32)), struct.pack('<I', random.getrandbits(32))
            sender.send(a, wgpackets.handshake(struct.pack('<I', 1) + index[0], keys[b]))
            sender.send(b, wgpackets.handshake(struct.pack('<I', 2) + index[1] + index[0], keys[a]))
            for site, to in ((a, index[1]), (b, index[0])):
                sender.send(site, struct.pack('<I', 4) + to + bytes(24))
            messages += 4
    print('messages', messages, 'seconds', '%.2f' % (time.time() - began))


if __name__ == '__main__':
    what, *args = sys.argv[1:]
    {'wireguard': lambda d, n: wireguard(d, int(n)), 'state': lambda f, n, m: state(f, int(n), int(m)),
     'send': lambda d, m, n, p, t, b='': send(d, m, int(n), int(p), int(t), b.encode())}[what](*args)
