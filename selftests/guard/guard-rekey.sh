#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 1700
# Eight WireGuard servers behind one address and port get all their messages, and no other's, for seven minutes of
# rekeys and roaming (servers.sh). WireGuard renews each session three times or more, every two minutes, and clients
# roam once a minute. No message comes to the wrong server, and answers come all the time. With nat dnat and
# masquerade. BREAK=1: see servers.sh
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/servers.sh"

minutes=${MINUTES:-7}
address=20 # 198.51.100.x, unused by clients so far

roam_each_minute() {
	local i
	for ((i = 1; i < minutes; i++)); do
		sleep 60
		clients_roam 198.51.100.$((address + i))
	done
}

choose_wireguard
servers_network
servers_tunnels
for nat in ${NATS:-dnat masquerade}; do
	servers_configuration "$nat" > "$work/wgxdp.yaml"
	wgxdp up -c "$work/wgxdp.yaml" > "$work/up" || fail "up: $(< "$work/up")"
	begin_captures
	clients_begin
	ping_servers 5 0.2
	expect "$nat: pings lost, of $((5 * ${#pairs[@]}))" "$lost" == 0
	roam_each_minute &
	roaming=$!
	number=$((minutes * 60))
	ping_servers $number 1
	wait $roaming
	address=$((address + minutes))
	expect "$nat: pings lost, of $((number * ${#pairs[@]})), while clients roam $((minutes - 1)) times" "$lost" '<=' $((${#pairs[@]} * (minutes - 1)))
	end_captures "$nat"
	expect "$nat: handshakes" "$(said directed handshakes)" '>=' $((${#pairs[@]} * ((minutes * 60 - 1) / 121 + 1)))
	expect "$nat: places they came from" "$(said directed places)" '>=' $((clients * (minutes - 1)))
	expect_sums
	wgxdp down > /dev/null
	inside client nft delete table ip roam
done
