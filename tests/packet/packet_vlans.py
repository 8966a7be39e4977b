#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# first
# Packets of masquerading services are right on plain links, on a VLAN and on two tags at once, in each pair of them.
# The cases are those of packet_masquerade.py. XDP sees tags, in what comes and in what leaves; tc sees the VLAN's own
# device, without them. Then packets that get longer, with as much room in front of them as they need, and with less:
# tc sends these, and where there is no tc plane they count as `no_headroom`. Kernels without VLANs have plain links
# in their place, which run_packets calls VLANs in the instance's maps. XDP begins with the express path, so some
# packets of flows that exist leave by it.
#
#   packet_vlans.py [-v] [NAME]...      as packets.py
#
# timeout: 600
#
# BREAK=1 gives the frames that come other VLANs' ids: then all that XDP is to take from a VLAN must fail.
import json
import os
import struct
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import packet_network as net                                               # noqa: E402

# A VLAN has its port's MAC. v8 has no tc plane; set_up() needs f0
for what, of in ((net.LINKS, {'w0': (1, 'wan', 1500), 'v7': (1, 'wan', 1500), 'vq': (1, 'wan', 1500), 'v8': (1, 'wan', 1500),
                              'l0': (3, 'lan', 1500), 'l9': (3, 'lan', 1500), 'lq': (3, 'lan', 1500), 'f0': (7, 'wan', 1500)}),
                 (net.ADDRESSES, {'f0': ['198.51.101.1/24']}), (net.NEIGHBOURS, {})):
    what.clear()
    what.update(of)
WANS, LANS = {'w0': 1, 'v7': 17, 'vq': 18, 'v8': 19}, {'l0': 2, 'l9': 29, 'lq': 30}
for link, n in WANS.items():
    net.ADDRESSES[link] = [f'203.0.{n}.1/24', f'2001:db8:{n}::1/64']
    net.NEIGHBOURS[link] = {f'203.0.{n}.254': 254, f'2001:db8:{n}::fe': 254}
for link, n in LANS.items():
    net.ADDRESSES[link] = [f'192.168.{n}.1/24', f'2001:db8:{n}::1/64']
    net.NEIGHBOURS[link] = {f'192.168.{n}.{host}': host for host in (10, 20, 30)} | {f'2001:db8:{n}::{host}': host for host in (10, 20, 30)}
net.ROUTES[:] = [(f'198.18.{n}.0/24', f'via 203.0.{n}.254') for n in WANS.values()] + \
                [(f'2001:db8:9{n}::/64', f'via 2001:db8:{n}::fe') for n in WANS.values()]
net.RULES[:] = []

import packet_masquerade as masquerade                                     # noqa: E402
import packets                                                             # noqa: E402

packets.NS, packets.INSTANCE, packets.vlans, packets.PLANES = 'wgxdp-vlans', 'vlans', True, ['xdp', 'tc']
AD, Q = 0x88a8, 0x8100
PORTS = {'v7': 'w0', 'vq': 'w0', 'v8': 'w0', 'l9': 'l0', 'lq': 'l0'}
TAGS = {'v7': [(Q, 7)], 'vq': [(AD, 7), (Q, 8)], 'v8': [(Q, 8)], 'l9': [(Q, 9)], 'lq': [(AD, 9), (Q, 10)]}
BREAK = bool(os.environ.get('BREAK'))


def listen(addresses, port):
    return f'listen: {{ addresses: [ {", ".join(addresses)} ], ports: [ {port} ] }}'


def config():
    rows = ['interfaces:'] + [f'  - {{ name: {link}, role: {role} }}' for link, (_, role, _) in net.LINKS.items()] + ['services:']
    ours4, ours6 = ([f'"{net.ADDRESSES[w][v6].split("/")[0]}"' for w in WANS] for v6 in (0, 1))
    for i, n in enumerate(LANS.values()):
        for name, addresses, port, backend in (
                ('both', ours4 + ours6, 51000, f'ipv4: 192.168.{n}.10, ipv6: "2001:db8:{n}::10", port: 51821'),
                ('up', ours4, 52000, f'ipv6: "2001:db8:{n}::20", port: 51820'), ('down', ours6, 53000, f'ipv4: 192.168.{n}.30, port: 51820')):
            rows.append(f'  - {{ name: {name}{i}, {listen(addresses, port + i)}, backend: {{ {backend} }}, nat: masquerade, flows: {{ max: 4096 }} }}')
    return '\n'.join(rows) + '\n'


