# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hosts that run from the files of `wgxdp gen hosts`, without edits. Each has its own network, /etc (this machine's
# below the installed files), WireGuard sockets, bpffs and running configuration. So the names in the files, wg0 on
# every host, need not change.

mkdir -p "${work:?}/bin"
# wg-quick calls resolvconf for DNS lines
cat > "$work/bin/resolvconf" << 'EOF'
#!/bin/sh
case $1 in
-a) cat > /etc/resolv.conf ;;
-d) : > /etc/resolv.conf ;;
esac
EOF
chmod 755 "$work/bin/resolvconf"

# Run by bash with the host's name: what systemd-networkd needs there. It asks no bus, and no udev where /sys is read-only. It ends
# there if the host has networkd already.
# shellcheck disable=SC2016,SC2034 # expanded there
networkd_room='! mountpoint -q /run/systemd || exit 0
mkdir -p /run/systemd /run/keepalived
for at in /run/systemd /run/keepalived; do mount -t tmpfs run $at; done
mount -t sysfs -o ro sysfs /sys
mkdir -p /run/systemd/netif/{links,leases,lldp} /run/systemd/network
chown -R systemd-network:systemd-network /run/systemd/netif
md5sum <<< "$1" | cut -c 1-32 > /etc/machine-id'

# The host's own rules drop packets. They accept those that a generated README lists.
cat > "$work/bin/own-rules" << 'EOF'
#!/bin/sh
# own-rules TREE
needs() { [ "${OVER_BREAK:-}" ] || sed -nE "s/^    $2 +(.* accept)( comment .*)?\$/\1/p" "$1/README.md"; }
cat > /etc/nftables.conf << EOF_NFT
#!/usr/sbin/nft -f
flush ruleset
table inet own {
	chain input {
		type filter hook input priority filter; policy drop
		ct state established,related accept
		iif lo accept
		meta l4proto { icmp, ipv6-icmp } accept
		udp dport { 68, 546 } accept
		tcp dport { 22, 80, 8080 } counter accept
		$(needs "$1" input)
	}
	chain forward {
		type filter hook forward priority filter; policy drop
		ct state established,related accept
		iifname { "br-lan", "lan", "eth1" } oifname { "wan", "eth0", "ppp0" } accept
		$(needs "$1" forward)
	}
}
EOF_NFT
nft -f /etc/nftables.conf
[ ! -e /etc/nftables.d/wgxdp.nft ] || nft -f /etc/nftables.d/wgxdp.nft # its unit does so too
EOF
chmod 755 "$work/bin/own-rules"

declare -A keeper=() # a process that keeps each host's mounts, because some kernels cannot bind a mount namespace to a file
hosts() { # NAME...
	local name
	for name; do
		namespaces "$name"
		mkdir -p "$work/etc/$name/"{upper,work}
		unshare --mount --propagation private bash -ec "
			mount -t overlay -o 'lowerdir=/etc,upperdir=$work/etc/$name/upper,workdir=$work/etc/$name/work' etc /etc
			echo '127.0.0.1 localhost' > /etc/hosts
			rm -rf /etc/resolv.conf /etc/nftables.d /etc/wireguard /etc/wgxdp # as on a new host
			mkdir -p /run/wireguard /run/wgxdp
			for at in /run/wireguard /run/wgxdp /run/state; do mount -t tmpfs run \$at; done
			mount -t bpf bpf /sys/fs/bpf
			: > '$work/etc/$name/ready'
			exec sleep infinity" &
		keeper[$name]=$!
		wait_for 5 "$name" test -e "$work/etc/$name/ready"
	done
}

# With its root: if all of this runs in a chroot, /etc would otherwise be the machine's
into() { # HOST
	local its=/proc/${keeper[$1]}
	into=(nsenter --net="/run/netns/$1" --mount="$its/ns/mnt" --root="$its/root" --wd="$its/root")
}
at() { # HOST COMMAND...: needs whole paths
	into "$1"
	PATH=$work/bin:$PATH "${into[@]}" "${@:2}"
}
start_at() { # like at, in the background; $! is its process
	into "$1"
	PATH=$work/bin:$PATH "${into[@]}" "${@:2}" &
}

routes_for_others() { grep -q '^    forward ' "$1/README.md"; } # TREE

# Copies every file to its place, as the host's README says
installs() { # HOST TREE
	[[ ! ${OVER:-} ]] || ! routes_for_others "$2" || at "$1" own-rules "$2"
	at "$1" cp -a "$2/etc/." /etc/
}

# Writes docs/examples/topology/NAME.yaml, or an edited copy, to $work/NAME
generated() { # NAME [SED-SCRIPT]
	sed "${2:-}" "docs/examples/topology/$1.yaml" > "$work/$1.yaml"
	[[ ! ${2:-} ]] || ! cmp -s "docs/examples/topology/$1.yaml" "$work/$1.yaml" || fail "'$2' changes nothing in $1.yaml"
	"${wgxdp:?}" gen hosts "$work/$1.yaml" -o "$work/$1" > "$work/gen" || fail "gen hosts: $(< "$work/gen")"
	say "$1.yaml${2:+, $2}: $(grep -c '^added' "$work/gen" || :) files added, $(grep -c '^changed' "$work/gen" || :) changed"
}

# Prints the lines of a zone, in the format of selftests/lib/dns.py
names_of() { # NAME
	awk '$3 == "IN" {all[$1] = all[$1] " " $5} END {for (name in all) print name ".example.net 60" all[name]}' "$work/$1/zone.example.net"
}

# Runs sysctl, nftables, WireGuard and wgxdp if the host has files for them, and runs each again
boots() { # HOST
	local conf device
	! at "$1" test -e /etc/sysctl.d/60-wgxdp.conf || at "$1" sysctl -q -p /etc/sysctl.d/60-wgxdp.conf
	! at "$1" test -e /etc/nftables.d/wgxdp.nft || at "$1" nft -f /etc/nftables.d/wgxdp.nft
	for conf in $(at "$1" find /etc/wireguard -name '*.conf' 2> /dev/null); do
		device=$(basename "$conf" .conf)
		at "$1" ip link show "$device" > /dev/null 2>&1 || quick "$1" up "$device"
	done
	! at "$1" test -e /etc/wgxdp/wgxdp.yaml || at "$1" "${wgxdp:?}" up > "$work/$1.up" 2>&1 || fail "$1: wgxdp up: $(< "$work/$1.up")"
}

# Sets $daemon; the daemon's output is in $work/daemon
follows() { # HOST
	start_at "$1" "$wgxdp" daemon > "$work/daemon" 2>&1
	# shellcheck disable=SC2034 # for end_daemon
	daemon=$!
	wait_for 10 "the daemon's readiness" grep -q 'the daemon follows changes' "$work/daemon"
}

quick() { # HOST up|down DEVICE
	at "$1" wg-quick "$2" "$3" > "$work/$1.wg-quick" 2>&1 || fail "$1: wg-quick $2 $3: $(< "$work/$1.wg-quick")"
}

wgxdp() { at "${on:?}" "$wgxdp" "$@"; }
