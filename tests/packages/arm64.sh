#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 3000
# The program builds for arm64 with Debian's cross compiler, and its unit tests pass on an emulated CPU (qemu-user).
# They run under UBSan, with those of the host plane. The libraries for that architecture are Debian's, unpacked into
# a directory and kept for a week. BREAK=1 runs the tests without these libraries.
set -euo pipefail
cd "$(dirname "$0")/../.."

# They ask a kernel for what qemu-user does not pass on: maps and programs, parts of netlink, and openat2() (gen)
others=(blake2s flows gen limits netlink relay_size)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/wgxdp-arm64
root=$cache/root
build=${O:-build}/arm64
mkdir -p "$cache"

unpack() {
	local packages
	packages=$(scripts/deps -l test | grep -E '^(lib.*|linux-libc|zlib1g-)-?dev$' | grep -v '^libclang' | paste -sd ,),"libgcc-$(gcc -dumpversion)-dev" # has libubsan
	scripts/debian own "$root" --architectures=arm64 --variant=extract --include="$packages"
	# An absolute link, such as libcrypt.so, would lead to the files of this machine
	find "$root" -lname '/*' -printf '%l %p\n' | while read -r to link; do ln -sfn "$root$to" "$link"; done
	touch "$root"
}

[[ $(find "$root" -maxdepth 0 -mtime -7 2> /dev/null) ]] || unpack
programs=()
for file in tests/unit/unit_*.c; do
	name=$(basename "$file" .c)
	[[ " ${others[*]} " == *" ${name#unit_} "* ]] || programs+=("$build/tests/$name")
done
export PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig:$root/usr/share/pkgconfig
# -Wno-…: of a pointer to a variable of a test that cmocka would leave by longjmp()
make -s -j"$(nproc)" O="$build" CC="aarch64-linux-gnu-gcc --sysroot=$root" all "${programs[@]}" \
	UNIT_CFLAGS='-fsanitize=undefined -fno-sanitize-recover=undefined -Wno-dangling-pointer'
[[ ! ${BREAK:-} ]] || root=/nowhere
qemu-aarch64 -L "$root" "$build/wgxdp" --version
passed=0 failed=0
for program in "${programs[@]}"; do
	name=${program##*/}
	if timeout 900 qemu-aarch64 -L "$root" "$program" > "$build/$name.log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL $name, the end of $build/$name.log:"
		tail -n 5 "$build/$name.log"
	fi
done
echo "$passed passed, $failed failed"
((!failed))
