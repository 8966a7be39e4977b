# shellcheck shell=bash disable=SC2034,SC2154 # what lib.sh and the script have
# SPDX-License-Identifier: GPL-2.0-or-later
# An attacker on the internet of blind relays (blind_attack.py). Source lib.sh first. The second half is for relays and
# sites of blind-hosts.sh, and needs $sites. There the script defines:
#   relays    the relays that are observed
#   targets   what the attacker sends to: RELAY IPV4 IPV6, where RELAY's MAC address gets the messages
#   relay_addresses  those of all relays, as which the attacker pretends to send
#   talks     hosts that connect to the relays' daemons: HOST SOURCE,...
#   streams   the addresses of these daemons
#   rate      messages per second
attack=$root/selftests/lib/blind_attack.py
wrong=0

# Like expect, but the test continues after a failure
expect_also() { (expect "$@") || wrong=$((wrong + 1)); }

attacker_host() { # RELAY...: on the internet, without a filter of source addresses
	local r address
	namespaces attacker
	cable attacker eth0 internet attacker
	inside internet ip link set attacker master br0
	addresses attacker eth0 198.51.100.66/24 2001:db8::66/64
	# like a host behind a router: the relay need not resolve the attacker
	for r; do
		for address in 198.51.100.66 2001:db8::66; do
			inside "$r" ip neigh replace "$address" lladdr "$(mac attacker eth0)" dev eth0 nud permanent
		done
	done
	count_arrivals attacker udp4 ip daddr 198.51.100.66 meta l4proto udp
	count_arrivals attacker udp6 ip6 daddr 2001:db8::66 meta l4proto udp
	# without what a router sends: a relay on standby routes packets for the other one
	count_arrivals attacker errors 'ip daddr 198.51.100.66 icmp type != { redirect, time-exceeded }'
	count_arrivals attacker errors 'ip6 daddr 2001:db8::66 icmpv6 type < 128 icmpv6 type != time-exceeded'
}
attacker_sends() { # RELAY IPV4 IPV6 KNOWN RATE [KEY...|relay]
	start attacker "$attack" send eth0 "$(mac "$1" eth0)" 198.51.100.66 2001:db8::66 "$2" "$3" "$port" "${@:4}"
}
now_in_jiffies() { awk '/^jiffies:/ {print $2; exit}' /proc/timer_list; }

# ---- the attacker's knowledge

site_begins_anew() { # SITE [OPTION...]: a new session with its relay
	local peer=("$(key relay)" endpoint "$(< "$work/relay-of-$1")" allowed-ips "$tunnels::1/128" persistent-keepalive 25)
	inside "s$1" wg set "wgs$1" peer "$(key relay)" remove
	inside "s$1" wg set "wgs$1" "${@:2}" peer "${peer[@]}"
}
begin_anew() { # all sites: the daemon may not have seen the handshakes of the former sessions
	local i
	for ((i = 1; i <= sites; i++)); do site_begins_anew $i; done
}
record() { # COMMAND...: the attacker reads the messages to relays meanwhile
	local recorder
	start internet "$attack" record br0 "$port" > "$work/recorded"
	recorder=$!
	"$@"
	kill $recorder
	wait $recorder || :
}