def services(wan, lan):
    """packet_masquerade's, between these two links"""
    w, n, i = WANS[wan], LANS[lan], list(LANS).index(lan)
    local4, local6, client4, client6 = f'203.0.{w}.1', f'2001:db8:{w}::1', f'198.18.{w}.9', f'2001:db8:9{w}::9'
    net.PORT = masquerade.PORT = 40000 + w                  # each client has its own port, and keeps it
    masquerade.IDENT += 16                                  # also fragments
    ours4, ours6, back = f'192.168.{n}.1', f'2001:db8:{n}::1', (wan, 254)
    made = (masquerade.Masquerade(f'both{i}', wan, local4, 51000 + i, f'192.168.{n}.10', 51821, lan, 10, ours4, back),
            masquerade.Masquerade(f'both{i}', wan, local6, 51000 + i, f'2001:db8:{n}::10', 51821, lan, 10, ours6, back),
            masquerade.Nat64(f'up{i}', wan, local4, 52000 + i, f'2001:db8:{n}::20', 51820, lan, 20, ours6, back),
            masquerade.Nat64(f'down{i}', wan, local6, 53000 + i, f'192.168.{n}.30', 51820, lan, 30, ours4, back))
    for s in made:
        s.client, s.label = client6 if ':' in s.local else client4, f'{wan} to {lan}, {s.label}'
    masquerade.BOTH, masquerade.BOTH6, masquerade.UP, masquerade.DOWN = made
    return made


# --- tags

class Tagged(net.Case):
    """As XDP sees and sends it"""
    n_tags = 0

    def out_as(self, got):
        skip = 4 * self.n_tags
        return net.Case.out_as(self, got) if not skip or not self.any_ident else self.out[:skip] + self.moved(got[skip:], skip)

    def moved(self, got, skip):
        case = net.Case('', '', b'', 'sent', out=self.out[skip:], any_ident=True)
        return case.out_as(got)


def tags(link, prio=0):
    return b''.join(struct.pack('!HH', kind, vlan | prio << 13) for kind, vlan in TAGS.get(link, []))


def came(link, frame, priority):
    """With a priority, and on a plain link perhaps a tag that says nothing else"""
    words = tags(link, 5) or struct.pack('!HH', Q, 5 << 13) * priority
    if BREAK and words:
        words = words[:-2] + struct.pack('!H', struct.unpack('!H', words[-2:])[0] + 1)
    return frame[:12] + words + frame[12:], len(words)


def leaves_by(s, direction):
    return s.back[0] if direction == 'reply' else s.out


def seen_by_xdp(c, link, priority=False):
    """A case of untagged frames as one of the port's; link: where it leaves"""
    frame, more = came(c.link, c.frame, priority)
    t = Tagged(c.name, c.link, frame, c.verdict)
    t.__dict__.update(c.__dict__)
    out = c.out and c.out[:12] + tags(link) + c.out[12:]
    t.__dict__.update(name=f'{c.name}{", priority" if priority else ""}, by XDP', link=PORTS.get(c.link, c.link), frame=frame, out=out,
                      n_tags=len(tags(link)) // 4, planes=['xdp'], whole=c.whole + more if c.whole < 1 << 31 else c.whole,
                      alone=c.link == 'v8')
    return t


def between(wan, lan, priority=False, groups=('known', 'errors', 'fragments', 'headers', 'fragmented')):
    made, cases = services(wan, lan), []
    del net.CASES[:]
    for group in groups:
        getattr(masquerade, group)()
    for c in net.CASES:
        s = next(s for s in made if c.name.startswith(s.label + ':'))
        c.truncate &= (wan, lan) == ('vq', 'l9') and any(word in c.name for word in ('newcomer', 'its answer', 'unreachable'))
        cases.append(seen_by_xdp(c, leaves_by(s, c.direction), priority))
        if not priority and wan != 'v8':
            c.planes, c.name = ['tc'], c.name + ', by tc'
            cases.append(c)
    return cases


# --- room in front of packets

