#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# The documents say what the program has, and the program has what they say.
"""This compares commands, options, reasons, maps, metrics, keys of the
configuration, examples, drivers. CHECKS lists the comparisons.

Then each check runs on texts with one thing missing or too much (MUST_FIND), and must complain."""
import functools
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..'))
WGXDP = os.path.realpath(os.path.join(os.environ.get('O', 'build'), 'wgxdp'))
MAN, CONFIG_MAN = 'docs/wgxdp.8', 'docs/wgxdp.yaml.5'
GRAMMAR = ['user/config/config.c'] + [f'user/config/config_{part}.c' for part in ('relay', 'guard', 'blind', 'endpoints', 'lists', 'rates', 'ddns')]
GUIDES = sorted(glob.glob('docs/guides/*.md'))
STAND_IN = {'PEER_KEY': 'jEaFbUKZjXhFFXbCqsN1oFfGF4bEGPHnuJNqLpYyYTk='}       # words that the reader of a page replaces
COMMON = {'-c', '--config', '-j', '--json'}                # options that the manual page describes once for all commands
SECTIONS = 'interfaces|services|peers|follow|policy|blind|endpoints|learn|rates|exporter|ddns'

changed = {}                    # file: its text while a check must complain


def read(path):
    if path in changed:
        return changed[path]
    with open(path, encoding='utf-8') as f:
        return f.read()


@functools.cache
def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def between(text, first, last):
    """Returns the lines from the first match of `first` to the next match of `last`, both included."""
    m = re.search(rf'{first}.*?(?:{last}|\Z)', text, re.M | re.S)
    return m.group(0) if m else ''


# ---- what they say: sets of words ----

def help_of(command=None):
    return output(WGXDP, *filter(None, [command]), '--help')


def options_in_help(command=None):
    return set(re.findall(r'(?<![-\w])--?[a-z][a-z0-9-]*', help_of(command)))


def commands_in_help():
    return re.findall(r'^  ([a-z]+) ', between(help_of(), '^Commands:$', '^$'), re.M)


def section(heading):
    """The manual page from a heading to the next one."""
    _, _, text = ('\n' + read(MAN)).partition(f'\n{heading}\n')
    return re.split(r'^\.S[hs] ', text, maxsplit=1, flags=re.M)[0]


def flags(text):
    """Options in mdoc: `Fl c , Fl -config Ar FILE` is -c and --config."""
    found = set()
    for line in text.splitlines():
        is_flag = False
        for word in line.split():
            if word in ('Fl', '.Fl'):
                is_flag = True
            elif re.fullmatch('[A-Z][a-z]', word):
                is_flag = False
            elif is_flag and re.fullmatch('-?[a-z][-a-z0-9]*', word):
                found.add('-' + word)
    return found


def items(text):
    return '\n'.join(line for line in text.splitlines() if line.startswith('.It'))


def reasons(kind):
    return set(re.findall(rf'^REASON\({kind}, ([a-z0-9_]+),', read('include/reasons.def'), re.M))


def reason_texts():
    """Returns the text of reasons.def for each reason."""
    found = re.findall(r'^REASON\([A-Z]+, ([a-z0-9_]+),((?:\s*"[^"]*")+)\)', read('include/reasons.def'), re.M)
    return {name: ''.join(re.findall('"([^"]*)"', text)) for name, text in found}


def reason_texts_in_page():
    return dict(re.findall(r'^\| `([a-z0-9_]+)` \| ([^|]*) \|', read('docs/reference/reasons.md'), re.M))


def reasons_in_reference(heading):
    """The words in backquotes in the first cells of tables, up to the next heading of this level."""
    cells = re.findall(r'^\| (`[^|]*`) \|', between(read('docs/reference/reasons.md'), f'^{heading}$', '^## '), re.M)
    return set(re.findall('[a-z0-9_]+', ' '.join(cells)))


def maps():
    text = re.sub(r'^LEARNED\(([a-z_]+),', r'MAP(\1, ARRAY,', read('bpf/maps.h'), flags=re.M)
    text = re.sub(r'^struct [a-z_]+ ([a-z_]+)(\[\w+\]| SEC\("\.data\..*"\));', r'MAP(\1, ARRAY,', text, flags=re.M)
    text = re.sub(r'^#ifdef WGXDP_HOST\nMAP.*?^#else', '', text, flags=re.M | re.S)
    return {' '.join(m) for m in re.findall(r'^(?:MAP|RING)\(([a-z_]+), ([A-Z_]+),', text, re.M)}


