#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# first
# timeout: 300
# The JSON Schemas that `wgxdp schema` prints accept what wgxdp accepts, and refuse each mistake except the listed
# ones.
"""Checks the schemas with python3-jsonschema, which shares no code with wgxdp. (Debian has no
yaml-language-server, so no test runs it.)

- docs/schema contains what the program prints, and `make install` installs it where the examples look for it.
- The schemas accept every example.
- They refuse each file of tests/config/bad, except those of UNSEEN, which lists them by the kind of mistake.
- They refuse nothing that wgxdp accepts: the values of the examples become each of VALUES in turn.

Then each change of BROKEN is made to the schemas, and a check must complain. BREAK=1 checks schemas with one of these changes."""
import copy
import functools
import glob
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

import jsonschema
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
warnings.simplefilter('error')          # Python warns of a doubtful pattern
WGXDP = os.path.realpath(os.path.join(os.environ.get('O', 'build'), 'wgxdp'))
FILES = {'config': 'wgxdp.schema.json', 'topology': 'wgxdp-topology.schema.json'}

# The examples in which each value is replaced: together they have every key
REPLACED = {'config': ['everything'], 'topology': ['*']}

# Files of tests/config/bad that only `check` refuses
UNSEEN = {
    'two entries or items are the same': """
        allow-twice backends-key-twice backends-name-twice backends-same-place blind-pairs-same blind-pair-address-twice
        blind-pair-same blind-site-twice ddns-twice deny-twice
        deny-twice-beside-list deny-list-twice
        flows-source-twice follow-routes-twice follow-twice guard-amneziawg-overlap guard-amneziawg-twice guard-key-twice interface-twice listen-address-twice
        masquerade-twice peer-key-twice peer-prefix-of-another peer-prefix-twice peer-twice policy-icmpv6-twice policy-ports-overlap
        port-twice port-twice-in-range rates-clients-twice rates-pair-same rates-twice rates-twice-bits same-address-and-port same-address6-and-port same-backend-twice-none same-interface-and-port
        same-interface-and-range service-twice""",
    'a list has too few or too many items': """
        allow-lists-many blind-pair-empty backends-many backends-no-keys backends-one ddns-names flows-source-many guard-amneziawg-few guard-amneziawg-many
        guard-key-many listen-ports-none port-many rates-pair-one rates-pair-three""",
    'values contradict each other, or one needs another': """
        rates-nobody rates-pair-clients
        announce-followed announce-no-overlay announce-nobody backend-is-listen backend-is-listen6 backend-no-address
        backend-standby-place backends-and-backend backends-families backends-is-listen backends-keys-apart backends-none backends-source
        backends-standby blind-device-interface blind-pairs-unknown blind-pair-families blind-pair-shared
        blind-service-port flows-contradictions flows-source-backend
        flows-source-family follow-no-overlay follow-routes-nobody guard-challenge-amneziawg guard-challenge-none guard-no-key
        guard-profile-strict hairpin-none ipv6-dnat-no-ipv6 ipv6-dnat-no-listen ipv6-off-only-ipv6 listen-address-ipv6-direct
        listen-address-no-ipv4 listen-address-no-ipv6 listen-interface-and-addresses listen-interface-missing listen-missing
        listen-ports-missing masquerade-ipv6 masquerade-is-listen masquerade-listen none-where-dnat-listens none-with-addresses
        none-with-ipv6-dnat none-with-other-port peers-no-overlay rates-both rates-nothing rates-peer rates-peer-unknown rates-unknown shared-tc
        standby-direct""",
    'an address or prefix that no host has, a bit behind the length, a key of zeros': """
        allow-mapped backend-colons backend-link-local backend-loopback backend-loopback6 backend-mapped backend-multicast
        backend-multicast6 backend-unspecified backend-unspecified6 blind-pair-local blind-pair-loopback
        deny-host-bits guard-key-zero peer-key-zero listen-address-broadcast
        listen-address-compatible listen-address-link-local listen-address-loopback listen-address-loopback6 listen-address-mapped
        listen-address-multicast listen-address-multicast6 listen-address-unspecified listen-address-unspecified6 overlay-bits
        overlay-link-local overlay-multicast overlay-narrow overlay-wide overlay-within-link-local peer-prefix-holds-overlay
        peer-prefix-host-bits peer-prefix-is-overlay peer-prefix-link-local peer-prefix-outside""",
    'a name that wgxdp or the kernel uses': """
        blind-device-lo blind-service-name interface-lo interface-name-dots listen-interface-lo peer-device-lo""",
    'a number in another form, or a limit within a text': """
        announce-table deny-list-set-long port-float port-hex port-octal port-plus port-range-backwards port-range-high port-underscore
        rates-large rates-small rates-zero""",
    'YAML that wgxdp does not support': 'syntax-comment-space unknown-merge-key',
}