site_address() { if site_uses_ipv6 "$1"; then echo "[2001:db8:7:$1::2]"; else echo "10.7.$1.2"; fi; } # SITE
knows_names() { # the attacker knows the sites, and the number that each relay uses for a site
	local i r
	for ((i = 1; i <= sites; i++)); do echo "$(key wgs$i) $(site_address $i):$port"; done > "$work/sites"
	for r in "${relays[@]}"; do bpftool -j map dump pinned "/sys/fs/bpf/wgxdp/$r/blind_names" > "$work/names-$r"; done
}
look() { # writes everything that the attacker can know about each relay to $work/known-RELAY, and to a numbered copy
	local r
	looks=$((${looks:-0} + 1))
	for r in "${relays[@]}"; do
		bpftool -j map dump pinned "/sys/fs/bpf/wgxdp/$r/sessions" > "$work/sessions"
		"$attack" known "$(now_in_jiffies)" "$work/sessions" "$work/names-$r" "$(key relay)" "${relay_addresses[@]}" < "$work/sites" |
			cat - "$work/recorded" > "$work/known-$r-$looks"
		ln -f "$work/known-$r-$looks" "$work/known.new"
		mv "$work/known.new" "$work/known-$r"
	done
}
knows_all() { # each relay has indices of all sites, and some of its own
	look
	cat "$work"/known-r[0-9] | awk -v sites="$sites" -v relays="${#relays[@]}" '$1 == "recorded" {recorded++}
		$1 == "index" && $2 {between++} $1 == "index" && !$2 {own++}
		END {exit !(between >= relays * sites * (sites - 1) && own >= sites && recorded >= sites)}'
}

# The sites begin, while the attacker reads; then it knows everything.
learns() { # COMMAND...
	record "$@"
	knows_names
	wait_for 15 'all indices' knows_all
}
# The two relays of lib/blind-pair.sh and the sites begin, with sessions that the attacker can read
pair_begins_anew() {
	pair_begins
	wait_for 10 'r2 knows all sites' knows_sites r2
	begin_anew
	first_pings
	wait_for 5 'r2 has the sessions of r1' same_sessions
}

# ---- the observations

places() { # prints where each relay expects the sites, where the sites expect the relays, and all moves until now
	local i r
	for r in "${relays[@]}"; do expected_at "$r" | sort | sed "s/^/$r /"; done
	for ((i = 1; i <= sites; i++)); do inside "s$i" wg show "wgs$i" endpoints | sort; done
	for r in "${relays[@]}"; do grep 'blind: site' "$work/$r.daemon"; done
}
dropped() { # prints the packets that the relays dropped
	local r
	for r in "${relays[@]}"; do
		inside "$r" "$wgxdp" --instance "$r" show --json | "$build/selftests/shown" all original dropped
	done | awk '{sum += $1} END {print sum}'
}