def with_room(wan, lan, priority=False):
    """A packet that becomes longer needs that much room in front. A packet that becomes shorter needs none."""
    made, cases = services(wan, lan), []
    for s in made[2:]:
        for reply in (False, True):
            p = (s.reply if reply else s.original)()
            to_ipv6 = (':' in s.local) == reply
            back, out = leaves_by(s, 'reply'), leaves_by(s, 'original')
            leaves, comes = (back, out) if reply else (out, back)
            grows = (20 if to_ipv6 else -20) + len(tags(leaves)) - max(len(tags(comes)), 4 * (priority and not reply))
            for room in sorted({0, max(grows - 4, 0), max(grows, 0), max(grows, 0) + 4}):
                del net.CASES[:]
                s.sends(f'{room} bytes of room{", reply" if reply else ""}', reply=reply)
                c = seen_by_xdp(net.CASES[0], leaves, priority and not reply)
                c.room, c.truncate = room, False
                if room < grows:
                    c.left = c.left_generic = 'no_headroom'
                cases.append(c)
    return cases


def fragment_with_room(wan, lan):
    """IPv6's header for fragments takes 8 more; the first fragment of a datagram"""
    s, cases = services(wan, lan)[2], []
    grows = 28 + len(tags(lan)) - len(tags(wan))
    for i, room in enumerate((0, grows - 8, grows - 4, grows)):
        del net.CASES[:]
        masquerade.fragments()
        c = next(c for c in net.CASES if c.name.startswith(f'{s.label}: bytes 0 to 104'))
        ident = struct.pack('!H', masquerade.IDENT + 9 + i & 0xffff)
        ip = bytearray(c.frame[14:])
        ip[4:6] = ident
        ip[10:12] = b'\0\0'
        ip[10:12] = struct.pack('!H', 0xffff - net.fold(net.words(bytes(ip[:20]))))
        c.frame, c.out = c.frame[:14] + bytes(ip), c.out[:14 + 44] + b'\0\0' + ident + c.out[14 + 48:]
        c = seen_by_xdp(c, lan)
        c.name, c.room, c.truncate = f'{s.label}: a first fragment, {room} bytes of room', room, False
        if room < grows:
            c.left = c.left_generic = 'no_headroom'
        cases.append(c)
    return cases


def build():
    cases = []
    for wan in WANS:
        for lan in LANS:
            if wan != 'v8' and (wan, lan) != ('w0', 'l0'):
                cases += between(wan, lan)
    for lan in LANS:
        cases += between('w0', lan, True, ['known', 'fragments'])
        cases += between('v8', lan, groups=['known', 'errors', 'fragments'])
        for wan in WANS:
            cases += with_room(wan, lan) + fragment_with_room(wan, lan)
        cases += with_room('w0', lan, True)
    return cases


# --- running

def write_vlans(directory, index):
    with open(os.path.join(directory, 'vlans'), 'w', encoding='ascii') as f:
        for link, port in PORTS.items():
            (kind, outer), (_, inner) = (TAGS[link] + [(0, 0)])[:2]
            print(index[link], index[port], f'{kind:x}', outer, inner, int(link != 'v8'), file=f)


def can_say_room(case, index, directory):
    """Metadata in front of a packet, more than 32 bytes of it, are newer than 6.1"""
    return packets.run('xdp', [case], index, directory, 1)[0][0][0] != 'odd'


def run_mode(mode, cases, directory):
    packets.ids.clear()
    packets.counted.clear()
    file = os.path.join(directory, 'wgxdp.yaml')
    with open(file, 'w', encoding='ascii') as f:
        f.write(config())
    packets.wgxdp('up', '-c', file, '--mode', mode)
    index = packets.interfaces()
    write_vlans(directory, index)
    roomy = [c for c in cases if c.room <= 256]
    if roomy and not can_say_room(roomy[0], index, directory):
        cases = [c for c in cases if c.room > 256]
        print(f'{mode}: this kernel\'s test-run has always room: {len(roomy)} packets left out')
    packets.run_cases(cases, mode, index, directory)
    packets.check_show(mode)
    express = json.loads(packets.wgxdp('show', '--json', stdout=packets.subprocess.PIPE).stdout)['express']
    packets.report(express['hits'] > len(cases) / 10, f'{mode}: packets by the express path: {express}')
    packets.wgxdp('down')
    return cases


def main():
    words = [w for w in sys.argv[1:] if w != '-v']
    cases = [c for c in build() if not words or any(w in c.name for w in words)]
    packets.read_reasons()
    packets.set_up()
    try:
        with tempfile.TemporaryDirectory() as directory:
            for mode in ('native', 'generic'):
                ran = run_mode(mode, cases, directory)
    finally:
        packets.subprocess.run(['ip', 'netns', 'del', packets.NS], check=True)
    return packets.tell(len(ran))


if __name__ == '__main__':
    sys.exit(main())
