#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: long
# timeout: 900
# An attacker cannot disturb the sites of a blind relay. The attacker knows every public key, every index in use and the
# address of every site, and sends all kinds of WireGuard messages, some hundred a second (blind_attack.py). For ten
# minutes they come from its own addresses. Meanwhile all sites ping each other. No ping is lost, no site or index
# changes, and the attacker receives at most one packet per second and site. Then for 150 seconds the messages come as if
# from sites a and b. Such an attacker can end the sessions between a and b, but those with c lose nothing, and a and b
# reach each other again soon after the attack.
#
#     198.51.100.11 nat-a ---+--- 198.51.100.1, 2001:db8::1    relay
#     198.51.100.12 nat-b ---+--- 198.51.100.66, 2001:db8::66  attacker
#     2001:db8::c  edge-c ---+
#
# $WGXDP_SECONDS replaces the ten minutes, for a trial. BREAK=1 gives the attacker the private key of site c: then c
# must move, and pings must be lost.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"
source "${BASH_SOURCE[0]%/*}/../lib/sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-sites.sh"
source "${BASH_SOURCE[0]%/*}/../lib/blind-attacker.sh"

on=relay
seconds=${WGXDP_SECONDS:-600}
as_sites=$((seconds < 150 ? seconds : 150)) # long enough for one new session of each pair
rate=400
pins=/sys/fs/bpf/wgxdp/default
reasons=(guard_mac1 guard_shape guard_busy blind_stranger blind_refused blind_limited blind_waiting)

# ---- the attacker's knowledge

look() { # writes everything that the attacker can know to $work/known, and to a numbered copy
	looks=$((${looks:-0} + 1))
	bpftool -j map dump pinned $pins/sessions > "$work/sessions"
	inside relay wg show $relay endpoints | "$attack" known "$(now_in_jiffies)" \
		"$work/sessions" "$work/names" "$(key $relay)" > "$work/known-$looks"
	ln -f "$work/known-$looks" "$work/known.new"
	mv "$work/known.new" "$work/known"
}

# The relay's own sessions too: they start again, because the daemon has not seen their handshakes
begin_anew() {
	local s
	for s in a b c; do
		forgets "$s" $relay
		knows_relay "$s"
	done
}
all_known() {
	look
	awk '$1 == "index" && $2 {between++} $1 == "index" && !$2 {own++} END {exit !(between >= 6 && own >= 3)}' "$work/known"
}

# ---- the observations

places() { # prints the sites' endpoints at the relay, the relay's endpoints at the sites, and the daemon's view of them
	inside relay wg show $relay endpoints | sort
	local s
	for s in a b c; do inside "edge-$s" wg show "wgb-$s" endpoints | sort; done
	grep 'blind: site' "$work/daemon"
}
challenges() { bpftool -j map dump pinned $pins/blind_state | grep -o '"challenges":[0-9]*' | cut -d : -f 2; }
cpu() { awk '{print 10 * ($14 + $15)}' "/proc/$1/stat"; } # in ms

impersonate() {
	tunnel attacker wgx "$tunnels::66/128"
	inside attacker wg set wgx private-key "$work/wgb-c.key" \
		peer "$(key $relay)" endpoint "${relay_at[6]}" allowed-ips "$tunnels::1/128" persistent-keepalive 1
}

begin_pings() { # SECONDS
	local pair
	pids=()
	for pair in "${every_pair[@]}"; do
		ping_between "${pair%-*}" "${pair#*-}" -c $((5 * $1)) -i 0.2 -W 10 > "$work/lost-$pair" &
		pids+=($!)
	done
}
still_pings() { all_run "${pids[@]}"; }

attacks() { # own|spoofed SECONDS
	local first=$((looks + 1)) received4 received6 icmp asked busy began taken dropped victims=() unharmed='lost-*' n_unharmed=6
	if [[ $1 == spoofed ]]; then
		victims=("$(key wgb-a)" "$(key wgb-b)")
		unharmed='lost-*c*' n_unharmed=4
	fi
	received4=$(arrived attacker udp4) received6=$(arrived attacker udp6) icmp=$(arrived attacker errors)
	asked=$(challenges) busy=$(cpu $daemon) began=$(elapsed) dropped=$(shown all original dropped)
	look
	places > "$work/before"
	attacker_sends relay 198.51.100.1 2001:db8::1 "$work/known" $rate "${victims[@]}" > "$work/attack"
	attacker=$!
	wait_for 10 'the attacker' grep -q attacks "$work/attack"
	begin_pings "$2"
	[[ ! ${BREAK:-} || $1 != own ]] || impersonate
	while still_pings; do
		sleep 5
		look
	done
	wait "${pids[@]}"
	stop $attacker
	look
	places > "$work/after"
	taken=$(awk "BEGIN {print int($(elapsed) - $began) + 1}")
	say "$1: $(tail -n 1 "$work/attack")"
	say "$1: until now dropped: $(for reason in "${reasons[@]}"; do echo "$reason $(shown reason original "$reason")"; done | xargs)"
	expect_also "$1: dropped" $(($(shown all original dropped) - dropped)) '>=' $(($(said attack sent) / 20))
	expect_also "$1: messages a second" $(($(said attack sent) / taken)) '>=' $((rate / 2))
	expect_also "$1: of $((5 * n_unharmed * $2)) pings lost" \
		"$(find "$work" -name "$unharmed" -exec cat {} + | awk -v n=$n_unharmed '{sum += $1} END {print NR == n ? sum : "not said by all"}')" == 0
	expect_also "$1: places of sites that are others" "$(diff "$work/before" "$work/after" | grep -c '^[<>]')" == 0
	"$attack" compare "$(IFS=,; echo "${victims[*]}")" $(seq -f "$work/known-%g" "$first" "$looks") > "$work/compared"
	expect_also "$1: indices looked at" "$(said compared kept)" '>=' $((n_unharmed * (looks - first)))
	expect_also "$1: of them changed, or gone" "$(said compared changed)" == 0
	[[ $1 == spoofed ]] || expect_also "$1: indices of his in the table" "$(said compared planted)" == 0
	expect_also "$1: in $taken s of IPv4 he heard of two sites, packets" $(($(arrived attacker udp4) - received4)) '<=' $((2 * taken))
	expect_also "$1: and of IPv6 of one" $(($(arrived attacker udp6) - received6)) '<=' "$taken"
	expect_also "$1: errors" $(($(arrived attacker errors) - icmp)) == 0
	say "$1: sites asked $(($(challenges) - asked)) times, the attacker's indices in the table: $(said compared planted)," \
		"the daemon was busy for $(($(cpu $daemon) - busy)) ms"
}

blind_network a b
attacker_host relay
blind_file
start_daemon -c "$work/wgxdp.yaml"
wait_for 30 'all sites' all_authenticated 3
bpftool -j map dump pinned $pins/blind_names > "$work/names"
begin_anew
first_pings
wait_for 10 'indices of all pairs, and of the relay' all_known

attacks own "$seconds"
attacks spoofed $as_sites
say "spoofed: of $((5 * as_sites)) pings from a to b lost: $(< "$work/lost-a-b"), from b to a: $(< "$work/lost-b-a")"
reaches() { (($(ping_between a b -c 1 -W 1) == 0)); }
wait_for 60 'a reaches b again after the attack' reaches
expect_sums
expect 'expectations that did not hold' $wrong == 0
