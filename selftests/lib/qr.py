#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qr.py FILE: turns a QR code in half blocks (light ones drawn) into a picture (PBM) for decoders."""
import sys

SCALE = 4

with open(sys.argv[1], encoding="utf-8") as file:
    lines = file.read().splitlines()
rows = [[mark not in half for mark in line] for line in lines for half in ("█▀", "█▄")]
print(f"P1\n{len(rows[0]) * SCALE} {len(rows) * SCALE}")
for row in rows:
    for _ in range(SCALE):
        print(*(int(dark) for dark in row for _ in range(SCALE)))
