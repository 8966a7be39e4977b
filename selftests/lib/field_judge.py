#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# field_judge: compares real packets with what wgxdp said about the rules. Prints what is wrong.
#
#   field_judge services BEFORE AFTER OWN          packets through the rules, and through wgxdp without rules (field_probe.py's output)
#   field_judge content BEFORE DOCTOR OWN          doctor's JSON for the imported configuration
#   field_judge doctor BEFORE DOCTOR OWN PLAIN SETS...   doctor's JSON for a configuration without lists; packets through wgxdp with
#                                                  it, and the output of `nft -j list ruleset` and `ipset save`
import ipaddress
import json
import re
import sys

OTHER_PORT = 17777  # no rule mentions it


def read_probes(name):
    """Returns {(source, destination, port): where it arrived}."""
    probes = {}
    for line in open(name):
        source, to, port, *where = line.split()
        probes[source, to, int(port)] = ' '.join(where)
    return probes


def forwarded(where):
    return where not in ('here', 'lost')


def services(before, after):
    for key, where in before.items():
        now = after[key]
        if forwarded(before[(*key[:2], OTHER_PORT)]):
            continue  # the kernel forwards everything there, without a service
        if forwarded(where) != forwarded(now) or (forwarded(where) and where != now):
            yield f'from {key[0]} to {key[1]} port {key[2]}: {where} by the rules, {now} by wgxdp'


def elements(names):
    """Returns {the name of a set: its prefixes}."""
    sets = {}
    for name in names:
        text = open(name).read()
        if text.startswith('{'):
            for entry in json.loads(text)['nftables']:
                s = entry.get('set')
                if s:
                    sets[f'{s["family"]} {s["table"]} {s["name"]}'] = list(networks(s.get('elem', [])))
        for line in text.splitlines():
            words = line.split()
            if words[:1] == ['add']:
                sets.setdefault(words[1], []).extend(networks([words[2]]))
    return sets


def networks(entries):
    for e in entries:
        e = e.get('elem', e) if isinstance(e, dict) else e
        e = e['val'] if isinstance(e, dict) and 'val' in e else e
        if isinstance(e, dict) and 'prefix' in e:
            yield ipaddress.ip_network(f'{e["prefix"]["addr"]}/{e["prefix"]["len"]}')
        elif isinstance(e, dict) and 'range' in e:
            yield from ipaddress.summarize_address_range(*map(ipaddress.ip_address, e['range']))
        elif isinstance(e, str):
            try:
                yield ipaddress.ip_network(e)
            except ValueError:
                continue


def banned_by(doctor, sets):
    """Returns the clients that doctor says are banned, as networks."""
    for f in doctor['findings']:
        if f['check'] != 'blocklist':
            continue
        text = f['found'].split(' drops packets ', 1)[-1] + ' ' + (f.get('fix') or '')
        yield from networks(w.strip(',') for w in text.split() if '/' in w)
        for name in re.findall(r'nft-set: "([^"]*)"', text) + re.findall(r'in the set (\S+) of ipset', text):
            yield from sets.get(name, [])


def own_port(before, doctor, own):
    """Yields what is wrong about the port of the firewall's own WireGuard."""
    shut = [version for version in (4, 6)
            if not any(where == 'here' for key, where in before.items() if key[2] == own and ipaddress.ip_address(key[0]).version == version)]
    problems = [f['found'] for f in doctor['findings'] if f['state'] == 'problem' and f['check'] == 'nft']
    about = [p for p in problems if f'port {own}' in p]
    if bool(shut) != bool(about) or len(about) != len(problems):
        yield f'port {own} is shut for IPv{shut}: doctor says {problems}' if shut else f'port {own} is open: doctor says {problems}'


def judge_doctor(before, plain, doctor, own, sets):
    said = list(banned_by(doctor, elements(sets)))
    outsiders = ('8.8.8.8', '2600::1')
    open_for = {key[1:] for key, where in before.items() if key[0] in outsiders and forwarded(where)}
    banned = {key[0] for key, where in before.items() if key[1:] in open_for and forwarded(plain[key]) and not forwarded(where)}
    served = {key[0] for key, where in before.items() if forwarded(plain[key]) and forwarded(where)}
    named = {c for c in banned | served if any(ipaddress.ip_address(c) in n for n in said if (':' in c) == (n.version == 6))}
    for c in sorted(named - banned):
        yield f'doctor says that {c} is banned, and its packets are forwarded'
    for c in sorted(banned - served - named):
        yield f'doctor does not name {c}, whose packets the rules drop: {[f["found"] for f in doctor["findings"] if f["state"] == "warning"]}'
    yield from own_port(before, doctor, own)


def judge_content(before, doctor, own):
    for f in doctor['findings']:
        if f['state'] == 'warning' and f['check'] in ('nft', 'blocklist'):
            yield f'doctor warns of the imported configuration: {f["found"]}'
    yield from own_port(before, doctor, own)


what, before, now, *rest = sys.argv[1:]
before, own = read_probes(before), int(rest[0])
if what == 'services':
    wrong = services({k: v for k, v in before.items() if k[2] != own}, read_probes(now))
elif what == 'doctor':
    wrong = judge_doctor(before, read_probes(rest[1]), json.load(open(now)), own, rest[2:])
else:
    wrong = judge_content(before, json.load(open(now)), own)
wrong = list(wrong)
print(*wrong, sep='\n')
sys.exit(bool(wrong))
