# SPDX-License-Identifier: GPL-2.0-or-later
# Prints the results of scripts/coverage: a line for each file of bpf/ and user/, and totals. build/coverage/missed lists lines never reached.
#
#   coverage.py LINES BRANCHES      llvm-cov export -format=lcov; -format=text
#
# A branch is one way of one condition. If several programs have the same source, a line counts as reached if any of them reaches it.
import json
import os
import sys
from collections import defaultdict

LIMITS = (('bpf', 'lines', 90), ('bpf', 'branches', 85), ('user', 'lines', 90))


def source(path):  # below the project, or None
    path = os.path.relpath(os.path.normpath(path))
    return path if path.split('/')[0] in ('bpf', 'user') else None


def read_lines(path):
    found, name = defaultdict(dict), None
    with open(path) as lcov:
        for row in lcov:
            if row.startswith('SF:'):
                name = source(row[3:].strip())
            elif row.startswith('DA:') and name:
                line, count = (int(x) for x in row[3:].split(',')[:2])
                found[name][line] = found[name].get(line, 0) + count
    return found


def read_branches(path):
    found = defaultdict(dict)
    with open(path) as text:
        for entry in json.load(text)['data'][0]['files']:
            name = source(entry['filename'])
            for branch in entry.get('branches', []) if name else ():
                place, counts = tuple(branch[:4]), branch[4:6]
                for way, count in zip((True, False), counts):
                    key = place + (way,)
                    found[name][key] = found[name].get(key, 0) + count
    return found


def share(counts):
    return sum(1 for n in counts if n), len(counts)


def percent(hit, all_of):
    return 100 * hit / all_of if all_of else 100.0


def main():
    lines, branches = read_lines(sys.argv[1]), read_branches(sys.argv[2])
    totals = defaultdict(lambda: [0, 0])
    missed = open(os.path.join(os.path.dirname(sys.argv[1]), 'missed'), 'w')
    for name in sorted(lines):
        room, row = name.split('/')[0], f'{name:34}'
        for kind, counts in (('lines', lines[name]), ('branches', branches.get(name, {}))):
            hit, all_of = share(counts.values())
            totals[room, kind][0] += hit
            totals[room, kind][1] += all_of
            row += f'  {kind} {hit:5} of {all_of:5} {percent(hit, all_of):6.1f} %'
        print(row)
        for line, count in sorted(lines[name].items()):
            if not count:
                print(f'{name}:{line}: never reached', file=missed)
        for place, count in sorted(branches.get(name, {}).items()):
            if not count:
                print(f'{name}:{place[0]}:{place[1]}: never {"true" if place[4] else "false"}', file=missed)
    missed.close()
    files = (os.path.relpath(os.path.join(d, f)) for d, _, names in os.walk('bpf') for f in names)
    bare = sorted(f for f in files if f not in lines)
    print('not on the host plane, or without code:', ' '.join(bare))
    failed = 0
    for room, kind, limit in LIMITS:
        found = percent(*totals[room, kind])
        failed += found < limit
        print(f'{"FAIL" if found < limit else "ok"} {room}/: {kind} {found:.1f} %, at least {limit} ({totals[room, kind][0]} of {totals[room, kind][1]})')
    print(f'{len(LIMITS) - failed} passed, {failed} failed')
    return failed > 0


sys.exit(main())
