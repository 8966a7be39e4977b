#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# Each packet of packet_cases.py gets the expected verdict, bytes and counters, on xdp, on tc and through the host
# plane. xdp and tc are the programs that `wgxdp up` attached (BPF_PROG_TEST_RUN); the host plane has the same maps.
# Verdict, whole packet and counters are compared. In native mode,
# every packet is also truncated at each length: another mode has the same programs.
#
#   packets.py [-v] [-u] [NAME]...   only cases whose name contains one of NAME. -v: name each.
#                                    -u: without truncations and the host plane
#   packets.py --corpus DIR          write the fuzzer's corpus
#
# first
# timeout: 900
#
# The kernel gets a next hop's packet every two seconds, so that it keeps the neighbour alive: XDP passes the packet
# unchanged, and tc sends it without MACs. So each packet is run twice, and one of the two may end like that.
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import packet_icmp                                                         # noqa: E402
import packet_lists                                                        # noqa: E402
import packet_cases                                                        # noqa: E402
import packet_network as net                                               # noqa: E402

BUILD = os.path.abspath(os.environ.get('O', os.path.join(here, '..', '..', 'build')))
NS, INSTANCE = 'wgxdp-packets', 'packets'
CASE, RESULT, COUNTER, CLONE = (struct.Struct(s) for s in ('=10I', '=9I', '=IBBHQ', '=2I'))
VERDICTS = ['passed', 'dropped', 'sent', 'odd']
PLANES = ['xdp', 'tc', 'host-xdp', 'host-tc']
vlans = False                    # the file `vlans` makes some links VLANs (run_vlans.h)
verbose, no_truncation = '-v' in sys.argv, '-u' in sys.argv
tells_features = tuple(int(n) for n in os.uname().release.split('.')[:2]) >= (6, 3)     # the kernel reports what each device can transmit
ids = {}                        # service: the id of its counters, as its first packet showed
counted = {}                    # (number, direction, what): the growth of the running instance's counters
# A search for leaks takes a quarter of the time of run_packets, and unit tests search for them
os.environ['ASAN_OPTIONS'] = os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'
bad = set()                     # names of cases that failed anywhere
passed = failed = 0


def inside(*words, text=True, check=True, **more):
    return subprocess.run(['nsenter', f'--net=/run/netns/{NS}', *words], text=text, check=check, **more)


def ip(words):
    inside('ip', *words.split())


# --- the network

def set_up():
    subprocess.run(['ip', 'netns', 'add', NS], check=True)
    for setting in ('ipv4.ip_forward=1', 'ipv6.conf.all.forwarding=1', 'ipv6.conf.default.accept_dad=0',
                    'ipv6.conf.default.autoconf=0', 'ipv4.conf.all.rp_filter=0'):
        inside('sysctl', '-qw', 'net.' + setting)
    ip('link set lo up')
    for link, (number, _, mtu) in net.LINKS.items():
        ip(f'link add {link} address {net.mac(link)} mtu {mtu} type veth peer name {link}p mtu {mtu}')
        inside('sysctl', '-qw', f'net.ipv6.conf.{link}p.disable_ipv6=1')
        if link != 'd0':
            ip(f'link set {link}p xdpdrv object {BUILD}/selftests/peer.bpf.o program pass')
        ip(f'link set {link}p up')
        ip(f'link set {link} up')
        for address in net.ADDRESSES[link]:
            ip(f'addr add {address} dev {link}' + (' nodad' if ':' in address else ''))
        for address, host in net.NEIGHBOURS.get(link, {}).items():
            ip(f'neigh add {address} lladdr {net.mac(link, host)} dev {link} nud permanent')
    for destination, words in net.ROUTES:
        ip(f'route add {"" if "via" in words else words} {destination} {words if "via" in words else ""}')
    for table, (source, gateway, link) in enumerate(net.RULES, 100):
        ip(f'route add default via {gateway} dev {link} table {table}')
        ip(f'rule add from {source} lookup {table}')
    inside('sysctl', '-qw', 'net.ipv4.conf.f0.forwarding=0')


def late_link():
    ip('link add n0 type veth peer name n0p')
    ip('link set n0p up')
    ip('link set n0 up')
    ip('route add 100.64.0.0/16 dev n0')