def maps_in_page():
    table = between(read('docs/inside/state.md'), '^## The maps$', '^### The map `table`$')
    return {' '.join(m) for m in re.findall(r'^\| ([a-z_]+) \| ([A-Z_]+)', table, re.M)}


def metrics():
    text = ''.join(read(f'user/show/{name}.c') for name in ('metrics', 'show_guard', 'show_relay'))
    return set(re.findall(r'[a-z]_family\((?:&s[.>-]+text|s|t|t, &v), "(wgxdp_[a-z_]+)"', text))


def metrics_in_page():
    cells = re.findall(r'^\| (`wgxdp[^|]*`) \|', read('docs/reference/metrics.md'), re.M)
    return set(re.findall('wgxdp_[a-z_]+', ' '.join(cells)))


def keys_of_daemon():
    """The keys that need a daemon"""
    text = between(read('user/instance/follower.c'), r'^const char \*follower_needed', '^}')
    return set(re.findall('"([a-z]+)"', text))


def keys_of_daemon_in_page():
    text = between(read('docs/guides/faq.md'), r'^\*\*What needs the daemon', r'^\*\*')
    return set(re.findall('`([a-z]+)`', text)) - {'deny', 'allow'}


def keys_of_daemon_in_manual():
    text = between(read('docs/wgxdp.8'), 'need a daemon: a DNS name of a backend', r'\.$')
    return set(re.findall('[a-z]+', text.split(' keys ')[1])) - {'and'}


def without_macros(text):
    """Replaces each use of a macro that has rows of a table by these rows."""
    for name, rows in re.findall(r'^#define (\w+_KEYS)\([^)]*\) \\\n((?:.*\\\n)*.*\n)', text, re.M):
        text = re.sub(rf'^\t{name}\(.*\),\n', rows.replace('\\', ''), text, flags=re.M)
    return text


def keys():
    """Keys of the configuration, each behind its section; the sections themselves have none."""
    found = set()
    for path in GRAMMAR:
        for name, table in re.findall(r'^(?:static const struct yaml_key |const struct yaml_key config_)(\w+)_keys\[\] = (.*?)^}',
                                      without_macros(read(path)), re.M | re.S):
            name = 'section' if name == 'config' else name.removesuffix('s')
            found |= {f'{name} {key}' for key in re.findall(r'^\t\{ (?:\.name = )?"([^"]*)"', table, re.M)}
    return found


def keys_in_page():
    found = set()
    for name, text in re.findall(r'^\.Ss (\S+).*\n((?:(?!\.S[hs] ).*\n)*)', read(CONFIG_MAN), re.M):
        if re.fullmatch(f'{SECTIONS}|announce|express|express-entries|running', name):
            found.add(f'section {name}')
        found |= {f"{name.removesuffix('s')} {key}" for key in re.findall(r'^\.It Cm (\S+)', text, re.M)}
    return found


def values():
    """Words that a value may be: `origin hand`."""
    found = set()
    for path in ['user/lib/yaml_map.c'] + [f'user/config/config{part}.c' for part in ('', '_value', '_relay', '_guard', '_endpoints')]:
        for name, words in re.findall(r'^(?:static )?const char \*const (?:config_|yaml_)?([a-z0-9]+)_names\[\] = \{(.*?)NULL\s*\};', read(path),
                                      re.M | re.S):
            found |= {f"{'shared' if name == 'flag' else name} {word}" for word in re.findall('"([^"]*)"', words) if word}
    return found


def values_in_page():
    found, key = set(), ''
    for line in read(CONFIG_MAN).splitlines():
        words = line.split()
        if re.match(r'\.(S[hs]|It) ', line):
            key = words[2] if words[0] == '.It' and len(words) > 2 else words[1] if words[0] == '.Ss' and words[1].startswith('express') else ''
        elif words[:1] == ['.Cm'] and key in ('mode', 'nat', 'role', 'ipv6', 'df', 'shared', 'origin', 'reject', 'profile', 'by', 'page', 'express', 'transmit'):
            found.add(f'{key} {words[1]}')
    return found - {'mode up', 'origin running', 'origin save'}        # other words than values


