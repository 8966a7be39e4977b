#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 900
# tier: long
# At boot, the daemon, the wan, its address, the lan and the name server may come in any of the 120 orders: after
# each, wgxdp forwards in both directions. BREAK=1: `up` instead of the daemon.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
#                         name server
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

cat > "$work/wgxdp.yaml" << EOF
services:
  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: wg-end.example.net, port: $port } }
EOF
echo 'wg-end.example.net 60 192.168.1.10' > "$work/zone"
echo 'nameserver 127.0.0.1' > "$work/resolv.conf"
mount --bind "$work/resolv.conf" "$(realpath /etc/resolv.conf)"

comes() { # WHAT
	case $1 in
	daemon)
		if [[ ${BREAK:-} ]]; then
			wgxdp up -c "$work/wgxdp.yaml" > "$work/daemon" 2>&1
		else
			start_daemon -c "$work/wgxdp.yaml"
		fi
		;;
	wan)
		cable client uplink firewall wan
		takes_xdp client uplink
		addresses client uplink 198.51.100.7/24
		;;
	address)
		[[ ! -e $work/wan ]] || addresses firewall wan 198.51.100.1/24 # otherwise it gets them with the wan
		;;
	lan)
		cable firewall lan wg-end eth
		takes_xdp wg-end eth
		addresses firewall lan 192.168.1.1/24
		addresses wg-end eth 192.168.1.10/24
		gateways wg-end 192.168.1.1
		;;
	names)
		start firewall "$root/selftests/lib/dns.py" 127.0.0.1 "$work/zone" > "$work/dns"
		dns=$!
		wait_for 5 'the name server listens' grep -q listening "$work/dns"
		;;
	esac
	touch "$work/$1"
	[[ $1 != wan || ! -e $work/address ]] || addresses firewall wan 198.51.100.1/24
}

forwarded() {
	inside client "$udptool" ask -n 3 -r 1000 -w 100 198.51.100.7:4000 198.51.100.1:$port > "$work/asked" &&
		[[ $(said asked answered) == 3 ]] && (($(shown all original forwarded) >= 3))
}

begin=0
try() { # ORDER...
	local what
	for what; do comes "$what"; done
	begin=${EPOCHREALTIME/./}
	wait_for 10 "$*: forwarding; the daemon says: $(< "$work/daemon")" forwarded
	took=$(((${EPOCHREALTIME/./} - begin) / 1000))
	((took <= slowest)) || slowest=$took
	[[ ${BREAK:-} ]] || end_daemon
	wgxdp down
	kill "$dns"
	wait "$dns" 2> /dev/null || :
	inside firewall ip link del wan
	inside firewall ip link del lan
	rm -rf /run/wgxdp /run/state/default "$work"/{daemon,wan,address,lan,names}
}

orders() { # CHOSEN...: prints all orders, one per line
	local chosen=() rest k
	while [[ $1 != -- ]]; do chosen+=("$1"); shift; done
	shift
	(($#)) || { echo "${chosen[*]}"; return; }
	for ((k = 1; k <= $#; k++)); do
		rest=("$@")
		unset "rest[k - 1]"
		orders "${chosen[@]}" "${!k}" -- "${rest[@]}"
	done
}

namespaces client firewall wg-end
routers firewall
start_listener wg-end listener -e "0.0.0.0:$port"
slowest=0
n=0
while read -r order; do
	# shellcheck disable=SC2086 # words
	try $order
	n=$((n + 1))
done < <(orders -- daemon wan address lan names)
expect 'orders' $n == 120
say "ok all $n orders end well, the slowest $slowest ms after the last event"
