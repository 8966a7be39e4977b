#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands as root follow no directory and no link that another user has made on bpffs. `up` refuses them and names
# the fix. bpffs has mode 1777, as `mount -t bpf bpf` makes it. A user without privileges creates the directory of
# pins before wgxdp. It is the user's directory, a symbolic link to one, a directory that anyone may write to, the
# directory of an instance, or one with a link that leads elsewhere. `up` refuses each, names the owner and the fix,
# and loads nothing. `show` does not read the contents. After the fix `up` works. BREAK=1: root creates it, and `up`
# works.
#
#     client  .7 -- 198.51.100.0/24 -- .1 wan firewall .1 lan -- 192.168.1.0/24 -- .10 wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

pins=/sys/fs/bpf/wgxdp stranger=4711
stranger() { setpriv --reuid "$stranger" --regid "$stranger" --clear-groups "$@"; }
[[ ! ${BREAK:-} ]] || stranger() { "$@"; }
up() { wgxdp up --wan wan --to 192.168.1.10; }

refused() { # WHAT OWNER
	local status=0
	up > "$work/out" 2>&1 || status=$?
	expect "$1: up: status" "$status" == 1
	grep -q "other users could replace programs there, because it is .* of user $2 with mode .* run .rm -r $pins" "$work/out" || fail "$1: up says $(< "$work/out")"
	expect "$1: programs on wan" "$(inside firewall ip link show wan | grep -c xdp)" == 0
	say "ok $1: $(< "$work/out")"
}

firewall_network
chmod 1777 /sys/fs/bpf

stranger mkdir -m 0755 "$pins"
refused "a stranger's directory" $stranger
stranger mkdir "$pins/default"
stranger bpftool map create "$pins/default/control" type array key 4 value 4 entries 1 name control 2> /dev/null ||
	bpftool map create "$pins/default/control" type array key 4 value 4 entries 1 name control
! wgxdp show > "$work/out" 2>&1 || fail "show reads what a stranger pinned: $(< "$work/out")"
grep -q 'other users could replace programs there' "$work/out" || fail "show says $(< "$work/out")"
rm -r "$pins"

stranger mkdir -m 0755 /sys/fs/bpf/other
stranger ln -s other "$pins"
refused 'a symbolic link' $stranger
rm "$pins"

mkdir -m 0777 "$pins"
chmod 0777 "$pins"
refused 'a directory that anybody may write to' 0
stranger mkdir "$pins/default~new"
chmod 0755 "$pins"
refused "a stranger's instance" $stranger
rm -r "$pins"

# The next `up` removes what a broken `up` left, and so does `down`, but never through a stranger's link
mkdir "$work/victim"
touch "$work/victim/file"
stranger mkdir "$pins"
stranger ln -s "$work/victim" "$pins/default~new"
refused "a stranger's link in it" $stranger
! wgxdp down > "$work/out" 2>&1 || fail 'down follows it'
[[ -e $work/victim/file ]] || fail 'a file was removed through it'
rm -r "$pins"

# libxdp's directory, with shared: true
rm -rf /sys/fs/bpf/xdp # iproute2's link to tc
stranger mkdir -m 0755 /sys/fs/bpf/xdp
cat > "$work/shared.yaml" <<- EOF
	interfaces: [ { name: wan, role: wan, shared: true } ]
	services: [ { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } } ]
EOF
pins=/sys/fs/bpf/xdp
up() { wgxdp up -c "$work/shared.yaml"; }
refused "libxdp's directory is a stranger's" $stranger
rm -r /sys/fs/bpf/xdp
pins=/sys/fs/bpf/wgxdp
up() { wgxdp up --wan wan --to 192.168.1.10; }

service_file dnat
wgxdp doctor -c "$work/wgxdp.yaml" > "$work/out" 2>&1 || :
grep -q 'chmod 0700 /sys/fs/bpf' "$work/out" || fail "doctor does not say that anybody may write to bpffs: $(grep -i bpffs "$work/out")"
up
expect 'mode of the pins' "$(stat -c %u:%a "$pins")" == 0:700
wgxdp down
say ok
