#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# A site of a blind relay can use up only its own share. In a network of 20 sites, one makes 1,000 handshakes a second
# with the others. In a network of 1,000 sites, site 1 sends 10,000 wrong mac1s a second. Meanwhile pairs of other sites
# begin 100 handshakes: all of them pass, and the data after each. blind_share.py plays the sites. BREAK=1: the
# handshakes come in the names of all sites, and so use up all shares.
#
#     sites 10.9.0.0/16, in client, uplink .7 ---- 198.51.100.0/24 ---- .1 wan firewall, with the blind relay
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

share=$root/selftests/lib/blind_share.py
firewall_network
on=firewall
inside firewall ip route add 10.9.0.0/16 via 198.51.100.7
inside firewall ip tuntap add wgr mode tun
inside firewall ip link set wgr up
inside client nft 'add table ip quiet; add chain ip quiet arrivals { type filter hook prerouting priority -500; udp sport 51820 drop; }'

relay() { # SITES: brings up a relay with this many sites
	start firewall "$share" device wgr "$1" > "$work/device"
	fake=$!
	wait_for 5 'the device' holds listens < "$work/device"
	cat > "$work/wgxdp.yaml" <<- EOF
		interfaces: [ { name: wan, role: wan } ]
		blind: { listen: { interface: wan, port: 51820 }, device: wgr }
	EOF
	start_daemon -c "$work/wgxdp.yaml"
	all_there() { (($(grep -c 'blind: site .* is at' "$work/daemon") >= $1)); }
	wait_for 30 "$1 sites" all_there "$1"
}

attack() { # SITES SECONDS KIND RATE
	relay "$1"
	inside client "$share" sites uplink "$(mac firewall wan)" "$1" "$2" "$3" "$4" > "$work/shared"
	say "$1 sites, $4 $3 a second: $(< "$work/shared")"
	expect "$1 sites, $3: sent a second" "$(($(said shared sent) / $2))" '>=' "${5:-$(($4 * 9 / 10))}"
	expect "$1 sites, $3: handshakes of others that pass" "$(said shared passed)" '>=' 100
	end_daemon
	wgxdp down
	kill "$fake"
	wait "$fake" || :
	rm -f /var/run/wireguard/wgr.sock
}

attack 20 30 handshakes 100
attack 20 30 handshakes 1000
attack 1000 20 wrong 10000
