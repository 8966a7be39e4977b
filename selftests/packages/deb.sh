#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 7200
# The Debian package, built on a bare Debian $SUITE, installs, upgrades without losing a packet, and is purged without
# a trace. $SUITE is bookworm; selftests/deb-SUITE.sh has others. It installs with its dependencies and starts
# nothing. `wgxdp up --wan … --to …` carries traffic. An upgrade to the next build, and its `wgxdp up`, lose no
# packet. After a removal nothing runs, and after a purge nothing is left. Then the same with systemd as the first
# process: the upgrade restarts the daemon and reloads what was brought up once, without losing a packet. After a
# removal no unit is active, and after a purge none is enabled. lintian reports neither error nor warning, and the
# package's autopkgtest passes. BREAK=1 takes it down and up again after the upgrade, whose lost packets must be seen.
# DEBS=DIR takes packages that scripts/deb has left there, without lintian and autopkgtest.
#
#     client uplink ---- wan firewall lan ---- eth wg-end        the firewall's programs are the package's, in the bare Debian
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

on_bare() { chroot "$bare" "$@"; }
wgxdp() { inside firewall chroot "$bare" wgxdp "$@"; }
apt() { # ARGUMENT...: by any command that enters the Debian
	"${enter:-on_bare}" env DEBIAN_FRONTEND=noninteractive apt-get -qqy --no-install-recommends --allow-downgrades -o Dpkg::Use-Pty=0 "$@" \
		> "$work/apt" 2>&1 || fail "apt-get $1: $(tail "$work/apt")"
}
files() {
	on_bare find / -xdev \( -path /proc -o -path /sys -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/cache -o -path /var/log \) -prune \
		-o -print | sort
}
nothing_is_loaded() { # WHEN
	local now
	now=$(on_host firewall)
	[[ $now == "$before" ]] || fail "$1: loaded: $now; before: $before"
	say "ok nothing is loaded $1"
}
forwards() { # WHEN
	local there
	there=$(arrived wg-end all_of_them)
	inside client "$udptool" send -n 100 -r 1000 uplink "$(mac firewall wan)" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
	expect "forwarded packets of 100, $1" $(($(arrived wg-end all_of_them) - there)) == 100
}
sends_on() { # while $work/hold exists
	while [[ -e $work/hold ]]; do
		inside client "$udptool" send -n 500 -r 1000 uplink "$1" 198.51.100.7:4000 "198.51.100.1:$port" > /dev/null
		echo 500
	done
}
without_loss() { # WHAT COMMAND...
	local there sender sent
	there=$(arrived wg-end all_of_them)
	touch "$work/hold"
	sends_on "$(mac firewall wan)" > "$work/sent" &
	sender=$!
	"${@:2}"
	rm "$work/hold"
	wait $sender
	sent=$(awk '{n += $1} END {print n + 0}' "$work/sent")
	expect 'packets meanwhile' "$sent" '>=' 1000
	expect "lost of $sent, $1" $((sent - $(arrived wg-end all_of_them) + there)) == 0
}

# --- the packages

suite=${SUITE:-bookworm}
debs=${DEBS:-$work}
package() { cd "$debs" && echo "wgxdp_$1"_*.deb; } # VERSION
if [[ ! -e $debs/$(package 0.1.1) ]]; then
	"$root/scripts/deb" -s "$suite" -l -t "$debs" > "$work/deb" || fail "scripts/deb -s $suite -l -t"
	holds '^forward *PASS' "$debs/build.log" || fail 'no autopkgtest has run'
	say "ok built on $suite, no warning and no error of lintian, autopkgtest passed"
	"$root/scripts/deb" -s "$suite" -v 0.1.1 "$debs" > "$work/deb" || fail "scripts/deb -s $suite -v 0.1.1"
fi

bare=$("$root/scripts/bare" -s "$suite" -k) || fail 'no bare Debian'
cgroup='' # for the system that boots
tidy() {
	[[ ! ${first:-} ]] || { kill -KILL "$first" && wait "$machine"; } 2> /dev/null || :
	[[ ! $cgroup ]] || find "$cgroup" -depth -type d -exec rmdir {} \;
	umount -l "$bare/proc" "$bare/sys/fs/bpf" "$bare/sys" 2> /dev/null || :
	rm -rf --one-file-system "$bare"
}
trap tidy EXIT
mount -t proc proc "$bare/proc"
mount -t sysfs sysfs "$bare/sys"
mount --bind /sys/fs/bpf "$bare/sys/fs/bpf"
cp "$debs/$(package 0.1.0)" "$debs/$(package 0.1.1)" "$bare/root"

firewall_network
count_arrivals wg-end all_of_them "udp dport $port"
quiet wg-end
before=$(on_host firewall)
apt update
files > "$work/files"

# --- by hand