VALUES = '''
    10 0 -1 007 1.5 true false off on all a wg0 a_b a.b a/b a-b -a +a 1- 192.0.2.7 192.0.2.300 192.0.2.0/24 192.0.2.0/33 0.0.0.0
    "2001:db8::1" "2001:db8::/48" "fd12:3456:789a::/48" "::10" "::1" "fe80::1" "::ffff:192.0.2.1" "1:2" host.example.net host.example.net.
    example..net 51820 65535 65536 20000-20010 9-8 4294967295 4294967296 5s 1s 86400s 86401s 20/s 0/s 1000001/s main local 1280 9216 300
    25 3 ff "0xff" ffff fffff YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY= YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTZ= "127.0.0.1:9851"
    "[::1]:9851" "[::1]" wan dnat auto hand /usr/bin/true https://example.net ftp://example.net A AAAA ovh-eu masquerade established
    echo-request "10" "true" "" ÄÖ [] {}'''.split()
FEW = os.environ.get('WGXDP_TIER') == 'core'   # then a third of the values, and those about which BROKEN must complain
VALUES += ['"service office"', '"two words"', '[ a, b ]', '[ [ a, b ] ]', '[ 10.0.0.0/8 ]', '[ 51820 ]', '{ a: b }', '{ port: 1 }', '',
           64 * 'a', 300 * 'a']
VALUES = [value for n, value in enumerate(VALUES) if not FEW or n % 3 == 0 or value in ('65535', 'dnat', '10')]


# ---- YAML ----

@functools.cache
def load(path):
    """Returns the content by YAML 1.2, as editors read it."""
    with open(path, encoding='utf-8') as f:
        return YAML(typ='safe', pure=True).load(f)


def places(node, path=()):
    """Paths of all values."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield path + (key,), value
        yield from places(value, path + (key,))


def united(paths):
    """Returns the content of all files together, and the file and the path there of each of its values. Lists are joined.
    The first of two texts or numbers remains."""
    content, origin = {}, {}

    def unite(into, node, at, path, there):
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            to = key if isinstance(node, dict) else len(into)
            new = type(value)() if isinstance(value, (dict, list)) else value
            if isinstance(node, list):
                into.append(new)
            elif not isinstance(into.setdefault(to, new), type(new)):
                continue
            origin.setdefault(at + (to,), (path, there + (key,)))
            if isinstance(new, (dict, list)):
                unite(into[to], value, at + (to,), path, there + (key,))

    for path in paths:
        unite(content, load(path), (), path, ())
    return content, origin


def write(node, instead, path=(), indent=''):
    """Returns the lines of a YAML text, each with the path of its value. `instead` has texts for some values."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        here = path + (key,)
        name = f'{indent}{key}:' if isinstance(node, dict) else f'{indent}-'
        if here in instead:
            yield f'{name} {instead[here]}', here
        elif isinstance(value, (dict, list)) and value:
            yield name, here
            yield from write(value, instead, here, indent + '  ')
        else:
            yield f'{name} {json.dumps(value)}', here