def drivers():
    """Drivers that transmit from XDP in Linux 6.1. veth and bonds are known by their kind."""
    return set(re.findall('"([^"]+)"', between(read('user/plan/transmit.c'), r'^static const char \*const known\[\] = \{$', '^};$')))


def drivers_in_page():
    """In the columns below `driver` and `transmits`"""
    found, column = set(), None
    for line in read('docs/reference/hardware.md').splitlines():
        cells = [cell.strip() for cell in line.split('|')]
        if line.startswith('| driver '):
            column = cells.index('transmits') if 'transmits' in cells else column
        elif not line:
            column = None
        elif line.startswith('| `') and column and re.match(r'6\.1( |$)', cells[column]):
            found |= set(re.findall('`([^`]+)`', cells[1]))
    return found - {'veth', 'bonding'}


def drop_in():
    return {line for line in read('scripts/systemd/shared.conf').splitlines() if not line.startswith('#')}


def drop_in_in_guide():
    return set(re.findall('^    (.*)', between(read('docs/guides/interfaces.md'), '^The file shared.conf contains these lines:$', '^#'), re.M))


def configurations(path):
    """Configurations in a guide or a manual page."""
    text = read(path)
    found = []
    if path.endswith('.5'):
        examples = text.partition('\n.Sh EXAMPLES\n')[2]
        found = [e.replace(r'\(dq', '"') for e in re.findall(r'^\.Bd -literal[^\n]*\n(.*?)^\.Ed', examples, re.M | re.S)]
    else:
        found += [re.sub(f'^{indent}', '', e, flags=re.M)
                  for e, indent in re.findall(rf'^(( {{4,7}})(?:{SECTIONS}):.*\n(?:\2.*\n)*)', text, re.M)]
        found += [e for e in re.findall(r'^```yaml\n(.*?)^```$', text, re.M | re.S) if re.match(f'({SECTIONS}):', e)]
    return found


# ---- whether they agree: each check yields its complaints ----

def same(what, one, its_words, other, other_words):
    for word in sorted(its_words - other_words):
        yield f'{what} {word}: in {one}, not in {other}'
    for word in sorted(other_words - its_words):
        yield f'{what} {word}: in {other}, not in {one}'


def check_commands():
    page = between(read(MAN), r'^\.Sh DESCRIPTION$', r'^\.Sh MODES$')
    if commands_in_help() != (sections := re.findall(r'^\.Ss (.*)', page, re.M)):
        yield f'commands in --help: {commands_in_help()}, in the manual page: {sections}'
    yield from same('option', '--help', options_in_help() | COMMON, 'the manual page, DESCRIPTION', flags(items(section('.Sh DESCRIPTION'))))
    for command in commands_in_help():
        yield from same('option', f'{command} --help', options_in_help(command), f'the manual page, {command}', flags(items(section(f'.Ss {command}'))))
    of_etcd = set(sum(re.findall(r'^  (?:(-[a-z]), )?(--?[a-z-]+)', output('scripts/wgxdp-etcd', '--help'), re.M), ())) - {''}
    yield from same('option', 'wgxdp-etcd --help', of_etcd, 'its manual page', flags('\n'.join(
        line for line in read('docs/wgxdp-etcd.8').splitlines() if line.startswith('.It Fl'))))


def check_order():
    """The options of a command, and the keys of a section, are in the order of the alphabet."""
    for path, kind in ((MAN, 'Fl'), (CONFIG_MAN, 'Cm'), ('docs/wgxdp-topology.5', 'Cm')):
        page = between(read(path), r'^\.Sh DESCRIPTION$', r'^\.Sh (?!DESCRIPTION)')
        for section_text in re.split(r'^\.Ss ', page, flags=re.M):
            for items_text in re.findall(r'^\.Bl -tag -width Ds\n(.*?)^\.El', section_text, re.M | re.S):
                names = [name.lstrip('-') for name in re.findall(rf'^\.It {kind} (\S+)', items_text, re.M)]
                # keys that share a text stand together: ipv4, ipv6 and port of a backend
                names = [name for name in names if name not in ('ipv6', 'port')] if 'ipv4' in names else names
                if names != sorted(names):
                    yield f"{path}: {section_text.split(chr(10), 1)[0]}: {' '.join(names)} are not sorted"