apt install "/root/$(package 0.1.0)"
none_of_it_runs() { ! grep -lsz '^/usr/sbin/wgxdp$' /proc/[0-9]*/cmdline; }
none_of_it_runs || fail 'something of it was started'
nothing_is_loaded 'after the package came'
expect 'version' "$(wgxdp --version | head -n 1)" == 'wgxdp 0.1.0'
up() { wgxdp up --wan wan --to 192.168.1.10 > "$work/up" 2>&1 || fail "up: $(< "$work/up")"; }
up
forwards 'by the package'
upgrade() {
	apt install "/root/$(package 0.1.1)"
	expect 'version' "$(wgxdp --version | head -n 1)" == 'wgxdp 0.1.1'
	[[ ! ${BREAK:-} ]] || { wgxdp down && sleep 0.1; }
	up
}
without_loss 'over the upgrade' upgrade

apt remove wgxdp
nothing_is_loaded 'after it was removed'
is_gone() { # purge leaves nothing
	apt purge wgxdp
	apt autoremove --purge
	! on_bare dpkg-query -W wgxdp > "$work/dpkg" 2>&1 || fail "dpkg knows it: $(< "$work/dpkg")"
	files > "$work/files.after"
	expect 'files that purge leaves' \
		"$(comm -13 "$work/files" "$work/files.after" | grep -v '^/root/\|^/tmp/\|\.pyc$' | grep "${1:-}" | xargs)" == ''
}
is_gone

# --- with systemd

apt install systemd
umount -l "$bare/proc" "$bare/sys/fs/bpf" "$bare/sys"
boot() { # the root must be a mount point, because units have mount namespaces
	mount --bind "$bare" "$bare" && cd "$bare" && mount -t proc proc proc && mount -t sysfs sysfs sys && mount -t cgroup2 cgroup2 sys/fs/cgroup &&
		mount --bind /sys/fs/bpf sys/fs/bpf && mount -t tmpfs run run && mount --move . / &&
		exec chroot . /usr/bin/env -i container=selftest PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=no
}
export -f boot
export bare
mkdir "$work/cgroups"
mount -t cgroup2 cgroup2 "$work/cgroups"
cgroup=$(mktemp -d "$work/cgroups/selftest.XXXXXX")
(
	echo $BASHPID > "$cgroup/cgroup.procs"
	exec nsenter --net=/run/netns/firewall unshare --cgroup --pid --fork --mount --uts --ipc bash -c boot
) > "$work/boot" 2>&1 &
machine=$!
guest() { nsenter -t "$first" -m -p -n -C -r -w "$@"; }
enter=guest
has_booted() { first=$(pgrep -P $machine) && [[ $(guest systemctl is-system-running) =~ ^(running|degraded)$ ]]; }
wait_for 60 'systemd' has_booted
wgxdp() { guest wgxdp "$@"; }
units() { guest systemctl list-units --plain --no-legend "$@" 'wgxdp*' | awk '{print $1}' | xargs; }
pid() { guest systemctl show -p MainPID --value wgxdp-daemon; }

apt install "/root/$(package 0.1.0)"
expect 'units that are active after the package came' "$(units --state=active)" == ''
cat > "$bare/etc/wgxdp/wgxdp.yaml" << EOF
services:
  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
EOF
guest systemctl -q enable wgxdp.service wgxdp-daemon.service wgxdp-ddns.timer wgxdp@second.service wgxdp-endpoint@wgx.timer 2> "$work/enable" ||
	fail "$(< "$work/enable")"
guest systemctl start wgxdp-daemon wgxdp-ddns.timer || fail "$(guest journalctl -n 20 --no-pager)"
expect 'units that are active' "$(units --state=active)" == 'wgxdp-daemon.service wgxdp.service wgxdp-ddns.timer'
forwards 'by the daemon'
daemon=$(pid)
without_loss 'over an upgrade, with the daemon' apt install "/root/$(package 0.1.1)"
expect 'version' "$(wgxdp --version | head -n 1)" == 'wgxdp 0.1.1'
expect 'the daemon' "$(pid)" != "$daemon"
expect 'units that are active' "$(units --state=active)" == 'wgxdp-daemon.service wgxdp.service wgxdp-ddns.timer'
guest systemctl stop wgxdp-daemon
without_loss 'over an upgrade, without the daemon' apt install "/root/$(package 0.1.0)"
! grep -q 'reload failed' "$work/apt" || fail "$(grep 'reload failed' "$work/apt")"
expect 'units that are active' "$(units --state=active)" == 'wgxdp.service wgxdp-ddns.timer'
forwards 'after that'
guest systemctl start wgxdp-daemon
printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n' > "$bare/etc/systemd/system/wgxdp-rules.service" # `gen hosts` makes such a unit
guest systemctl start wgxdp-rules
apt remove wgxdp
expect 'units that are active, or failed, after it was removed' "$(units --state=active,failed,activating)" == wgxdp-rules.service
guest systemctl stop wgxdp-rules
rm "$bare/etc/systemd/system/wgxdp-rules.service"
nothing_is_loaded 'then'
is_gone wgxdp
guest systemctl poweroff --force --force || :
wait $machine || :
say ok