# ---- the program, and the schemas ----

@functools.cache
def printed(kind):
    return subprocess.run([WGXDP, 'schema', kind], check=True, stdout=subprocess.PIPE, text=True).stdout


@functools.cache
def refused_by_program(kind, lines):
    """Returns the paths with an error, and whether there is any error."""
    with tempfile.TemporaryDirectory() as directory:
        path = f'{directory}/file.yaml'
        with open(path, 'w', encoding='utf-8') as f:
            f.writelines(f'{line}\n' for line, _ in lines)
        command = ['check', path] if kind == 'config' else ['gen', 'hosts', path, '-o', f'{directory}/hosts', '--check']
        done = subprocess.run([WGXDP, *command], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding='utf-8')
    numbers = {int(n) for n in re.findall(r'^(?:.*/)?file\.yaml:(\d+):\d+: error:', done.stdout, re.M)}
    if not numbers and done.returncode not in (0, 1, 3):
        raise ValueError(f'{command}: {done.stdout}')
    return {lines[n - 1][1] for n in numbers}, done.returncode == 2


def refused_by_schema(schema, content):
    """Returns the paths with an error."""
    return {tuple(e.absolute_path) for e in jsonschema.Draft7Validator(schema).iter_errors(content)}


@functools.cache
def parsed(text):
    """Returns the content of a value as it stands behind a key."""
    return YAML(typ='safe', pure=True).load(f'key: {text}')['key']


def replaced(node, instead, path=()):
    """Returns a copy of the content with other values: the content of what write() returns, without parsing it all again."""
    if path in instead:
        return parsed(instead[path])
    if isinstance(node, dict):
        return {key: replaced(value, instead, path + (key,)) for key, value in node.items()}
    if isinstance(node, list):
        return [replaced(value, instead, path + (i,)) for i, value in enumerate(node)]
    return node


# ---- the checks: each yields its complaints ----

def check_files(schemas):
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(['make', '-s', 'install', f'DESTDIR={directory}', 'PREFIX=/usr'], check=True)
        for kind, name in FILES.items():
            jsonschema.Draft7Validator.check_schema(schemas[kind])
            with open(f'docs/schema/{name}', encoding='utf-8') as f:
                if json.load(f) != schemas[kind]:
                    yield f'docs/schema/{name} is not what `wgxdp schema {kind}` prints: make schema'
            if not os.path.exists(f'{directory}/usr/share/wgxdp/{name}'):
                yield f'make install leaves out {name}'
            for path in glob.glob(f'docs/examples/{kind}/*.yaml'):
                with open(path, encoding='utf-8') as f:
                    if f'\n# yaml-language-server: $schema=/usr/share/wgxdp/{name}\n' not in f.read():
                        yield f'{path} does not name its schema'


def check_examples(schemas):
    n = 0
    for kind, schema in schemas.items():
        for path in glob.glob(f'docs/examples/{kind}/*.yaml'):
            n += 1
            for error in jsonschema.Draft7Validator(schema).iter_errors(load(path)):
                yield f'{path}: {error.json_path}: {error.message}'
    if n < 30:
        yield f'only {n} examples'


def is_refused(schema, path):
    try:
        return bool(refused_by_schema(schema, load(path)))
    except (YAMLError, UnicodeDecodeError):
        return True


def check_bad(schemas):
    unseen = set(' '.join(UNSEEN.values()).split())
    refused = {os.path.basename(path).removesuffix('.yaml'): is_refused(schemas['config'], path)
               for path in glob.glob('tests/config/bad/*.yaml')}
    for name in sorted(name for name in refused if refused[name] == (name in unseen)):
        yield f'tests/config/bad/{name}.yaml: the schema {"refuses it, but UNSEEN lists it" if refused[name] else "does not refuse it"}'
    if sum(refused.values()) < 150:
        yield f'only {sum(refused.values())} of {len(refused)} bad files are refused'


