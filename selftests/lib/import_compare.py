#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# import_compare: checks what `wgxdp import --compare -v --json` says.
#
#   import_compare REPORT SENT OLD NEW        SENT: packets that import_probes sent; OLD, NEW: those that arrived by the old rules, and by
#                                             wgxdp
#
# Each packet that both REPORT and SENT have has arrived, or not, as REPORT says. The output is the number of answers that were checked.
import json
import re
import sys

FIREWALL = ['198.51.100.1', '198.51.100.2', '2001:db8:1::1']
FORWARD = re.compile(r'forward it to (\S+) port (\d+)(?: and masquerade it as (\S+))?')


def fail(text):
    sys.exit(f'import_compare: {text}')


def arrivals(name):
    """The device and its destination, port and source as received of each packet, by its destination, port and source as sent"""
    with open(name, encoding='utf-8') as f:
        pairs = [line.rstrip('\n').split(': ') for line in f]
    return {tuple(sent.split()): got.split(' ', 3)[1:] for sent, got in pairs}


def is_as_said(answer, got):
    said = FORWARD.fullmatch(answer)
    if not said:
        return got is None
    to, port, source = said.groups()
    if got is None or got[:2] != [to, port]:
        return False
    kept = got[2] == 'itself' or got[2].startswith('port ')
    return kept != bool(source) and (kept or source in got[2])


def main():
    report, sent, old, new = sys.argv[1:]
    with open(report, encoding='utf-8') as f:
        rows = {(row['to'], str(row['port']), row['from']): row for row in json.load(f)['samples']}
    old, new, checked = arrivals(old), arrivals(new), 0
    with open(sent, encoding='utf-8') as f:
        keys = [tuple(line.split()) for line in f]
    for key in keys:
        row = rows.get(key)
        if not row:
            continue
        checked += 1
        if not is_as_said(row['rules'], old.get(key)):
            fail(f'the rules did {old.get(key)}: {json.dumps(row)}')
        # without the rules, the kernel forwards packets to a backend's own address
        if key[0] in FIREWALL and row['result'] == 'agrees':
            checked += 1
            if not is_as_said(row['wgxdp'], new.get(key)):
                fail(f'wgxdp did {new.get(key)}: {json.dumps(row)}')
    print(checked)


main()
