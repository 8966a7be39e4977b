#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 600
# alone
# vm
# Scenario S works within 60 s from the files of `wgxdp gen hosts` alone, and traffic is back within 4 s after the
# active edge router is killed. Scenario S from docs/examples/topology/two-sites.yaml, with only the files that `wgxdp
# gen hosts` writes: the real networkd (DHCP outside, tokens and the route to the other sites inside), sysctl, nft,
# keepalived, radvd, wg-quick and wgxdp. The topology also gives edge-a2 a permanent address outside. The test checks
# the router advertisements, the addresses, the servers' tunnels and the policy between sites, with connections to port
# 22 that last while wgxdp reloads, and that nft sees none of that traffic. Then the active edge router is killed, and
# traffic must be back within 4 s. When it comes back, it stays the backup. BREAK=1 runs no keepalived on the second
# edge router: then none takes over.
#
#     the network of site-hosts.sh
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "$root/selftests/lib/sites.sh"
source "$root/selftests/lib/hosts.sh"
source "$root/selftests/lib/site-hosts.sh"
on=relay

# --- the questions

advertisement() { # SERVER SITE
	local mac
	mac=$(mac "$(active "$2")" lan)
	inside "$1" rdisc6 -1 -w 5000 eth0 > "$work/rdisc6" 2>&1 || fail "rdisc6: $(< "$work/rdisc6")"
	diff "$work/rdisc6" - > "$work/rdisc6.diff" <<- EOF_RA || fail "$1: a router advertisement says something else: $(< "$work/rdisc6.diff")"
		Soliciting ff02::2 (ff02::2) on eth0...

		Hop limit                 :           64 (      0x40)
		Stateful address conf.    :           No
		Stateful other conf.      :           No
		Mobile home agent         :           No
		Router preference         :       medium
		Neighbor discovery proxy  :           No
		Router lifetime           :            0 (0x00000000) seconds
		Reachable time            :  unspecified (0x00000000)
		Retransmit time           :  unspecified (0x00000000)
		 Prefix                   : $overlay:$2::/64
		  On-link                 :          Yes
		  Autonomous address conf.:          Yes
		  Valid time              :        86400 (0x00015180) seconds
		  Pref. time              :        14400 (0x00003840) seconds
		 Route                    : $overlay::/48
		  Route preference        :         high
		  Route lifetime          :           90 (0x0000005a) seconds
		 Source link-layer address: ${mac^^}
		 from fe80::1
	EOF_RA
	say "ok rdisc6 on $1: $(sed 1,2d "$work/rdisc6" | wc -l) lines of 19"
}

pings() { # lan|mesh: every server to every other one at once
	local s t jobs=() n=0 lost=0
	for s in "${servers[@]}"; do
		for t in "${servers[@]}"; do
			[[ $s != "$t" ]] || continue
			start "$s" ping -q -c 5 -i 0.2 -W 20 "$([[ $1 == mesh ]] && mesh_address "$t" || echo "${lan6[$t]}")" > "$work/ping-$s-$t"
			jobs+=($!) n=$((n + 1))
		done
	done
	for s in "${jobs[@]}"; do wait "$s" || lost=$((lost + 1)); done
	((!lost)) || fail "$1: $lost of $n: $(grep 'packet loss' "$work"/ping-*)"
	say "ok pings between servers ($1): $n"
}

ask() { # FROM TO PORT: prints how many of 100 were answered
	inside "$1" "$udptool" ask -n 100 -r 500 -w 500 "[${lan6[$1]}]:40000" "[${lan6[$2]}]:$3" > "$work/asked"
	said asked answered
}

policy() { # FROM TO
	local asked listener
	for asked in 58000 60000; do
		start_listener "$2" listener -e "[${lan6[$2]}]:$asked"
		listener=$!
		expect "UDP $1 to $2, port $asked, answered of 100" "$(ask "$1" "$2" $asked)" == 100
		stop $listener
	done
	for asked in 57999 60001; do
		start_listener "$2" listener -e "[${lan6[$2]}]:$asked"
		listener=$!
		expect "UDP $1 to $2, port $asked, answered of 100" "$(ask "$1" "$2" $asked)" == 0
		stop $listener
	done
	start "$2" timeout 60 socat TCP6-LISTEN:7777,reuseaddr,fork /dev/null
	listener=$!
	wait_for 5 'socat listens' tcp_listens "$2" 7777
	! inside "$1" socat -u /dev/null "TCP6:[${lan6[$2]}]:7777,connect-timeout=5" 2> "$work/tcp" || fail "TCP $1 to $2"
	grep -q 'Permission denied' "$work/tcp" || fail "TCP $1 to $2: $(< "$work/tcp")"
	say "ok TCP $1 to $2 is refused"
	kill $listener
	wait $listener || :
	start "$2" timeout 60 socat TCP6-LISTEN:22,reuseaddr,fork /dev/null
	listener=$!
	wait_for 5 'socat listens' tcp_listens "$2" 22
	inside "$1" socat -u /dev/null "TCP6:[${lan6[$2]}]:22,connect-timeout=5" || fail "TCP $1 to $2, port 22"
	kill $listener
	wait $listener || :
	start "$2" timeout 60 socat TCP6-LISTEN:7777,reuseaddr,fork /dev/null
	listener=$!
	wait_for 5 'socat listens' tcp_listens "$2" 7777
	inside "$1" socat -u /dev/null "TCP6:[$(mesh_address "$2")]:7777,connect-timeout=5" || fail "TCP $1 to $2 in their tunnel"
	kill $listener
	wait $listener || :
}

