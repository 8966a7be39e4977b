#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# The data path compiles without a warning for a big-endian kernel too, from the same sources. clang and the kernel's
# headers have that byte order. No test runs it there. BREAK=1 keeps this machine's byte order in clang.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# asm/byteorder.h, which has this machine's order, is not read any more
cat > "$work/order.h" << 'END'
#define _ASM_X86_BYTEORDER_H
#define __ASM_BYTEORDER_H
#include <linux/byteorder/big_endian.h>
#include <asm/byteorder.h>
#if defined(__LITTLE_ENDIAN_BITFIELD) || __BYTE_ORDER__ != __ORDER_BIG_ENDIAN__
#error the headers and clang are not of one mind
#endif
END
target=bpfeb
[[ ! ${BREAK:-} ]] || target=bpfel
for object in wgxdp tracing; do
	make -s O="$work" BPF_CFLAGS="-target $target -O2 -g -include $work/order.h" "$work/$object.bpf.o"
	readelf -h "$work/$object.bpf.o" > "$work/says"
	if ! grep -q 'big endian' "$work/says" || ! grep -q 'Machine:.*BPF' "$work/says"; then
		cat "$work/says"
		exit 1
	fi
	echo "$object: $(stat -c %s "$work/$object.bpf.o") bytes"
done
