#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 3600
# Two builds of these sources give the same program and the same objects of the data path, byte for byte. The second
# build runs in another directory, from sources with other dates, in a build directory of another name. It runs later,
# on a host of another name, by a user with another home, time zone, locale and umask. BREAK=1 lets the compilers
# record their paths; BREAK=2 puts the build time into the program.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

a=$work/one b="$work/another-place/with-a-longer-name"
map=()
[[ ${BREAK:-} != 1 ]] || map=(PREFIX_MAP=)
for copy in "$a" "$b"; do
	mkdir -p "$copy"
	cp -r Makefile VERSION bpf user include scripts docs "$copy"
	[[ ${BREAK:-} != 2 ]] || echo 'const char when[] __attribute__((used)) = __TIME__;' >> "$copy/user/lib/addr.c"
done
find "$b" -type f -exec touch -d '2021-03-04 05:06:07' {} +
unset O MAKEFLAGS

make_in() { # DIRECTORY UMASK HOSTNAME BUILD TARGET ENVIRONMENT...
	# shellcheck disable=SC2016 # for the shell inside
	(umask "$2" && exec unshare --uts sh -c 'hostname "$0" && exec env "$@"' "$3" "${@:6}" make -C "$1" O="$4" "${map[@]}" "$4/$5") \
		> "$work/log" 2>&1 || fail "make $5: $(tail "$work/log")"
}
for target in wgxdp.bpf.o tracing.bpf.o user/lib/addr.o wgxdp; do # the last one contains the time
	make_in "$a" 022 one build "$target" TZ=UTC LC_ALL=C HOME=/root USER=root
	sleep 1
	make_in "$b" 077 another.example their-objects "$target" TZ=Pacific/Kiritimati LC_ALL=C.UTF-8 HOME=/nonexistent USER=nobody
	cmp "$a/build/$target" "$b/their-objects/$target" || fail "$target is another one"
	say "ok the same: $target, $(stat -c %s "$a/build/$target") bytes"
done
n=0
while IFS= read -r file; do
	cmp "$a/build/$file" "$b/their-objects/$file" || fail "$file is another one"
	n=$((n + 1))
done < <(cd "$a/build" && find . -name '*.o' -o -name '*.h' | sort)
expect 'other files of the builds that are the same' $n '>' 200
