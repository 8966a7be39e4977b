#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# Doctor reports nothing on healthy hosts that run WireGuard themselves. Like selftests/doctor/doctor-healthy.sh: R
# follows a road warrior, E is a client whose endpoint the daemon follows, and S is a blind relay (one with peers:
# selftests/doctor/doctor-relay.sh). BREAK=1 puts a fault into the first.
#
#     r1 -- nat -- net -- wan r2            laptop wifi -- internet            relay eth0 -- site
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/wards.sh"
source "$root/selftests/lib/warrior.sh"

warrior() {
	warrior_network
	cat > "$work/r2.yaml" <<- EOF
		interfaces: [ { name: wan, role: wan } ]
		learn: [ { interface: wg2, knock: { port: 19000 } } ]
	EOF
	wait_for 20 'the tunnel of the road warrior' pings
	instance_followed r2
	[[ ! ${BREAK:-} ]] || inside r2 nft 'add table ip t; add chain ip t i { type filter hook input priority 0; policy drop; }'
	healthy R --instance r2
}

laptop() {
	namespaces laptop internet
	cable laptop wifi internet laptop
	addresses laptop wifi 192.168.7.2/24
	addresses internet laptop 192.168.7.1/24
	gateways laptop 192.168.7.1
	tunnel laptop wgl 10.78.0.2/32
	tunnel internet wgs 10.78.0.1/32 51820
	inside internet wg set wgs peer "$(key wgl)" allowed-ips 10.78.0.2/32
	inside laptop wg set wgl peer "$(key wgs)" allowed-ips 10.78.0.1/32 endpoint 192.168.7.1:51820
	inside laptop ip route add 10.78.0.1/32 dev wgl
	inside internet ip route add 10.78.0.2/32 dev wgs
	wait_for 20 "the laptop's tunnel" inside laptop ping -q -c 1 -W 1 10.78.0.1
	echo "endpoints: [ { interface: wgl, peer: \"$(key wgs)\", host: 192.168.7.1, port: 51820 } ]" > "$work/laptop.yaml"
	on=laptop
	healthy E -c "$work/laptop.yaml"
}

blind() {
	namespaces relay site
	routers relay
	cable relay eth0 site eth
	takes_xdp site eth
	addresses relay eth0 198.51.100.1/24
	addresses site eth 198.51.100.2/24
	tunnel relay wgb fd12:3456:7899::1/128 $port
	tunnel site wgsite fd12:3456:7899::a/128
	inside relay wg set wgb peer "$(key wgsite)" allowed-ips fd12:3456:7899::a/128
	inside site wg set wgsite peer "$(key wgb)" allowed-ips fd12:3456:7899::1/128 endpoint 198.51.100.1:$port
	inside site ip route add fd12:3456:7899::1 dev wgsite
	inside relay ip route add fd12:3456:7899::a dev wgb
	wait_for 20 "the site's tunnel" inside site ping -q -c 1 -W 1 fd12:3456:7899::1
	echo "blind: { listen: { interface: eth0, port: $port }, device: wgb }" > "$work/relay.yaml"
	instance_followed relay
	healthy S --instance relay
}

choose_wireguard
warrior
laptop
blind
