#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1800
# alone
# The scenario of each topology in docs/examples works with generated files over hosts that have nftables rules of
# their own, and these stay. Their chains input and forward drop everything except SSH and the packets that the
# generated README lists. Each scenario is an existing selftest in a sandbox of its own. The firewall's two are here:
# a client's tunnel over IPv4 and over IPv6. Then the hosts' rules are as before. BREAK=1 leaves out the README's
# list, and must fail.
#
#     gen-over.sh [SCENARIO]
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

export OVER=1
here=${BASH_SOURCE[0]%/*}

# client eth0 -- 198.51.100.0/24, 2001:db8:1::/64 -- internet -- 203.0.113.0/24, 2001:db8:0:1::/64 -- WAN firewall eth1 -- eth0 wg-end
firewall() { # NAME WAN IPV6-OF-WG-END NETWORK-OF-IT ENDPOINT-OVER-IPV6
	local host wan=$2
	namespaces internet
	hosts firewall wg-end laptop
	routers internet
	cable laptop eth0 internet laptop
	cable firewall "$wan" internet firewall
	cable firewall eth1 wg-end eth0
	takes_xdp internet firewall
	takes_xdp wg-end eth0
	addresses internet laptop 198.51.100.1/24 2001:db8:1::1/64
	addresses internet firewall 203.0.113.254/24 2001:db8:0:1::ff/64
	addresses laptop eth0 198.51.100.7/24 2001:db8:1::7/64
	addresses firewall "$wan" 203.0.113.1/24 2001:db8:0:1::1/64
	addresses firewall eth1 192.168.1.1/24 "${4}1/64"
	addresses wg-end eth0 192.168.1.10/24 "$3/64"
	gateways laptop 198.51.100.1 2001:db8:1::1
	gateways firewall 203.0.113.254 2001:db8:0:1::ff
	gateways wg-end 192.168.1.1 "${4}1"
	inside internet ip route add "${4}/64" via 2001:db8:0:1::1
	generated "$1"
	for host in firewall wg-end laptop; do
		printf '%s\n' "203.0.113.1 firewall.example.net" "$5 firewall.example.net" "192.168.1.10 wg-end.example.net" "$3 wg-end.example.net" |
			at $host tee -a /etc/hosts > /dev/null
	done
	for host in firewall wg-end laptop; do installs $host "$work/$1/$host"; done
	boots firewall
	quick wg-end up wg0
	quick laptop up wg0
	for host in 203.0.113.1:51820 "[$5]:51820"; do
		at laptop wg set wg0 peer "$(at laptop wg show wg0 peers)" endpoint "$host"
		wait_for 15 "the tunnel by $host" at laptop ping -q -c 1 -W 1 10.200.200.1
	done
}

rules_stay() { # the rules of own-rules are in the file, and loaded
	local name n=0
	for name in "${!keeper[@]}"; do
		at "$name" grep -qs '^table inet own' /etc/nftables.conf || continue
		at "$name" nft list chain inet own input | holds 'dport { 22,' || fail "$name: its own rules are gone"
		n=$((n + 1))
	done
	expect 'hosts whose own rules stay' "$n" '>=' 1
}

scenario() {
	source "$root/selftests/lib/hosts.sh" # here: what it declares is of this function
	export WG_QUICK_USERSPACE_IMPLEMENTATION=wireguard-go
	case $1 in
	firewall) firewall firewall ppp0 2001:db8:0:2::10 2001:db8:0:2:: 2001:db8:0:2::10 ;;
	static-dual-stack) firewall static-dual-stack eth0 2001:db8:0:2::10 2001:db8:0:2:: 2001:db8:0:1::1 ;;
	blind-sites) source "$here/start-blind.sh" ;;
	two-sites) source "$here/start-relay.sh" ;;
	three-relays) source "$here/gen-relays.sh" ;;
	road-warrior) source "$here/gen-road-warrior.sh" ;;
	vps) source "$here/gen-vps.sh" ;; # and ipv6-only-home
	esac
	rules_stay
}

if [[ ${1:-} ]]; then
	name=$1
	set --
	scenario "$name"
	exit
fi
for name in firewall static-dual-stack blind-sites two-sites three-relays road-warrior vps; do
	env -u WGXDP_APART ${BREAK:+BREAK=} ${BREAK:+OVER_BREAK=1} "$here/gen-over.sh" $name > "$work/$name.log" 2>&1 ||
		fail "$name: $(tail -n 30 "$work/$name.log")"
	say "ok $name: $(grep 'own rules stay' "$work/$name.log")"
done