# Pings each pair twice a second, while the attacker looks at the relays again and again.
calm_pings() { # NAME SECONDS EXCEPT: pairs I-J that may lose pings
	local i j pids=()
	rm -f "$work"/calm-*
	for ((i = 1; i < sites; i++)); do
		for ((j = i + 1; j <= sites; j++)); do
			unanswered "s$i" "$tunnels::$((10 + j))" -c $((2 * $2)) -i 0.5 -W 10 > "$work/calm-$i-$j" &
			pids+=($!)
		done
	done
	while all_run "${pids[@]}"; do
		sleep 5
		look
	done
	wait "${pids[@]}" || :
	(cd "$work" && awk '{print substr(FILENAME, 6), $1}' calm-*) > "$work/calm"
	say "$1: lost pings of pairs: $(awk '$2' "$work/calm" | xargs)"
	# wireguard-go drops a packet while the machine gives it no time
	expect_also "$1: lost pings of $((2 * $2)) for each of $((${#pids[@]} - $(wc -w <<< "$3"))) pairs" \
		"$(awk -v except=" $3 " '!index(except, " " $1 " ") {sum += $2} END {print NR ? sum : "not said"}' "$work/calm")" '<=' 2
	expect_also "$1: pairs that said it" "$(wc -l < "$work/calm")" == ${#pids[@]}
}

attack_begins() { # NAME [KEY...|relay]
	local target talk
	attackers=() first=$((looks + 1)) n=0
	look
	places > "$work/before"
	heard=$(arrived attacker udp4 udp6) errors=$(arrived attacker errors) dropped=$(dropped) began=$(elapsed)
	for target in "${targets[@]}"; do
		n=$((n + 1))
		# shellcheck disable=SC2086 # three words
		attacker_sends $target "$work/known-${target%% *}" $((rate / ${#targets[@]})) "${@:2}" > "$work/attack-$n"
		attackers+=($!)
	done
	talkers=()
	for n in "${!talks[@]}"; do
		talk=("$work/known-${relays[0]}" 51822 "${talks[n]#* }" "${streams[@]}")
		start "${talks[n]% *}" "$attack" streams "${talk[@]}" > "$work/talk-$n"
		talkers+=($!)
	done
	for ((n = 1; n <= ${#targets[@]}; n++)); do wait_for 20 'the attacker' grep -q attacks "$work/attack-$n"; done
}

# The attacker could pretend to be all sites of a GROUP: indices between these may change, and the attacker's appear.
attack_ends() { # NAME [GROUP-OF-KEYS...]
	local r n sent taken planted=('==' 0)
	(($# == 1)) || planted=('>=' 1)
	taken=$(awk "BEGIN {print int($(elapsed) - $began) + 1}")
	for n in "${attackers[@]}" "${talkers[@]}"; do stop "$n"; done
	look
	places > "$work/after"
	sent=$(cat "$work"/attack-* | awk '$1 == "sent" {sum += $2} END {print sum}')
	awk '$1 == "sent" {for (i = 3; i < NF; i += 2) sum[$i] += $(i + 1)} END {for (k in sum) print k, sum[k]}' \
		"$work"/attack-* | sort > "$work/kinds"
	say "$1: $(xargs < "$work/kinds")"
	expect_also "$1: messages a second" $((sent / taken)) '>=' $((rate / 2))
	expect_also "$1: of $sent messages dropped" $(($(dropped) - dropped)) '>=' $((sent / 20))
	diff "$work/before" "$work/after" > "$work/moved" || head -n 20 "$work/moved"
	expect_also "$1: places of sites that are others" "$(grep -c '^[<>]' "$work/moved")" == 0
	for r in "${relays[@]}"; do
		"$attack" compare "${*:2}" $(seq -f "$work/known-$r-%g" "$first" "$looks") > "$work/compared" 2> "$work/changes"
		expect_also "$1: indices looked at, at $r" "$(said compared kept)" '>=' $((sites * (looks - first)))
		expect_also "$1: of them changed, or gone" "$(said compared changed)" == 0
		head -n 3 "$work/changes"
		expect_also "$1: the attacker's indices at $r" "$(said compared planted)" "${planted[@]}"
	done
	heard=$(($(arrived attacker udp4 udp6) - heard))
	expect_also "$1: packets that the attacker heard in $taken s of $sites sites" $heard '<=' $((taken * sites))
	expect_also "$1: errors" $(($(arrived attacker errors) - errors)) == 0
	expect_also "$1: connections to daemons" "$(cat "$work"/talk-* | awk '{sum += $4} END {print sum}')" '>=' "$taken"
	expect_also "$1: bytes that the daemons answered" "$(cat "$work"/talk-* | awk '{sum += $6} END {print sum}')" == 0
}

# BREAK=1: the attacker has the private key of a site, and a WireGuard
impersonate() { # SITE ENDPOINT of a relay
	tunnel attacker wgx "$tunnels::66/128"
	inside attacker wg set wgx private-key "$work/wgs$1.key" \
		peer "$(key relay)" endpoint "$2" allowed-ips "$tunnels::1/128" persistent-keepalive 1
}

# Waits until all pairs reach each other, and says after how many seconds.
heals() { # NAME SECONDS
	local from
	from=$(elapsed)
	pings_begin
	wait_for "$2" "$1: all pairs reach each other again" all_answer
	pings_end
	say "ok $1: all pairs reached each other $(awk "BEGIN {print $(elapsed) - $from}") s after the attack"
}

# For $seconds, from the attacker's own addresses. BREAK=1 gives the attacker the key of site 3, which uses the relay at ENDPOINT.
attacks_from_own_addresses() { # ENDPOINT
	attack_begins own
	[[ ! ${BREAK:-} ]] || impersonate 3 "$1"
	calm_pings own "$seconds" ''
	attack_ends own
	[[ ! ${BREAK:-} ]] || expect 'expectations that did not hold' $wrong == 0
}
