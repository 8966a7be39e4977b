#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# vm
# Backends move along when the provider gives the home network another prefix. The provider gives the home network
# another prefix. Backends in it move along with the same host part, whether the old prefix is withdrawn or deprecated
# first. The prefix is remembered over a boot, and may change back. BREAK=1: without a daemon.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
#         2001:db8:1::/64         2001:db8:2::/64, then 2001:db8:8::/64, 2001:db8:9::/64
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

cat > "$work/wgxdp.yaml" << EOF
services:
  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv6: "2001:db8:2::10", port: $port } }
EOF

forwards_to() { wgxdp show services | holds "backend: \[$1\]:$port"; } # ADDRESS

# Packets pass through wgxdp in both directions
expect_forwarded() { # NETWORK
	local before
	before=$(shown all original forwarded)
	inside client "$udptool" ask -n 10 -r 1000 '[2001:db8:1::7]:4000' "[2001:db8:$1::10]:$port" > "$work/asked"
	expect "answered from network $1" "$(said asked answered)" == 10
	expect 'and forwarded by wgxdp' $(($(shown all original forwarded) - before)) == 10
}

moves() { # OLD NEW HOW
	inside wg-end ip address del "2001:db8:$1::10/64" dev eth # wg-end sends from its only address
	inside wg-end ip address add "2001:db8:$2::10/64" dev eth
	if [[ $3 == deprecated ]]; then
		inside firewall ip address change "2001:db8:$1::1/64" dev lan preferred_lft 0 valid_lft forever
		inside firewall ip address add "2001:db8:$2::1/64" dev lan
	else
		inside firewall ip address del "2001:db8:$1::1/64" dev lan
		sleep 0.3 # it has no address for that time
		inside firewall ip address add "2001:db8:$2::1/64" dev lan
	fi
	inside wg-end ip route replace default via "2001:db8:$2::1"
	wait_for 3 "network $1 became $2" forwards_to "2001:db8:$2::10"
	expect_forwarded "$2"
	inside firewall ip address del "2001:db8:$1::1/64" dev lan 2> /dev/null || :
}

firewall_network
start_listener wg-end listener -e "[::]:$port"
if [[ ${BREAK:-} ]]; then wgxdp up -c "$work/wgxdp.yaml"; else start_daemon -c "$work/wgxdp.yaml"; fi
expect_forwarded 2
moves 2 8 withdrawn
moves 8 9 deprecated
end_daemon
wgxdp down
rm -rf /run/wgxdp
start_daemon -c "$work/wgxdp.yaml"
expect_forwarded 9
moves 9 2 withdrawn
expect_sums
end_daemon
say 'ok followed through 3 prefixes and a boot'