def wgxdp(*words, **more):
    return inside(f'{BUILD}/wgxdp', '--instance', INSTANCE, *words, **more)


def interfaces():
    rows = json.loads(inside('ip', '-j', 'link', stdout=subprocess.PIPE).stdout)
    return {row['ifname']: row['ifindex'] for row in rows}


def host_routes(path, index):
    """The host plane's kernel: the same network as lines of tests/host/host_plane.h"""
    lines = []

    def line(prefix, rc=0, link=None, host=0, mtu=None, **more):
        if '/' not in prefix:
            prefix += '/128' if ':' in prefix else '/32'
        words = [f'prefix={prefix}', f'rc={rc}']
        if link:
            words += [f'dev={index[link]}', f'mtu={mtu or net.LINKS[link][2]}', f'dmac={net.mac(link, host)}',
                      f'smac={net.mac(link)}']
        lines.append(' '.join(words + [f'{k}={v}' for k, v in more.items()]))

    for prefix in ('203.0.113.255', '192.168.2.255'):
        line(prefix, 4)                         # BPF_FIB_LKUP_RET_NOT_FWDED
    for addresses in net.ADDRESSES.values():
        for address in addresses:
            line(address.split('/')[0], 4)
    for source, via, link in net.RULES:
        line('0.0.0.0/0', 0, link, net.NEIGHBOURS[link][via], via=via, **{'from': f'{source}/32'})
    line('198.51.101.0/24', 4)
    line('0.0.0.0/0', 5, iif=index['f0'])       # BPF_FIB_LKUP_RET_FWD_DISABLED
    for link, neighbours in net.NEIGHBOURS.items():
        for address, host in neighbours.items():
            line(address, 0, link, host)
    for prefix, link in (('192.168.1.0/24', 'l0'), ('192.168.2.0/24', 'm0'), ('203.0.113.0/24', 'w0'), ('2001:db8:2::/64', 'l0'), ('2001:db8:1::/64', 'w0')):
        line(prefix, 7, link)                   # BPF_FIB_LKUP_RET_NO_NEIGH
    kinds = {'blackhole': 1, 'unreachable': 2, 'prohibit': 3}
    for destination, words in net.ROUTES:
        if words in kinds:
            line(destination, kinds[words])
        else:
            via, mtu = words.split()[1], words.split()[4:]         # a route with a locked MTU
            link, host = next((n, h[via]) for n, h in net.NEIGHBOURS.items() if via in h)
            if destination == '0.0.0.0/0':
                lines.append(f'prefix=100.64.0.0/16 rc=0 dev={index["n0"]} mtu=1500')
            line(destination, 0, link, host, *mtu, via=via)
    with open(path, 'w', encoding='ascii') as f:
        f.write('\n'.join(lines) + '\n')


# --- running

def write_cases(path, cases, index, runs=2):
    with open(path, 'wb') as f:
        for c in cases:
            f.write(CASE.pack(index[c.link], len(c.frame), runs, *c.gso, c.whole, (c.truncated and runs == 2) + 2 * c.shortened + 4 * c.state, c.linear, c.wait, c.room) + c.frame)


def read_result(f):
    verdict, raw, length, n, truncations, bad, n_clones, changed, late = RESULT.unpack(f.read(RESULT.size))
    frame = f.read(length)
    counters = [COUNTER.unpack(f.read(COUNTER.size)) for _ in range(n)]
    clones = []
    for _ in range(n_clones):
        egress, size = CLONE.unpack(f.read(CLONE.size))
        clones.append((egress, f.read(size)))
    return VERDICTS[verdict], raw, frame, counters, truncations, bad, clones, changed, late


def run(plane, cases, index, directory, runs=2):
    """For each case the list of its results; one more at the end for its truncations"""
    paths = [os.path.join(directory, name) for name in ('cases', 'results', 'routes') + ('vlans',) * bool(vlans)]
    write_cases(paths[0], cases, index, runs)
    inside(f'{BUILD}/tests/run_packets', INSTANCE, plane, *paths)
    with open(paths[1], 'rb') as f:
        results = [[read_result(f) for _ in range(runs + (c.truncated and runs == 2))] for c in cases]
        unrecorded = list(COUNTER.iter_unpack(f.read()))
    for counters in (unrecorded, *(r[3] for of_case in results for r in of_case)) if 'host' not in plane else ():
        for number, direction, _, what, n in counters:
            key = (number, ('original', 'reply')[direction], what)
            counted[key] = counted.get(key, 0) + n
    return results


