#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# `scripts/vmrun -f` fetches the newest real and complete kernel of a series, from the machine's own sources or from
# another suite, in one package or in four. The other suite is of the same mirror. A failure leaves nothing in the
# cache and names what the archive has. apt-get and apt-cache are small scripts here: nothing is downloaded. BREAK=1
# makes vmrun accept a kernel without its modules.
# shellcheck disable=SC2016 # the dollars are those of the scripts below
set -euo pipefail
cd "$(dirname "$0")/../.."
fail() { echo "FAIL: $*"; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work"/{bin,own,archive,tmp}
export work PATH=$work/bin:$PATH TMPDIR=$work/tmp VMRUN_CACHE=$work/cache
sed "${BREAK:+s/whole = 0/whole = 1/}" scripts/vmrun > "$work/vmrun"
cp scripts/debian "$work"

script() { # NAME: a command of vmrun's, from standard input
	{ echo '#!/usr/bin/env bash'; cat; } > "$work/bin/$1"
	chmod +x "$work/bin/$1"
}
for name in qemu-system-x86_64 virtiofsd busybox cpio; do script $name < /dev/null; done
# Options come first; with -c, apt reads the archive instead of the machine's own sources
script apt-cache << 'EOF'
from=own
while [[ $1 == -* ]]; do
	[[ $1 != -c ]] || from=archive
	[[ $1 == --* ]] || shift
	shift
done
case $1 in
pkgnames) ls "$work/$from" ;;
show) shift; for name; do cat "$work/$from/$name" && echo; done ;;
esac
EOF
script apt-get << 'EOF'
echo "$*" >> "$work/calls"
from=own
while (($#)); do
	case $1 in
	-c) from=archive; shift ;;
	-o) shift; [[ $1 != Dir::Etc::sourcelist=* ]] || cp "${1#*=}" "$work/sources.list" ;;
	indextargets) printf '%s\n' "mirror:/other/ stable $work/keys:1 Other" "mirror:/debian/ bookworm $work/keys:1 Debian" \
		"mirror:/security/ bookworm-security $work/keys:2 Debian"; exit ;;
	download) shift; break ;;
	esac
	shift
done
for package; do
	name=${package%=*} kernel=${package#linux-*-} files=$work/deb
	kernel=${kernel%=*}
	[[ ! -e $work/outdated || $from == archive ]] || exit 100
	modules=$files/usr/lib/modules/$kernel
	mkdir -p "$files/DEBIAN" "$modules"
	printf '%s\n' "Package: $name" "Version: ${package#*=}" 'Architecture: all' 'Maintainer: none' 'Description: none' > "$files/DEBIAN/control"
	case $name in
	linux-image-6*) mkdir -p "$files/boot" "$modules/kernel" && : > "$files/boot/vmlinuz-$kernel" && : > "$modules/modules.builtin" && xz > "$modules/kernel/a.ko.xz" ;;
	linux-binary-*) : > "$modules/vmlinuz" ;;
	linux-modules-*) mkdir "$modules/kernel" && xz > "$modules/kernel/a.ko.xz" ;;
	linux-base-*) : > "$modules/modules.builtin" ;;
	esac < /dev/null
	dpkg-deb -Znone -b "$files" . > /dev/null
	rm -r "$files"
done
EOF
script depmod << 'EOF'
[[ -f lib/modules/$3/kernel/a.ko && -f usr/lib/modules/$3/kernel/a.ko ]] && : > "modules/$3/modules.dep.bin"
EOF

offer() { # FROM VERSION KERNEL...: a linux-image-KERNEL that holds the whole kernel
	local kernel
	for kernel in "${@:3}"; do
		printf '%s\n' "Package: linux-image-$kernel" "Version: $2" 'Depends: kmod, initramfs-tools (>= 0.120) | linux-initramfs-tool' \
			"Filename: pool/$kernel" > "$work/$1/linux-image-$kernel"
	done
}
offer_parts() { # VERSION KERNEL PART...: in the archive, an empty linux-image-KERNEL that depends on three parts, and those PARTs
	local part depends=kmod
	for part in base binary modules; do depends+=", linux-$part-$2 (= $1)"; done
	for part in image "${@:3}"; do
		printf '%s\n' "Package: linux-$part-$2" "Version: $1" "Depends: $depends" "Filename: pool/$part/$2" > "$work/archive/linux-$part-$2"
	done
}
for from in own archive; do
	offer $from 6.1.9-1 6.1.0-9-{,cloud-,rt-}amd64
	offer $from 6.1.10-1 6.1.0-10-{,cloud-,rt-}amd64
	offer $from 6.12.9-1 6.12-{,cloud-,rt-}amd64 6.12.9+deb12-{,cloud-,rt-}amd64
	offer $from 6.12.8-1 6.12.8+deb12-{,cloud-,rt-}amd64
