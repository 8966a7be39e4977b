#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# import_compare: checks what `wgxdp import --compare -v --json` says.
#
#   import_compare verdict {EXPECTED REPORT}...       EXPECTED: a configuration of tests/import
#   import_compare packets REPORT SENT OLD NEW        SENT: packets that import_probes sent; OLD, NEW: those that arrived by the old rules,
#                                                     and by wgxdp
#
# verdict: packets differ, or are undecided, only as the third line of EXPECTED and its comments say. packets: each packet that both
# REPORT and SENT have has arrived, or not, as REPORT says. The last line of the output is the number of packets that were checked.
import ipaddress
import json
import re
import sys

FIREWALL = ['198.51.100.1', '198.51.100.2', '2001:db8:1::1']


def fail(text):
    sys.exit(f'import_compare: {text}')


def show(row):
    return json.dumps({k: row[k] for k in ('packet', 'rules', 'configuration')})


def verdict(expected, report):
    """Returns the number of packets."""
    def fail(words):
        sys.exit(f'import_compare: {expected}: {words}')

    with open(expected, encoding='utf-8') as f:
        text = f.read()
    note = text.split('\n')[2]
    ports = [(int(a), int(b or a)) for a, b in re.findall(r'(\d+)(?:-(\d+))?', note)] if note.startswith('# differs:') else []
    named, found = 'has no counterpart for these:' in text, 0
    for row in report['all']:
        result, port = row['result'], row['packet']['port']
        if result == 'agrees':
            continue
        if any(first <= port <= last for first, last in ports):
            found += 1
        elif result == 'undecided' and not named:
            fail(f'undecided, but all rules have a counterpart: {show(row)}')
        # wgxdp drops the packets of clients that the rules leave to this host
        elif result == 'differs' and (row['rules']['does'], row['configuration']['does']) != ('host', 'drop'):
            fail(f'differs: {show(row)}')
    if ports and not found:
        fail(f'no packet differs: {note}')
    counts = {word: sum(row['result'] == name for row in report['all'])
              for word, name in (('agree', 'agrees'), ('differ', 'differs'), ('undecided', 'undecided'))}
    if any(report[word] != n for word, n in counts.items()) or report['packets'] != sum(counts.values()):
        fail(f'the counts are wrong: {counts}')
    if sum(cause['packets'] for cause in report['causes']) != counts['differ'] + counts['undecided']:
        fail('the causes lack packets')
    return report['packets']


def arrivals(name):
    """The device and its destination, port and source as received of each packet, by its destination, port and source as sent"""
    with open(name, encoding='utf-8') as f:
        pairs = [line.rstrip('\n').split(': ') for line in f]
    return {tuple(sent.split()): got.split(' ', 3)[1:] for sent, got in pairs}


def is_as_said(answer, got):
    if answer['does'] != 'forward':
        return got is None
    if got is None or got[:2] != [answer['to'], str(answer['port'])]:
        return False
    kept = got[2] == 'itself' or got[2].startswith('port ')
    return kept if answer['source'] == 'kept' else not kept and got[2] in answer.get('sources', [got[2]])


def packets(report, sent, old, new):
    rows = {(row['packet']['to'] or row['packet']['family'], str(row['packet']['port']), row['packet']['from']): row
            for row in report['all'] if row['packet']['interface'] in (None, 'eth0')}
    named = {to for to, _, _ in rows}
    old, new, checked = arrivals(old), arrivals(new), 0
    with open(sent, encoding='utf-8') as f:
        keys = [tuple(line.split()) for line in f]
    for to, port, client in keys:
        row = rows.get((to if to in named else ipaddress.ip_address(to).version, port, client))
        if not row:
            continue
        if row['rules']['does'] != 'undecided':
            checked += 1
            if not is_as_said(row['rules'], old.get((to, port, client))):
                fail(f'the rules did {old.get((to, port, client))}: {show(row)}')
        # without the rules, the kernel forwards packets to a backend's own address
        if row['configuration']['does'] != 'undecided' and (row['configuration']['does'] != 'kernel' or to in FIREWALL):
            checked += 1
            if not is_as_said(row['configuration'], new.get((to, port, client))):
                fail(f'wgxdp did {new.get((to, port, client))}: {show(row)}')
    print(checked)


def load(name):
    with open(name, encoding='utf-8') as f:
        return json.load(f)


def main():
    mode, *names = sys.argv[1:]
    if mode == 'verdict':
        print(sum(verdict(expected, load(report)) for expected, report in zip(names[::2], names[1::2])))
    else:
        packets(load(names[0]), *names[1:])


main()
