#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 300
# Each file of docs/examples/config is accepted and runs on a host that has what it names. Each names its readers. On
# a host that has what the files name, `check` accepts each file, `up` loads those with a data path, and no service
# waits. combinations.sh tests everything.yaml, which needs more. `check` recognizes a topology, and `gen hosts` a
# configuration. BREAK=1 removes the backend's network.
#
#     client  -- 203.0.113.0/24 -- .1 eth0 firewall .1 eth1 -- 192.168.1.0/24 -- .10, .11, .12 wg-end
#                2001:db8:1::/64   ::1  ppp0, br-lan, wg0,     2001:db8:2::/64
#                                       wgvpnr01
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
files=docs/examples/config

the_host() {
	namespaces client firewall wg-end
	routers firewall
	cable firewall eth0 client uplink
	cable firewall ppp0 client session
	cable firewall eth1 wg-end eth
	takes_xdp client uplink
	takes_xdp client session
	takes_xdp wg-end eth
	addresses firewall eth0 203.0.113.1/24 2001:db8:1::1/64
	addresses firewall ppp0 203.0.114.1/24
	addresses firewall eth1 192.168.1.1/24 2001:db8:2::1/64
	addresses wg-end eth 192.168.1.10/24 192.168.1.11/24 192.168.1.12/24 2001:db8:2::10/64
	inside firewall ip link add br-lan type bridge
	inside firewall ip link set br-lan up
	addresses firewall br-lan 192.168.2.1/24
	gateways firewall 203.0.113.7 2001:db8:1::7
	gateways wg-end 192.168.1.1 2001:db8:2::1
	[[ ! ${BREAK:-} ]] || inside firewall ip route replace unreachable 192.168.1.0/24 metric 0
	tunnel firewall wgvpnr01 fd12:3456:7899::1/128 $port
	tunnel firewall wg0 10.80.0.1/24
	inside firewall ip route add fd12:3456:789a:b::/64 dev eth1
	the_sites
	inside firewall wg set wg0 peer "$peer"
	ddns_files
	example_lists firewall
	: > "$work/resolv.conf"
	printf '%s wg-end.example.net\n' 192.168.1.10 2001:db8:2::10 > "$work/hosts"
	printf '192.0.2.8 %s\n' vpn.example.net relays.example.net >> "$work/hosts"
	mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"
	mount --bind "$work/hosts" /etc/hosts
}

# The peers of wgvpnr01, and their names
the_sites() {
	local site
	mkdir -p /etc/wireguard
	mount -t tmpfs none /etc/wireguard
	for site in a b c; do
		wg genkey | wg pubkey > "$work/site"
		[[ $site != a ]] || echo "$peer" > "$work/site"
		inside firewall wg set wgvpnr01 peer "$(< "$work/site")" allowed-ips "fd12:3456:7899::$site/128"
		printf '# site-%s\n[Peer]\nPublicKey = %s\n' "$site" "$(< "$work/site")" >> /etc/wireguard/wgvpnr01.conf
	done
}

example() { # FILE
	local head
	head=$(sed -n 2p "$1")
	[[ $head == '# For '* ]] || fail "$1: its head does not name its readers: $head"
	grep -qF "$(basename "$1" .yaml)" docs/wgxdp.yaml.5 || fail "$1: wgxdp.yaml(5) does not name it"
	[[ $1 != */everything.yaml ]] || return 0
	wgxdp check -c "$1" > "$work/check" 2>&1 || fail "check: $(< "$work/check")"
	n=$((n + 1))
	case $1 in
	*/ddns-* | */endpoints.yaml | */blind-edge.yaml) return ;; # these have no data path
	esac
	if ! wgxdp up -c "$1" > "$work/up" 2>&1; then
		[[ $1 == */shared.yaml ]] || fail "up: $1: $(< "$work/up")"
		grep -q "cannot attach to libxdp's dispatcher: this kernel" "$work/up" || fail "up: $1: $(< "$work/up")"
		return 0
	fi
	wgxdp show services --json > "$work/services"
	! grep '"state": "waiting"' "$work/services" || fail "$1: a service waits: $(< "$work/up")"
	loaded=$((loaded + 1))
	wgxdp down
}

# WORDS COMMAND...: its output about that file is one line with these words and a place
says() { # WORDS COMMAND...
	local status=0
	wgxdp "${@:2}" > "$work/out" 2>&1 || status=$?
	[[ $status == 2 ]] || fail "${*:2}: status $status, expected 2: $(< "$work/out")"
	[[ $(grep -c ' error: ' "$work/out") == 1 ]] || fail "${*:2}: more than one error: $(< "$work/out")"
	grep -qE -- "^[^ ]*:[0-9]+:[0-9]+: error: $1" "$work/out" || fail "${*:2}: '$1' is not in: $(< "$work/out")"
}

peer=YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY= # the examples name it
choose_wireguard
the_host
n=0 loaded=0
for file in "$files"/*.yaml; do example "$file"; done
expect 'examples that check finds nothing wrong with' $n '>=' 24
expect 'examples that up loads' $loaded '>=' 20
for file in docs/examples/topology/*.yaml; do
	says "'(relays|gateways|firewalls)' .*topology.*wgxdp gen hosts $file" check -c "$file"
	says "'(relays|gateways|firewalls)' .*topology" up -c "$file"
done
says "'services' .*configuration.*wgxdp up -c $files/dnat.yaml" gen hosts "$files/dnat.yaml" -o "$work/hosts"
say 'ok a topology and a configuration are told from each other'