def replaceable(kind):
    """Yields contents, the origin of their values, and the paths to replace in them, so that each key is replaced somewhere.
    First come all files together. Then comes each file, with the keys that contradict others in the former."""
    paths = sorted(path for name in REPLACED[kind] for path in glob.glob(f'docs/examples/{kind}/{name}.yaml'))
    done = set()
    for some in [paths] + [[path] for path in paths]:
        content, origin = united(some)
        refused = refused_by_program(kind, tuple(write(content, {})))[0]
        key_of = {p: (tuple('*' if isinstance(k, int) else k for k in p), isinstance(value, (dict, list))) for p, value in places(content)}
        found = [p for p in key_of if p not in refused and key_of[p] not in done]
        done |= {key_of[p] for p in found}
        scalars = [p for p in found if not key_of[p][1]]
        deeper = [p for p in found if key_of[p][1]] if kind == 'config' else []
        yield content, origin, [scalars] + [[p for p in deeper if len(p) == depth] for depth in sorted({len(p) for p in deeper})]


def check_accepted(schemas):
    """Many values are replaced at once. The program must name each place that the schema refuses. It names some mistakes
    only when others are gone, so it is asked again with the rest. A place that it never names is replaced alone."""
    for kind, schema in schemas.items():
        for content, origin, batches in replaceable(kind):
            for value, batch in itertools.product(VALUES, batches):
                doubtful = named = refused_by_schema(schema, replaced(content, dict.fromkeys(batch, value))) & set(batch)
                while named:
                    named = doubtful & refused_by_program(kind, tuple(write(content, dict.fromkeys(doubtful, value))))[0]
                    doubtful -= named
                for path, p in (origin[p] for p in doubtful):
                    instead = {p: value}
                    if not refused_by_program(kind, tuple(write(load(path), instead)))[1] and refused_by_schema(schema, replaced(load(path), instead)):
                        yield f'{path}: {"/".join(map(str, p))}: {value}: wgxdp accepts it, and the schema refuses it'


CHECKS = (check_files, check_examples, check_bad, check_accepted)


# ---- changes about which a check must complain ----

def keys_of(schema, *path):
    """Returns the properties of a mapping, or of the mappings of a list."""
    for key in path:
        schema = schema['properties'][key]
        schema = schema.get('items', schema)
    return schema['properties']


BROKEN = (
    (check_files, lambda s: keys_of(s['config']).pop('express')),
    (check_examples, lambda s: keys_of(s['config'], 'services').pop('hairpin')),
    (check_examples, lambda s: keys_of(s['topology'], 'gateways')['name'].update(pattern='^[a-z]$')),
    (check_bad, lambda s: s['config']['properties']['services']['items'].pop('additionalProperties')),
    (check_bad, lambda s: s['config']['properties']['services']['items'].pop('anyOf')),
    (check_bad, lambda s: keys_of(s['config'], 'services', 'listen')['ports']['items'].pop('maximum')),
    (check_bad, lambda s: keys_of(s['config'], 'peers')['public-key'].pop('pattern')),
    (check_accepted, lambda s: keys_of(s['config'], 'services', 'backend')['port'].update(maximum=65534)),
    (check_accepted, lambda s: keys_of(s['config'], 'services')['nat']['enum'].remove('dnat')),
    (check_accepted, lambda s: keys_of(s['topology'], 'sites')['subnet'].update(type='string')),
)


def main():
    schemas = {kind: json.loads(printed(kind)) for kind in FILES}
    if os.environ.get('BREAK'):
        BROKEN[3][1](schemas)
    complaints = [c for check in CHECKS for c in check(schemas)]
    for n, (check, change) in enumerate(BROKEN if not complaints else ()):
        broken = copy.deepcopy(schemas)
        change(broken)
        if not next(check(broken), None):
            complaints.append(f'{check.__name__} does not complain about change {n} of BROKEN')
    print('\n'.join(complaints) or 'the schemas and the program agree')
    return bool(complaints)


if __name__ == '__main__':
    sys.exit(main())