# --- comparing results

def gains(counters, plane):
    """Returns the growth of the counters: {(service number, direction, what): n}, or None if another plane counted."""
    found = {}
    for number, direction, counted_by, what, n in counters:
        if counted_by != ('tc' in plane):
            return None
        found[number, ('original', 'reply')[direction], what] = n
    return found


REASONS = {}


def read_reasons():
    with open(os.path.join(here, '..', '..', 'include', 'reasons.def'), encoding='ascii') as f:
        for row in f:
            if row.startswith('REASON('):
                REASONS[row.split(',')[1].strip()] = len(REASONS) + 1


def expected_gains(c, sent, reason=None):
    key = (ids.get(c.service), c.direction)
    if sent:
        return {(*key, 0): c.segments, (*key, 1): c.segments, (*key, 2): c.bytes}
    return {(*key, 0): c.segments, (*key, 3 + REASONS[reason]): c.segments}


def shapes(c, plane, mode, got):
    """The possible outcomes: (verdict, packet, counters); the first is what should come, the second the kernel's turn"""
    if c.packet and plane == 'tc':
        number, = struct.unpack('!H', got[18:20])
        return [('sent', packet_icmp.answer(c, number),
                 expected_gains(c, False, 'packet_too_big' if c.mtu else 'time_exceeded'))]
    if c.verdict == 'sent' and c.reason and 'tc' in plane:      # sent, but not completely
        return [('sent', c.out, expected_gains(c, False, c.reason))]
    left = c.left_generic if mode == 'generic' else c.left
    if c.frags and mode == 'native' and not tells_features:
        left = 'no_transmit'
    if c.verdict == 'ignored' or (c.verdict == 'passed' and 'xdp' in plane) or (left and 'xdp' in plane):
        return [('passed', c.frame, expected_gains(c, False, left) if c.alone else {})]
    if c.verdict == 'passed':
        return [('passed', c.frame, expected_gains(c, False, c.reason))]
    if c.verdict == 'dropped':
        return [('dropped', got if c.made_over else c.frame, expected_gains(c, False, c.reason))] + [('passed', c.frame, {})] * ('xdp' in plane)
    out = c.out_as(got)
    whole = [('sent', out, expected_gains(c, True))]
    if 'xdp' in plane:
        return whole + [('passed', c.frame, {})]
    return whole + [('sent', c.frame[:12] + out[12:], expected_gains(c, True))]


def learn(c, results):
    for _, _, _, counters, *_ in results:
        for number, *_ in counters:
            if c.service and c.service not in ids and number not in ids.values():
                ids[c.service] = number


def first_difference(got, want):
    n = next(i for i, (a, b) in enumerate(zip(got + b'\0', want + b'\1')) if a != b)
    return f'byte {n}:\n    got      {got.hex()}\n    expected {want.hex()}'


def differences(got, want, fragments):
    verdict, frame, counted = want
    if got[0] != verdict:
        return f'{got[0]} (raw {got[1]}), expected {verdict}; counters {counted[0]}'
    if got[2] != frame:
        return first_difference(got[2], frame)
    fragments = fragments if verdict == 'sent' else []
    if len(got[6]) != len(fragments):
        return f'{len(got[6])} fragments before the last, expected {len(fragments)}'
    for n, (there, wanted) in enumerate(zip(got[6], fragments)):
        if there != wanted:
            return f'fragment {n} on {there[0]}, expected on {wanted[0]}: ' + (first_difference(there[1], wanted[1]) if there[1] != wanted[1] else '')
    return f'counters {counted[0]}, expected {counted[1]}' if counted[0] != counted[1] else None


def find_error(c, results, plane, mode, index):
    """Returns None, or what is wrong."""
    turns, fragments = 0, [(index[link], frame) for link, frame in c.fragments] if 'tc' in plane else []
    if c.truncated:
        *results, last = results
        if last[5]:
            return f'{last[5]} of {last[4]} truncations'
    for i, got in enumerate(results):           # tc also sends it when the kernel gets one
        outcomes = shapes(c.again if c.again and any(r[0] == 'sent' for r in results[:i]) else c, plane, mode, got[2])
        counted = gains(got[3], plane)
        why = [differences(got, (verdict, frame, (counted, want)), fragments) for verdict, frame, want in outcomes]
        if why[0]:
            if why[-1]:
                return why[0]
            turns += len(why) > 1
    return 'not sent twice in a row' if turns == len(results) else None