done
offer archive 6.12.10-1 6.12.10+deb13-{,cloud-}amd64
offer own 6.1.11-1 6.1.0-11-cloud-amd64
sed -i /^Filename/d "$work/own/linux-image-6.1.0-11-cloud-amd64" # it is installed, but no source offers it any more
for flavour in '' cloud-; do
	offer_parts 7.2.6-1 "7.2.6+deb13-${flavour}amd64" base binary modules
	offer_parts 7.3.4-1 "7.3.4+deb13-${flavour}amd64" base binary modules
	offer_parts 7.3.5-1 "7.3.5+deb13-${flavour}amd64" base binary
	offer_parts 7.1.3-1 "7.1.3+deb13-${flavour}amd64" binary
done
printf 'Types: deb\nSigned-By: %s/keys\n' "$work" > "$work/keys"

fetches() { # KERNEL VERSION: -k KERNEL fetches VERSION
	local home=$VMRUN_CACHE/${1/\//-}
	rm -rf "$home"
	bash "$work/vmrun" -f -k "$1" > "$work/said" 2>&1 || fail "-k $1: $(< "$work/said")"
	[[ $(ls "$home/modules") == "$2" ]] || fail "-k $1 fetched $(ls "$home/modules"), not $2"
	[[ -f $home/vmlinuz && -f $home/modules/$2/kernel/a.ko && -f $home/modules/$2/modules.dep.bin ]] || fail "-k $1: incomplete: $(find "$home")"
	[[ $(ls "$home") == $'modules\nvmlinuz' ]] || fail "-k $1 leaves more than a kernel: $(ls "$home")"
}
refuses() { # KERNEL MESSAGE
	! bash "$work/vmrun" -f -k "$1" > "$work/said" 2>&1 || fail "-k $1 fetches a kernel"
	[[ $(< "$work/said") == *"$2"* ]] || fail "-k $1: no '$2' in: $(< "$work/said")"
}

fetches 6.1 6.1.0-10-cloud-amd64
fetches 6.1/full 6.1.0-10-amd64
fetches 6.12 6.12.9+deb12-cloud-amd64
fetches 6.12/full 6.12.9+deb12-amd64
fetches 6.12.8+deb12 6.12.8+deb12-cloud-amd64
[[ ! -e $work/sources.list ]] || fail 'vmrun reads other suites for a kernel that the machine itself has'
fetches 6.12.10+deb13 6.12.10+deb13-cloud-amd64
fetches 7.2/full 7.2.6+deb13-amd64
fetches 7.3 7.3.4+deb13-cloud-amd64
fetches newest 7.3.4+deb13-cloud-amd64
: > "$work/outdated"
fetches 6.12 6.12.10+deb13-cloud-amd64

: > "$work/calls"
bash "$work/vmrun" -f -k 6.12
[[ ! -s $work/calls ]] || fail "a kernel that is in the cache is fetched again: $(< "$work/calls")"
for suite in bookworm trixie testing sid; do
	grep -qxF "deb [signed-by=$work/keys] mirror:/debian/ $suite main" "$work/sources.list" || fail "no $suite in $(< "$work/sources.list")"
done
grep -qxF "deb [signed-by=$work/keys] mirror:/security/ bookworm-security main" "$work/sources.list" || fail 'no security updates'

refuses 7.1 'choose one of: 6.1 6.12 7.2 7.3'
refuses 9.9 'choose one of: 6.1 6.12 7.2 7.3'
refuses ../6.1 'not a kernel'
[[ ! $(find "$VMRUN_CACHE" -name 'new.*') ]] || fail "left in the cache: $(ls "$VMRUN_CACHE")"
echo 'vmrun fetches the newest complete kernel of each series'
