#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# No packet of an attacker gets through, poisons memory, crashes the data path, amplifies, or gets around the policy.
# Every packet of packet_attack_*.py goes through the programs that `wgxdp up` attached, on xdp and on tc
# (BPF_PROG_TEST_RUN), and through the host plane with the same maps, like tests/packet/packets.py. Verdict, whole
# packet and counters must match, and only the listed maps may change. One instance has all features except the blind
# relay, which a second instance has. No other packet test uses these packets.
#
#   packet_attacks.py [-v] [NAME]...     only attacks whose name contains one of NAME; -v: name each
#   packet_attacks.py --list             print the attacks and the expected results
#
# timeout: 600
#
# BREAK=1 sends an honest packet of a new client instead of each attack: then nearly all must fail, with changed maps.
import collections
import os
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import packet_attack_scene as scene                                        # noqa: E402
import packet_attack_flows as flows                                        # noqa: E402
import packet_attack_guard as guard                                        # noqa: E402
import packet_attack_relay as relay                                        # noqa: E402
import packet_attack_services as services                                  # noqa: E402
import packet_attack_blind as blind                                        # noqa: E402
import packet_network as net                                               # noqa: E402
import packets                                                             # noqa: E402

packets.NS, packets.INSTANCE = 'wgxdp-attacks', 'attacks'
LEAST = 300
find_error_of_case = packets.find_error
state = ()


def find_error(c, results, plane, mode, index):
    """And no map is another that must not be"""
    why = find_error_of_case(c, results, plane, mode, index)
    changed = {name for r in results for i, name in enumerate(state) if r[7] >> i & 1} - set(c.may)
    return '; '.join([why] * bool(why) + [f'changed {", ".join(sorted(changed))}'] * bool(changed)) or None


packets.find_error = find_error


def honest_instead(cases):
    """A packet of an unknown sender, for a service that handles it."""
    for i, c in enumerate(c for c in cases if c.hostile):
        p = scene.BOTH.original(sport=1024 + i)
        c.link, c.frame, c.gso = p.link, p.frame(), (0, 0)


def write_vlans(directory, index):
    with open(os.path.join(directory, 'vlans'), 'w', encoding='ascii') as f:
        f.write(f'{index["v7"]} {index["w0"]} 8100 7 0 1\n')


def run_instance(name, text, cases, modes, maps, directory):
    global state
    state = maps
    os.environ['STATE'] = ','.join(maps)
    config = os.path.join(directory, 'wgxdp.yaml')
    with open(config, 'w', encoding='ascii') as f:
        f.write(text)
    for mode, planes in modes:
        packets.ids.clear()
        packets.counted.clear()
        packets.PLANES = planes
        packets.wgxdp('up', '-c', config, '--mode', mode, stdout=packets.subprocess.DEVNULL, stderr=packets.subprocess.DEVNULL)
        packets.late_link()
        index = packets.interfaces()
        packets.host_routes(os.path.join(directory, 'routes'), index)
        write_vlans(directory, index)
        packets.run_cases(cases, f'{name}, {mode}', index, directory)
        if not os.environ.get('BREAK'):
            packets.check_show(mode)
        packets.wgxdp('down', stdout=packets.subprocess.DEVNULL)
        packets.ip('link del n0')


def run_all(one, other, directory):
    planes = ['xdp', 'tc', 'host-xdp', 'host-tc']
    packets.vlans = True
    run_instance('gate', scene.config(), one, (('native', planes),), scene.STATE, directory)
    packets.vlans = False
    os.environ['SITES'] = os.path.join(directory, 'sites')
    with open(os.environ['SITES'], 'w', encoding='ascii') as f:
        f.write('\n'.join(blind.site_lines()) + '\n')
    run_instance('blind', blind.CONFIG, other, (('native', planes),), scene.STATE_BLIND, directory)


def show_list(cases):
    for i, c in enumerate((c for c in cases if c.hostile), 1):
        print(f'{i:3} {c.name}: {c.expected()}')


def main():
    words = [w for w in sys.argv[1:] if not w.startswith('-')]
    one = scene.gather(services.GROUPS + flows.GROUPS + guard.GROUPS + relay.GROUPS)
    other = scene.gather(blind.GROUPS)
    cases = one + other
    hostile = [c for c in cases if c.hostile]
    if '--list' in sys.argv:
        show_list(cases)
        return 0
    for what, of in (('packet', lambda c: (c.link, c.frame, c.gso)), ('name', lambda c: c.name)):
        twice = {what for what, n in collections.Counter(map(of, hostile)).items() if n > 1}
        packets.report(not twice and len(hostile) >= LEAST, f'{len(hostile)} attacks, each with another {what}' + ''.join(
            f'\n    {c.name}' for c in hostile if of(c) in twice))
    if words:
        one, other = ([c for c in some if not c.hostile or any(w in c.name for w in words)] for some in (one, other))
    if os.environ.get('BREAK'):
        honest_instead(cases)
    packets.read_reasons()
    packets.set_up()
    try:
        with tempfile.TemporaryDirectory() as directory:
            run_all(one, other, directory)
    finally:
        packets.wgxdp('down', stdout=packets.subprocess.DEVNULL)
        packets.subprocess.run(['ip', 'netns', 'del', packets.NS], check=True)
    missed = len(packets.bad)
    print(f'{len(hostile)} attacks, {len(cases) - len(hostile)} honest packets between them')
    print(f'{packets.passed + len(cases) - missed} passed, {packets.failed + missed} failed')
    return bool(packets.failed or packets.bad)


if __name__ == '__main__':
    sys.exit(main())