# A file of 32 MB in each direction over one connection to port 22, while wgxdp reloads again and again
transfer() { # FROM TO
	local both=() reloads=0 copy
	head -c $((32 << 20)) /dev/urandom > "$work/file"
	start "$2" timeout 60 socat TCP6-LISTEN:22,reuseaddr "OPEN:$work/file,rdonly!!CREATE:$work/there"
	both+=($!)
	wait_for 5 'socat listens' tcp_listens "$2" 22
	start "$1" timeout 60 socat "OPEN:$work/file,rdonly!!CREATE:$work/back" "TCP6:[${lan6[$2]}]:22"
	both+=($!)
	while kill -0 "${both[1]}" 2> /dev/null; do
		wgxdp reload > "$work/wgxdp-reload" 2>&1 || fail "reload: $(< "$work/wgxdp-reload")"
		reloads=$((reloads + 1))
	done
	wait "${both[@]}" || fail "the transfer ended with an error"
	for copy in there back; do cmp "$work/file" "$work/$copy" || fail "$copy: the file differs"; done
	expect "reloads during a transfer of 32 MB both ways to port 22" "$reloads" '>=' 3
}

# --- the active edge router fails

worst=0
failover() { # SECONDS of traffic before
	local kind
	other_takes_over "$1"
	for kind in lan mesh; do
		expect "ms without an answer when $was died ($kind)" "$(silence $kind)" '<=' "$(at_most 4000)"
		(($(silence $kind) <= worst)) || worst=$(silence $kind)
	done
	expect 'the active edge router' "$(active a)" == "$other"
	comes_back "$was" "$other"
}

ready() { at "$1" wg show wgvpnr01; }
comes_back() { # EDGE OTHER
	inside "$1" ip link set lan up
	inside "$1" ip link set wan up
	traffic_begins
	boots_edge "$1"
	wait_for 15 "$1 is back" ready "$1"
	sleep 5 # longer than a backup waits for the master
	traffic_ends
	expect 'the active edge router' "$(active a)" == "$2"
	expect "peers of the tunnel of $1, which is not active" "$(at "$1" wg show wgvpnr01 peers | wc -l)" == 0
	expect "ms without an answer when $1 came back (lan)" "$(silence lan)" '<=' "$(at_most 500)"
}

relay_has() { for what in public-key endpoints latest-handshakes; do at relay wg show wgvpnr01 $what | sort; done; }

# Like `systemctl reload wg-quick@wgvpnr01` on the relay: with the same file, it changes nothing
reloads() {
	local command before
	command=$(at relay sed -n 's/^ExecReload=\(.\)/\1/p' '/etc/systemd/system/wg-quick@wgvpnr01.service.d/wgxdp.conf')
	sessions_settle
	traffic_begins
	before=$(relay_has)
	at relay bash -c "${command//%i/wgvpnr01}" > "$work/reload" 2>&1 || fail "reload: $(< "$work/reload")"
	[[ $(relay_has) == "$before" ]] || fail "after a reload the relay has $(relay_has), before it had $before"
	sleep 1
	traffic_ends
	expect 'ms without an answer while the relay reloads' "$(silence lan)" '<=' "$(at_most 500)"
}

need_tun
sed 's/^# tcp-ports:.*/policy: { tcp-ports: [ 22 ] }/; s,edge-a2\, wan: wan,&\, addresses: [ 100.64.1.250/24 ]\, gateway: 100.64.1.1,' \
	"$root/docs/examples/topology/two-sites.yaml" > "$work/topology.yaml"
"$wgxdp" gen hosts "$work/topology.yaml" -o "$tree" > "$work/gen" 2>&1 || fail "gen hosts: $(< "$work/gen")"
build_network
begun=$(elapsed)
all_boot ${BREAK:+edge-a2}
pings lan
pings mesh
up=$(awk "BEGIN {printf \"%.1f\", $(elapsed) - $begun}")
expect 's from the first start until every server reached every other' "$up" '<=' "$(($(at_most 60000) / 1000))"
advertisement server-a1 a
advertisement server-b1 b
policy server-a1 server-b1
policy server-b1 server-a2
transfer server-a1 server-b1
expect "the wan of edge-a2" "$(inside edge-a2 ip -4 -br address show dev wan | awk '{print $3}') $(inside edge-a2 ip -4 route show default | awk '{print $3}')" == \
	'100.64.1.250/24 100.64.1.1'
expect 'packets of the overlay that nft was given' "$(nft_given)" == 0
reloads
for seconds in 1 1.3 1.6; do failover $seconds; done # the time since the last advertisement of the killed router varies
pings lan
pings mesh
expect 'packets of the overlay that nft was given' "$(nft_given)" == 0
say "ok: all up in $up s; back $worst ms after the active edge router died, at worst of 3 times"
