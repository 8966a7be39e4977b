#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 300
# alone
# vm
# With the cookie challenge, a flood of initiations from spoofed sources keeps out none of 20 new clients for longer
# than 30 s. Initiations with a right mac1 come from thousands of spoofed sources, far more than the service accepts
# without a cookie. None of them reaches wg-end, and 20 of 20 new clients handshake. This holds while wg-end is under
# load and sends cookies of its own, and while the daemon is slow to reply. Two seconds after the daemon is killed, the
# challenge becomes a limit, which show and the metrics say. BREAK=1 loses the cookies on their way to the clients.
#
#     client  .7 ------- 198.51.100.0/24 ------ .1 firewall .1 -- 192.168.1.0/24 -- .10 wg-end
#       wgc1 … wgc20     flood: 10.0.0.0/8      wan         lan   172.16.0.0/12     eth  wge
#                                                                 asks wg-end itself
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

clients=20
above=100  # initiations a second without a cookie
rate=3000  # the flood's
within=30  # seconds

configuration() {
	cat <<- EOF
		interfaces: [ { name: wan, role: wan }, { name: lan, role: lan } ]
		services:
		  - name: wg-end
		    listen: { interface: wan, ports: [ $port ] }
		    backend: { ipv4: 192.168.1.10, port: $port }
		    wireguard: { public-key: "$(key wge)", challenge: { above: $above/s } }
	EOF
}

begin_flood() { # NAME NAMESPACE DEVICE MAC PREFIX DESTINATION RATE TIMES
	start "$2" "$root/selftests/lib/challenge.py" "${@:3:4}" $port "$(key wge)" "${@:7}" > "$work/$1"
	flooding=$!
	wait_for 10 "$1" grep -q floods "$work/$1"
}

# Only the flood's packets of its $first second come through. In a VM, the limit with its burst may come through in each
# second in which the emulated CPU leaves less than twice the limit to the flood, because then the challenge may end.
came_since_first() { # WHEN
	local lulls
	lulls=$([[ ${WGXDP_STRICT:-} ]] || grep -c lull "$work/flood") || :
	expect "of the flood there came $1, where it may have paused ${lulls:=0} times" $(($(arrived wg-end flood) - first)) '<=' $((2 * above * lulls))
}

dropped() { shown reason original "$1"; } # REASON
challenged() { (($(dropped guard_challenged) > ${1:-0})); }
replies() { wgxdp show metrics | awk '$1 == "wgxdp_cookie_replies_total" {print $2}'; }

# Like unknown clients: another port, and no cookie
come() {
	local i
	for ((i = 1; i <= clients; i++)); do
		inside client wg set "wgc$i" peer "$(key wge)" remove
		inside client wg set "wgc$i" listen-port $((20000 + 100 * round + i))
		inside client wg set "wgc$i" peer "$(key wge)" endpoint "198.51.100.1:$port" allowed-ips 10.77.0.1/32 persistent-keepalive 25
	done
	round=$((round + 1))
}
round=0
handshakes() { inside client wg show all latest-handshakes | awk '$1 ~ /^wgc/ && $3 {n++} END {print n + 0}'; }
all_in() { [[ $(handshakes) == "$clients" ]]; }
clients_come() { # WHEN
	local at
	at=$(elapsed)
	come
	wait_for $within "$clients of $clients clients, $1" all_in
	say "ok $(handshakes) of $clients new clients in after $(awk "BEGIN {print $(elapsed) - $at}") s, $1"
}

network() {
	local i
	firewall_network
	inside firewall ip route add 10.0.0.0/8 via 198.51.100.7
	inside wg-end ip neigh add 192.168.1.99 lladdr 02:00:00:00:00:99 dev eth nud permanent # a missing host, which gets wg-end's answers
	inside wg-end ip route add 172.16.0.0/12 via 192.168.1.99
	count_arrivals wg-end flood "ip saddr 10.0.0.0/8 udp dport $port"
	inside wg-end nft -f - <<- EOF
		add counter inet seen cookies
		add chain inet seen leaving { type filter hook output priority 0; }
		add rule inet seen leaving ip daddr 198.51.100.7 udp length 72 counter name cookies
	EOF
	tunnel wg-end wge 10.77.0.1/16 $port
	for ((i = 1; i <= clients; i++)); do
		tunnel client "wgc$i" "10.77.1.$i/32"
		inside wg-end wg set wge peer "$(key "wgc$i")" allowed-ips "10.77.1.$i/32"
	done
	if [[ ${BREAK:-} ]]; then
		count_arrivals client lost "udp sport $port udp length 72"
		inside client nft add rule inet seen arrivals udp sport $port udp length 72 drop
	fi
}

choose_wireguard
network
configuration > "$work/wgxdp.yaml"
start_daemon -c "$work/wgxdp.yaml"
clients_come 'before the flood'
expect 'challenged before' "$(dropped guard_challenged)" == 0

begin_flood flood client uplink "$(mac firewall wan)" 10.0.0.0/8 198.51.100.1 $rate 100
outside=$flooding
wait_for 5 'the challenge' challenged
sleep 1
first=$(arrived wg-end flood)
expect 'packets of the flood in the first second' "$first" '<=' $((3 * above))
clients_come 'while the firewall is flooded'
came_since_first meanwhile
expect 'cookie replies' "$(replies)" '>' 100

begin_flood load firewall lan "$(mac wg-end eth)" 172.16.0.0/12 192.168.1.10 2400 4
sleep 1
before=$(arrived wg-end cookies)
clients_come 'while wg-end is under load too'
expect 'cookies by wg-end for them' $(($(arrived wg-end cookies) - before)) '>' 0
came_since_first meanwhile
stop "$flooding"

# Replies take long (4 ms a call, 3 s for a full turn). The challenge must continue meanwhile: the daemon's beat comes
# between them
strace -f -q -o /dev/null -e trace=bpf -e inject=bpf:delay_exit=4000 -p "$daemon" &
slowed=$!
sleep 1
sent=$(replies)
sleep 10
came_since_first 'within 10 s of a slow daemon'
expect 'its cookie replies' $(($(replies) - sent)) '>' 0
kill $slowed
wait $slowed || :

kill -9 "$daemon"
wait "$daemon" 2> /dev/null || :
sleep 2.2
now=$(dropped guard_challenged) limited=$(dropped guard_unanswered) came=$(arrived wg-end flood)
sleep 1
expect 'challenged, two seconds after the daemon was killed' $(($(dropped guard_challenged) - now)) == 0
expect 'packets of the flood in a second without a daemon' $(($(arrived wg-end flood) - came)) '<=' $((3 * above))
expect 'packets above the rate of the challenge, dropped meanwhile' $(($(dropped guard_unanswered) - limited)) '>' 0
expect 'show' "$(shown get services.wg-end.wireguard.challenge_answered)" == no
off=$(shown get services.wg-end.wireguard.challenge_off_since)
expect 'seconds since the end of the challenge' $(($(date +%s) - off)) '<=' 10
metric() { wgxdp show metrics | awk '$1 == "wgxdp_challenge_off_since_timestamp_seconds" {print $2}'; }
expect 'the metric' "$(metric)" == "$off"
start_daemon -c "$work/wgxdp.yaml"
wait_for 5 'the challenge again' challenged "$(dropped guard_challenged)"
expect 'show, with a daemon again' "$(shown get services.wg-end.wireguard.challenge_answered)" == yes
expect 'the metric, with a daemon again' "$(metric)" == 0
stop "$outside"
say "flood: $(said flood sent) sent; wg-end's load: $(said load sent)"
expect_sums
