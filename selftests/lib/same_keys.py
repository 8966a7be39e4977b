#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""same_keys WHOLE OTHER: checks that the configuration OTHER has every key of WHOLE (both JSON of fy-tool). It compares
services and backends of the same name. The items of any other list count together. Prints the number of keys, or
fails with the missing ones."""
import json
import sys

NAMED = ('services', 'backends')


def paths(value, here=''):
    if isinstance(value, dict):
        for key, below in value.items():
            yield f'{here}.{key}'
            yield from paths(below, f'{here}.{key}')
    elif isinstance(value, list):
        for item in value:
            named = here.rpartition('.')[2] in NAMED and isinstance(item, dict)
            yield from paths(item, f'{here}[{item.get("name")}]' if named else here)


whole, other = (set(paths(json.load(open(name)))) for name in sys.argv[1:])
if whole - other:
    sys.exit('keys that are not there: ' + ', '.join(sorted(path[1:] for path in whole - other)))
print(len(whole))
