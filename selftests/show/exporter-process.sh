#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 240
# The exporter is a process that may only read, and whatever happens to it, packets do not notice. It has no capability
# but CAP_BPF and CAP_PERFMON, and a filter of system calls. No packet is lost while it is killed, stopped, or gets
# 1,000 requests a second. After it was killed, it answers again within a second. A client with 200 wrong passwords a
# second shuts out no other client, although no password was right before. BREAK=1 turns the forwarding off for a moment,
# and lets all clients have one address.
#
#     client uplink ---- wan firewall lan ---- eth wg-end
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

load=$root/selftests/lib/http_load.py url=http://127.0.0.1:9851
# shellcheck disable=SC2016 # the dollar signs are bcrypt's; the password is `correct horse`
printf 'basic_auth_users: { prometheus: "%s" }\n' '$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu' > "$work/web.yml"
configuration() { # [KEY]
	cat <<- EOF
		services:
		  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
		exporter: { listen: [ "127.0.0.1:9851", "198.51.100.1:9851" ]${1:+, $1} }
	EOF
}
answers() { inside firewall curl -sf --max-time 2 -o "$work/body" $url/metrics; }

firewall_network
inside client ip address add 198.51.100.8/24 dev uplink
configuration > "$work/wgxdp.yaml"
start_daemon -c "$work/wgxdp.yaml"
answers || fail 'no metrics'

# --- its rights

allowed=$((1 << 38 | 1 << 39)) # CAP_PERFMON, CAP_BPF
rights=0
for set in Inh Prm Eff Amb; do
	rights=$((rights | 0x$(awk -v set="Cap$set:" '$1 == set {print $2}' "/proc/$(exporter)/status")))
done
expect 'capabilities beyond CAP_BPF and CAP_PERFMON' $((rights & ~allowed)) == 0
expect 'no new privileges, and a filter of system calls' "$(awk '/^(NoNewPrivs|Seccomp):/ {print $2}' "/proc/$(exporter)/status" | paste -sd' ')" == '1 2'
for task in /proc/"$(exporter)"/task/*; do
	expect "filter of thread ${task##*/}" "$(awk '$1 == "Seccomp:" {print $2}' "$task/status")" == 2
done

# --- packets go on

packets() { # WHAT COMMAND...: none of 500 packets a second is lost meanwhile
	local what=$1 asker
	start client "$udptool" ask -n 2000 -r 500 198.51.100.7:4000 198.51.100.1:$port > "$work/asked"
	asker=$!
	"${@:2}"
	if [[ ${BREAK:-} ]]; then
		inside firewall ip link set lan down
		inside firewall ip link set lan up
	fi
	wait $asker || :
	expect "$what: packets and answers" "$(said asked asked), $(said asked answers)" == '2000, 2000'
}
start_listener wg-end listener -e 192.168.1.10:$port
killed() {
	local i before
	for i in {1..3}; do
		before=$(exporter)
		kill -KILL "$before"
		began=$(ms)
		wait_for 5 'another exporter' another "$before"
		wait_for 5 'an answer' answers
		expect "killed: ms until it answers again, time $i" $(($(ms) - began)) '<=' "$(at_most 1000)"
	done
}
another() { [[ $(exporter) && $(exporter) != "$1" ]]; } # PROCESS
stopped() {
	local process
	process=$(exporter)
	kill -STOP "$process"
	sleep 2
	kill -CONT "$process"
	wait_for 5 'an answer after SIGCONT' answers
}
asked_much() { inside firewall "$load" requests 127.0.0.1:9851 3 > "$work/load"; }
packets 'killed' killed
packets 'stopped' stopped
packets 'asked 1,000 times a second' asked_much
say "$(< "$work/load")"
expect 'requests that were answered' "$(said load answered)" '>=' $(($(said load asked) * 9 / 10))

# --- wrong passwords

configuration "web-config: $work/web.yml" > "$work/wgxdp.yaml"
before=$(exporter)
kill -HUP "$daemon"
wait_for 5 'the exporter with a password' another "$before"
needs_password() { [[ $(inside firewall curl -s -o /dev/null -w '%{http_code}' $url/metrics) == 401 ]]; }
wait_for 5 'a password is needed' needs_password
start client "$load" passwords 198.51.100.1:9851 8 > "$work/load"
wrong=$!
sleep 1
scraped=0 scraper=198.51.100.$([[ ${BREAK:-} ]] && echo 7 || echo 8)
for _ in {1..20}; do
	code=$(inside client curl -s -o /dev/null -w '%{http_code}' --max-time 5 --interface "$scraper" \
		-u 'prometheus:correct horse' http://198.51.100.1:9851/metrics) || :
	[[ $code != 200 ]] || scraped=$((scraped + 1))
done
wait $wrong || fail 'wrong passwords'
say "$(< "$work/load")"
expect 'scrapes of another client' $scraped == 20
end_daemon