def report(good, what, counts=True):
    global passed, failed
    if counts:
        passed, failed = passed + good, failed + (not good)
    if not good or verbose:
        print(f'{"ok" if good else "FAIL"} {what}', flush=True)


def results_again(some, n, plane, index, directory):
    """The results of the nth case after the cases before it, whose fragments it may follow"""
    return run(plane, some[max(0, n - 8):n + 1], index, directory)[-1]


def is_late(results):
    """Whether a busy machine stopped the runs for so long that the data path's own times have passed: a probe was due, or a fragment is forgotten"""
    return any(late > 1000 for *_, late in results)


def is_truncated(c, mode, plane):
    """Another mode has the same programs, so that it needs no truncations. The core tier takes each packet on one plane."""
    return c.truncate and 'native' in mode and (os.environ.get('WGXDP_TIER') != 'core' or zlib.crc32(c.name.encode()) % 4 == PLANES.index(plane))


def run_cases(cases, mode, index, directory):
    for plane in PLANES[:2] if no_truncation or mode == 'generic' else PLANES:  # the host plane knows no mode
        some = [c for c in cases if not c.planes or plane in c.planes]
        for c in some:
            c.truncated = is_truncated(c, mode, plane)
        truncations = 0
        for n, (c, results) in enumerate(zip(some, run(plane, some, index, directory))):
            learn(c, results)
            why = find_error(c, results, plane, mode, index)
            for _ in range(5):
                if not (why and is_late(results)):
                    break
                results = results_again(some, n, plane, index, directory)
                why = find_error(c, results, plane, mode, index)
            truncations += results[-1][4]
            if why:
                bad.add(c)
            report(not why, f'{mode} {plane}: {c.name}' + (f': {why}' if why else ''), counts=False)
        print(f'{mode} {plane}: {len(some)} packets, {truncations} truncations', flush=True)


def kernel_turns(c, plane, index, directory):
    """How long it takes, at least and at most, from one packet of this next hop that the kernel was given to the next one"""
    turns, began = [], time.monotonic()
    while len(turns) < 2 and time.monotonic() < began + 6:
        before = time.monotonic()
        results = run(plane, [c], index, directory, runs=20)[0]
        turns += [(before, time.monotonic())] * sum(got[0] != 'sent' or got[2] != c.out for got in results)
    return [turns[1][0] - turns[0][1], turns[1][1] - turns[0][0]] if len(turns) > 1 else []


def run_clock(cases, index, directory):
    """The kernel gets one packet of a next hop every two seconds, and no more. Once a minute clocks are exchanged, and a packet may come early."""
    for plane in ('xdp', 'tc'):
        for c in cases:
            for _ in range(2):
                turns = kernel_turns(c, plane, index, directory)
                good = bool(turns) and turns[0] < 4 and turns[1] > 1.8
                if good:
                    break
            report(good, f'{plane}: {c.name}: the kernel\'s turns: {turns}')


def run_limits(index, directory):
    """One source gets errors 20 times at once, then ten times a second; another has a share of its own, and a /64 is one source"""
    os.environ['KEEP_FLOWS'] = '1'		# also keeps the rate limits of ICMP errors
    for s, sources in ((net.WG, ('192.0.2.250', '192.0.2.251')), (net.SIX, ('2001:db8:9:fff::1', '2001:db8:9:ffe::1'))):
        for source in sources:
            cases = [net.Case('hop limit', s.link, s.original(src=a, ttl=1).frame(), 'sent', s.name, truncate=False)
                     for a in ([source, source[:-1] + '77:5'] if ':' in source else [source] * 2)]
            began, answered = time.monotonic(), []
            while time.monotonic() < began + 2:
                last = time.monotonic()
                answered += [r[0] == 'sent' for of_case in run('tc', cases, index, directory, runs=25) for r in of_case]
            least, most = 20 + 5 * (last - began), 20 + 10 * (time.monotonic() - began)
            report(sum(answered[:25]) >= 20 and least <= sum(answered) <= most, f'errors to {source}: {sum(answered)} of {len(answered)}, '
                   f'{sum(answered[:25])} of the first 25, {least:.1f} to {most:.1f}')
    del os.environ['KEEP_FLOWS']