def check_format():
    """Runs a formatter on the manual pages. Without a formatter, it checks nothing."""
    command = ['mandoc', '-T', 'lint', '-W', 'warning'] if shutil.which('mandoc') else ['groff', '-mandoc', '-ww', '-Tutf8', '-z']
    for page in glob.glob('docs/*.[58]') if shutil.which(command[0]) else ():
        said = subprocess.run([*command, page], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        if said:
            yield f'{page}: {said}'


def check_reasons():
    yield from same('reason to pass', 'reasons.def', reasons('PASS'), 'docs/reference/reasons.md', reasons_in_reference('## Passed up'))
    yield from same('reason to drop', 'reasons.def', reasons('DROP'), 'docs/reference/reasons.md', reasons_in_reference('## Dropped'))


def check_reason_texts():
    page = reason_texts_in_page()
    for name, text in reason_texts().items():
        if page.get(name) != text:
            yield f'reason {name}: reasons.def says "{text}", and reasons.md "{page.get(name)}"'


def check_maps():
    yield from same('map', 'bpf/maps.h', maps(), 'docs/inside/state.md', maps_in_page())


def check_keys():
    yield from same('key', 'the grammar', keys(), CONFIG_MAN, keys_in_page())
    yield from same('value', 'the grammar', values(), CONFIG_MAN, values_in_page())
    entries = re.search(r'#define EXPRESS_ENTRIES (\d+)', read('include/abi_express.h'))[1]
    if f'The default is {entries},' not in read(CONFIG_MAN):
        yield f'{CONFIG_MAN}: express-entries: the default is {entries}'


def check_examples():
    """Each is valid, whatever this host lacks for it (exit status 3)."""
    examples = [(path, text) for path in [CONFIG_MAN, *GUIDES] if not changed or path in changed for text in configurations(path)]
    for path, text in examples:
        for word, value in STAND_IN.items():
            text = text.replace(word, value)
        done = subprocess.run([WGXDP, 'check', '-c', '-'], check=False, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode not in (0, 3):
            yield f'{path}: an example of the configuration: {done.stdout}'
    if not changed and len(examples) < 20:
        yield f'only {len(examples)} examples of a configuration'


def check_drop_in():
    yield from same('line', 'scripts/systemd/shared.conf', drop_in(), 'the guide', drop_in_in_guide())


def check_drivers():
    yield from same('driver', 'user/plan/transmit.c', drivers(), 'docs/reference/hardware.md', drivers_in_page())


def check_daemon():
    yield from same('key', 'follower_needed()', keys_of_daemon(), 'docs/guides/faq.md', keys_of_daemon_in_page())
    yield from same('key', 'follower_needed()', keys_of_daemon(), 'docs/wgxdp.8', keys_of_daemon_in_manual())


def check_metrics():
    yield from same('metric', 'user/show/metrics.c', metrics(), 'docs/reference/metrics.md', metrics_in_page())


def check_installed():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(['make', '-s', 'install', f'DESTDIR={directory}', 'PREFIX=/usr'], check=True)
        for page in glob.glob('docs/*.[58]'):
            path = f'{directory}/usr/share/man/man{page[-1]}/{os.path.basename(page)}'
            if not os.path.exists(path) or open(path, encoding='utf-8').read() != read(page):
                yield f'make install leaves out {page}'


def check_enough():
    """Whether the checks find what they compare."""
    for what, found, least in (('keys', keys(), 25), ('values', values(), 15), ('maps', maps(), 10), ('reasons', reasons('PASS'), 10),
                               ('options of up', options_in_help('up'), 8), ('metrics', metrics(), 20), ('drivers', drivers(), 20),
                               ('lines of the drop-in', drop_in(), 3)):
        if len(found) < least:
            yield f'only {len(found)} {what} were compared'


CHECKS = (check_format, check_commands, check_order, check_reasons, check_reason_texts, check_maps, check_keys, check_examples,
          check_drop_in, check_metrics, check_daemon, check_drivers, check_installed, check_enough)

# ---- a check, a file, and a change of it about which the check must complain ----

MUST_FIND = (
    (check_commands, MAN, r'^\.It Fl -lan.*\n', ''),
    (check_commands, MAN, r'^\.It Fl j , Fl -json', '.It Fl -json'),
    (check_commands, MAN, r'^\.It Fl -version', '.It Fl -release'),
    (check_commands, MAN, r'^\.Ss down', '.Ss off'),
    (check_commands, MAN, r'(^\.Ss up\n(?:(?!\.Ss ).*\n)*?\.It Fl )-mode', r'\1-frob'),
    (check_order, MAN, r'^\.It Fl -express', '.It Fl -zexpress'),
    (check_order, CONFIG_MAN, r'^\.It Cm transmit', '.It Cm a'),
    (check_commands, 'docs/wgxdp-etcd.8', r'^\.It Fl -once.*\n', ''),
    (check_reasons, 'docs/reference/reasons.md', '`hop_limit`', 'hop limit'),
    (check_reasons, 'docs/reference/reasons.md', '`unrouted`', '`unroutable`'),
    (check_reasons, 'docs/reference/reasons.md', '^## Dropped$', '## Others'),
    (check_reasons, 'include/reasons.def', r'\Z', 'REASON(PASS, frobbed, "text")\n'),
    (check_reason_texts, 'docs/reference/reasons.md', 'is longer than the MTU', 'exceeds the MTU'),
    (check_reason_texts, 'include/reasons.def', 'has no free port', 'has no port left'),
    (check_keys, CONFIG_MAN, r'^\.It Cm shared.*\n', ''),
    (check_keys, CONFIG_MAN, r'^\.Cm report ,', '.Cm tell ,'),
    (check_keys, CONFIG_MAN, r'^\.It Cm pairs.*\n', ''),
    (check_keys, CONFIG_MAN, r'(^\.Ss pair\n(?:(?!\.Ss ).*\n)*?)\.It Cm peer\n', r'\1'),
    (check_keys, CONFIG_MAN, r'^\.It Cm credentials.*\n', ''),
    (check_keys, GRAMMAR[0], r'^\t\{ "df", yaml_set_choice', '\t{ "frob", yaml_set_text, "x" },\n\\g<0>'),
    (check_keys, 'include/abi_express.h', 'EXPRESS_ENTRIES [0-9]+', 'EXPRESS_ENTRIES 8192'),
    (check_examples, CONFIG_MAN, 'role: lan }', 'role: dmz }'),
    (check_examples, 'docs/guides/dns.md', r'      names: \[', '      name: ['),
    (check_examples, 'docs/guides/road-warrior.md', 'knock: { port', 'knock: { ports'),
    (check_examples, 'docs/guides/endpoint.md', 'interface: wg0, peer', 'device: wg0, peer'),
    (check_examples, 'docs/guides/vps.md', '^    ipv6: off', '    ipv6: of'),
    (check_examples, 'docs/guides/firewall.md', '^    listen: { interface', '    listen: { device'),
    (check_examples, 'docs/guides/blind.md', r'      pairs: \[', '      pair: ['),
    (check_maps, 'docs/inside/state.md', r'^\| states \|.*\n', ''),
    (check_maps, 'docs/inside/state.md', r'^\| choices \| ARRAY', '| choices | HASH'),
    (check_maps, 'docs/inside/state.md', r'^\| names \| ', '| titles | '),
    (check_maps, 'bpf/maps.h', r'\Z', 'MAP(frobs, HASH, __u32, __u32, 1, 0);\n'),
    (check_daemon, 'docs/guides/faq.md', '`announce`', '`announced`'),
    (check_metrics, 'docs/reference/metrics.md', '`wgxdp_map_entries`', '`wgxdp_map_rows`'),
    (check_drivers, 'user/plan/transmit.c', '"mana",', ''),
    (check_drivers, 'docs/reference/hardware.md', r'^\| `ena` .*\n', ''),
    (check_drivers, 'docs/reference/hardware.md', r'^\| `igb` \| 5\.10 \| 6\.1 \|', '| `igb` | 5.10 | 6.12 |'),
    (check_drop_in, 'scripts/systemd/shared.conf', 'ADMIN$', r'\g<0> CAP_KILL'),
)


def unfound(check, path, pattern, new):
    text, n = re.subn(pattern, new, read(path), flags=re.M)
    if not n:
        return f'{pattern!r} is not in {path}'
    changed[path] = text
    found = next(check(), None)
    del changed[path]
    return None if found else f'{check.__name__} does not complain after {pattern!r} in {path}'


def main():
    complaints = [c for check in CHECKS for c in check()]
    if not complaints:
        complaints = [c for change in MUST_FIND if (c := unfound(*change))]
    print('\n'.join(complaints) or 'help texts, manual pages, guides, design, reasons, maps and keys say the same')
    return bool(complaints)


if __name__ == '__main__':
    sys.exit(main())
