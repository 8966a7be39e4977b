#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1800
# The Debian package on a bare Debian 12: it installs with what it needs and starts nothing; `wgxdp up --wan … --to …` carries traffic;
# an upgrade to the next build, and `wgxdp up` of that, loses no packet; removed, nothing of it runs any more; purged, nothing is left.
# lintian has no error to tell. BREAK=1 takes it down and up again after the upgrade, whose lost packets must be seen.
#
#     client uplink ---- wan firewall lan ---- eth wg-end        the firewall's programs are the package's, in the bare Debian
source "${BASH_SOURCE[0]%/*}/lib.sh"

on_bare() { chroot "$bare" "$@"; }
wgxdp() { inside firewall chroot "$bare" wgxdp "$@"; }
apt() { on_bare apt-get -qqy --no-install-recommends -o Dpkg::Use-Pty=0 "$@" > "$work/apt" 2>&1 || fail "apt-get $1: $(tail "$work/apt")"; }
files() { on_bare find / -xdev \( -path /proc -o -path /sys -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/log \) -prune -o -print | sort; }
programs() { on_host firewall; }
forwards() { # WHEN
	local before
	before=$(arrived wg-end all_of_them)
	inside client "$udptool" send -n 100 -r 1000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
	expect "of 100 forwarded, $1" $(($(arrived wg-end all_of_them) - before)) == 100
}

package() { cd "$work" && echo "wgxdp_$1"_*.deb; } # VERSION
"$root/scripts/deb" "$work" > "$work/deb" || fail 'scripts/deb'
"$root/scripts/deb" -v 0.1.1 "$work" > "$work/deb" || fail 'scripts/deb -v 0.1.1'
lintian --fail-on error "$work/$(package 0.1.0)" > "$work/lintian" 2>&1 || fail "lintian: $(< "$work/lintian")"
say "lintian: $(grep -c '^W:' "$work/lintian" || :) warnings, no errors"

bare=$("$root/scripts/bare" -k) || fail 'no bare Debian'
cleanup_bare() { umount -l "$bare/proc" "$bare/sys/fs/bpf" "$bare/sys" 2> /dev/null || :; rm -rf --one-file-system "$bare"; }
trap cleanup_bare EXIT
mount -t proc proc "$bare/proc"
mount -t sysfs sysfs "$bare/sys"
mount --bind /sys/fs/bpf "$bare/sys/fs/bpf"
cp "$work"/wgxdp_*.deb "$bare/root"

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
quiet wg-end
before=$(programs)
apt update
files > "$work/files"
apt install "/root/$(package 0.1.0)"
none_of_it_runs() { ! grep -lsz '^/usr/sbin/wgxdp$' /proc/[0-9]*/cmdline; }
none_of_it_runs || fail 'something of it was started'
expect 'what is loaded after the package came' "$(programs)" == "$before"
expect 'version' "$(wgxdp --version)" == 'wgxdp 0.1.0'
wgxdp up --wan wan --to 192.168.1.10 > "$work/up" 2>&1 || fail "up: $(< "$work/up")"
forwards 'by the package'

sent=$(arrived wg-end all_of_them)
start client "$udptool" send -n 60000 -r 1000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
sender=$!
apt install "/root/$(package 0.1.1)"
expect 'version' "$(wgxdp --version)" == 'wgxdp 0.1.1'
[[ ! ${BREAK:-} ]] || wgxdp down
wgxdp up --wan wan --to 192.168.1.10 > "$work/up" 2>&1 || fail "up after the upgrade: $(< "$work/up")"
kill -0 $sender || fail 'the traffic was over before the upgrade'
wait $sender
expect 'lost of 60000 over the upgrade' $((60000 - $(arrived wg-end all_of_them) + sent)) == 0

apt remove wgxdp
expect 'what is loaded after it was removed' "$(programs)" == "$before"
apt purge wgxdp
apt autoremove --purge
files > "$work/files.after"
expect 'files that purge leaves' "$(comm -13 "$work/files" "$work/files.after" | grep -v '^/root/\|^/tmp/\|\.pyc$' | xargs)" == ''
say ok