def check_show(mode):
    """`wgxdp show` says what the counters gained, under the right names, and its sums hold"""
    shown = json.loads(wgxdp('show', '--json', stdout=subprocess.PIPE).stdout)
    reasons = {(row.get('service'), row['direction'], row['reason']): (row['packets'], row['verdict']) for row in shown['drops']}
    for s in shown['services']:
        for direction in ('original', 'reply'):
            n = s[direction]
            gained = {what: counted.get((ids.get(s['name']), direction, what), 0) for what in range(3 + len(REASONS) + 1)}
            reported = {v: sum(packets for (name, of, _), (packets, verdict) in reasons.items()
                               if (name, of, verdict) == (s['name'], direction, v)) for v in ('passed', 'dropped')}
            good = (n['received'], n['forwarded'], n['bytes']) == (gained[0], gained[1], gained[2])
            good &= n['received'] == n['forwarded'] + n['dropped'] + n['passed']
            good &= all(n[v] == reported[v] for v in reported)
            good &= all(reasons.get((s['name'], direction, r), (0,))[0] == gained[3 + i] for r, i in REASONS.items())
            report(good, f'{mode}: show {s["name"]} {direction}: {n}, counted {gained}')
    for row in shown['interfaces']:
        if row['name'] in net.LINKS:
            report(row['mode'] == mode, f'{row["name"]}: mode {row["mode"]}, expected {mode}')


def run_mode(mode, cases, later, directory):
    ids.clear()
    counted.clear()
    config = os.path.join(directory, 'wgxdp.yaml')
    with open(config, 'w', encoding='ascii') as f:
        f.write(net.CONFIG + packet_lists.CONFIG)
    wgxdp('up', '-c', config, '--mode', mode)
    late_link()
    index = interfaces()
    host_routes(os.path.join(directory, 'routes'), index)
    run_cases(cases, mode, index, directory)
    if later:
        wgxdp(*packet_lists.CHANGE)
        run_cases(later, mode, index, directory)
    if mode == 'native':
        run_clock([c for c in cases if c.name in ('wg: 148 bytes', 'six IPv6: 148 bytes, reply')], index, directory)
        run_limits(index, directory)
    check_show(mode)
    wgxdp('down')
    ip('link del n0')


def write_corpus(directory):
    """Inputs of tests/fuzz/fuzz_pipeline.c: four bytes of state, then the frame; its scene has the same links and services"""
    os.makedirs(directory, exist_ok=True)
    places = {'w0': 0, 'l0': 1, 'x0': 2, 'm0': 3}
    for i, c in enumerate(packet_cases.some_of_each(4)):
        if c.link in places:
            with open(os.path.join(directory, f'{i:02}'), 'wb') as f:
                f.write(bytes((places[c.link] * 2 | i & 1, i % 2 * 16, 255, c.gso[1] // 16)) + c.frame)


def chosen(cases):
    """The words on the command line, and the cases that have one of them in their name: all, if there is none"""
    words = [w for w in sys.argv[1:] if w not in ('-v', '-u')]
    cases = [c for c in cases if not words or any(w in c.name for w in words)]
    for c in cases:
        c.truncate &= not no_truncation
    return words, cases


def tell(ran):
    """The last line: of how many cases that ran how many passed; whether any failed"""
    print(f'{passed + ran - len(bad)} passed, {failed + len(bad)} failed')
    return bool(failed or bad)


def main():
    words, cases = chosen(packet_cases.build())
    if words[:1] == ['--corpus']:
        write_corpus(words[1])
        return 0
    later = packet_lists.former() if not words else []
    for c in later:
        c.truncate &= not no_truncation
    read_reasons()
    set_up()
    try:
        with tempfile.TemporaryDirectory() as directory:
            for mode in ('native', 'generic'):
                run_mode(mode, cases, later, directory)
    finally:
        subprocess.run(['ip', 'netns', 'del', NS], check=True)
    return tell(len(cases) + len(later))


if __name__ == '__main__':
    sys.exit(main())
