#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The programs on xdp and on tc and the host plane treat random sequences of packets alike (a differential fuzzer).
# Random sequences of packets from the packet tests go through the programs that `wgxdp up` attaches, on xdp and on tc
# (BPF_PROG_TEST_RUN). They also go through the host plane with the same maps and the kernel's own answers about
# routes. Verdict, whole packet, fragments and counters must be the same, and xdp must do what tc alone would do
# (tests/packet/run_planes.c). The configurations are those of the packet tests, with each feature of the host plane.
# Each gets an equal share of $FUZZ_SECONDS.
#
#   fuzz_planes.py [SCENE [SEED [SEQUENCE]]]      $SEED: default: the time; SEQUENCE: run only this one, and print each packet
#
# BREAK=1 builds the host plane with a checksum that is off by one: it must be found in each scene.
import os
import re
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, '..', 'packet'))
sys.dont_write_bytecode = True
import packet_cases                                                        # noqa: E402
import packet_guarded                                                      # noqa: E402
import packet_lists                                                        # noqa: E402
import packet_masquerade                                                   # noqa: E402
import packet_network as net                                               # noqa: E402
import packet_sites                                                        # noqa: E402
import packets                                                             # noqa: E402

packets.NS, packets.INSTANCE = 'wgxdp-planes', 'planes'
PROGRAM = f'{packets.BUILD}/tests/' + ('run_planes_broken' if os.environ.get('BREAK') else 'run_planes')
BLIND_ROUTE = net.ROUTES[0]


class Scene:
    """keys: messages get a right mac1; sites: the blind relay has sites"""
    def __init__(self, name, config, build, sites=False, keys=False):
        self.name, self.config, self.build, self.sites, self.keys = name, config, build, sites, keys or sites


SCENES = [
    Scene('services', net.CONFIG + packet_lists.CONFIG, packet_cases.build),
    Scene('masquerade', packet_masquerade.CONFIG, packet_masquerade.build),
    Scene('guard', packet_guarded.CONFIG, packet_guarded.build, keys=True),
    Scene('blind', packet_sites.CONFIG, packet_sites.build, sites=True),
]


def write_keys(scene, directory):
    for name, lines in (('sites', packet_sites.site_lines()), ('keys', (packet_sites.public_key(s).hex() for s in packet_sites.SITES))):
        with open(os.path.join(directory, name), 'w', encoding='ascii') as f:
            f.write('\n'.join(lines) + '\n')
    return {'KEYS': f'{directory}/keys', **({'SITES': f'{directory}/sites'} if scene.sites else {})} if scene.keys else {}


def run_scene(scene, mode, seconds, seed, directory, more):
    config, cases = os.path.join(directory, 'wgxdp.yaml'), os.path.join(directory, 'cases')
    with open(config, 'w', encoding='ascii') as f:
        f.write(scene.config)
    packets.wgxdp('up', '-c', config, '--mode', mode, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    packets.late_link()
    index = packets.interfaces()
    packets.write_cases(cases, [c for c in scene.build() if c.link in index], index, 1)
    environment = {**os.environ, **write_keys(scene, directory)}
    began = time.monotonic()
    done = packets.inside(PROGRAM, packets.INSTANCE, cases, str(seconds), str(seed), *more, env=environment, check=False,
                          stdout=subprocess.PIPE)
    rc = done.returncode
    print(f'{scene.name}, {mode}: {done.stdout.strip()}', flush=True)
    executed = int((re.search('([0-9]+) packets', done.stdout) or [0, 0])[1])
    if rc and not more:
        print(f'again: tests/fuzz/fuzz_planes.py {scene.name} {seed} SEQUENCE', file=sys.stderr)
    packets.wgxdp('down', stdout=subprocess.DEVNULL)
    packets.ip('link del n0')
    return rc, executed, time.monotonic() - began


def main():
    words = sys.argv[1:]
    if os.environ.get('BREAK'):
        directory = os.environ.get('O', 'build')
        subprocess.run(['make', '-s', '-C', os.path.dirname(os.path.dirname(here)), f'O={directory}', f'{directory}/tests/run_planes_broken'], check=True)
    scenes = [s for s in SCENES if not words or s.name == words[0]]
    seed = int(words[1]) if len(words) > 1 else int(os.environ.get('SEED') or time.time())
    seconds = max(1, int(os.environ.get('FUZZ_SECONDS', '10')) // len(scenes))
    results = []
    packets.set_up()
    try:
        with tempfile.TemporaryDirectory() as directory:
            for n, scene in enumerate(scenes):
                results.append(run_scene(scene, 'native' if (seed + n) % 4 else 'generic', seconds, seed, directory, words[2:3]))
    finally:
        subprocess.run(['ip', 'netns', 'del', packets.NS], check=True)
    executed = sum(n for _, n, _ in results)
    print(f'fuzz_planes: {executed} executions, {executed / sum(took for _, _, took in results):.0f} a second')
    return any(rc for rc, _, _ in results)


if __name__ == '__main__':
    sys.exit(main())
