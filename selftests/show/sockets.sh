#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# timeout: 120
# The exporter serves the sockets that a service manager passes (`listen: [ systemd ]`), also after reloads and while
# the daemon restarts. They are TCP and Unix sockets, with TLS and a password. A client that asks in a loop is never
# refused while the daemon restarts and reloads. The daemon reports sockets that are missing and sockets that the
# configuration does not use. systemd-socket-activate starts the daemon by a connection. BREAK=1 opens new sockets at
# each restart.
source "${BASH_SOURCE[0]%/*}/../lib/lib.sh"

tool=$root/selftests/lib/sockets.py unix=$work/exporter.sock
configuration() { # LISTEN [KEY]
	cat > "$work/wgxdp.yaml" <<- EOF
		services:
		  - { name: wg-end, listen: { interface: wan, ports: [ $port ] }, backend: { ipv4: 192.168.1.10, port: $port } }
		exporter: { listen: [ $1 ]${2:+, $2} }
	EOF
}
status() { # OPTION... URL: prints the HTTP status of the answer; 000: none
	inside firewall curl -s --max-time 5 -o "$work/body" -w '%{http_code}' "$@" || :
}
status_is() { [[ $(status "${@:2}") == "$1" ]]; } # STATUS OPTION... URL
runs() { grep -q 'the daemon follows changes' "$work/daemon"; }
begin() { # SOCKET...
	start firewall "$tool" manage ${BREAK:+--again} "$work/pid" "$@" -- "$wgxdp" daemon -c "$work/wgxdp.yaml" > "$work/daemon" 2>&1
	manager=$!
	wait_for 30 'the daemon follows changes' runs
	wait_for 10 'the exporter' exporter_serves
}
end() {
	kill $manager
	wait $manager || fail "the daemon ended with status $?: $(< "$work/daemon")"
}
reload() { kill -HUP "$(< "$work/pid")"; }
says() { grep -q "$1" "$work/daemon"; }
url=http://127.0.0.1:9851
firewall_network

# --- restarts and reloads, with a client that asks in a loop

configuration systemd
begin 127.0.0.1:9851 "$unix" '[::]:9852'
expect 'status of the API' "$(status $url/api/v1/status)" == 200
expect 'status of the API by a Unix socket' "$(status --unix-socket "$unix" http://localhost/api/v1/status)" == 200
expect 'status of the API by a socket for both families' "$(status http://127.0.0.1:9852/api/v1/status), $(status 'http://[::1]:9852/api/v1/status')" == '200, 200'
expect 'status of the API for another host' "$(inside client curl -s -o /dev/null -w '%{http_code}' http://198.51.100.1:9852/api/v1/status)" == 403
expect 'metrics for another host' "$(inside client curl -s -o /dev/null -w '%{http_code}' http://198.51.100.1:9852/metrics)" == 200
start firewall "$tool" ask "$work/stop" 127.0.0.1:9851 > "$work/asked"
asker=$!
# Another client shares the answer of the one that asks in a loop
answers_again() { status_is 200 $url/metrics && status_is 200 $url/metrics; }
restarted() { (($(grep -c 'the daemon follows changes' "$work/daemon") == $1)); }
for ((n = 2; n <= 6; n++)); do
	kill -USR1 $manager
	wait_for 30 'the daemon follows changes again' restarted $n
	reload
	wait_for 10 'another answer' answers_again
done
touch "$work/stop"
wait $asker || fail 'the client'
say "$(< "$work/asked")"
expect 'refused connections, at 5 restarts and reloads' "$(said asked refused)" == 0
expect 'answers' "$(said asked answered)" '>=' 5

# --- TLS and a password

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=wgxdp -addext subjectAltName=IP:127.0.0.1,DNS:localhost \
	-keyout "$work/server.key" -out "$work/server.crt" 2> "$work/openssl" || fail "openssl: $(< "$work/openssl")"
# shellcheck disable=SC2016 # the dollar signs are bcrypt's; the password is `correct horse`
printf 'tls_server_config: { cert_file: server.crt, key_file: server.key }\nbasic_auth_users: { prometheus: "%s" }\n' \
	'$2b$10$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu' > "$work/web.yml"
configuration systemd "web-config: $work/web.yml"
reload
with_tls() { status_is "$1" --cacert "$work/server.crt" "${@:2}"; } # STATUS OPTION... URL
wait_for 5 'a password by TLS' with_tls 200 -u 'prometheus:correct horse' https://127.0.0.1:9851/metrics
with_tls 200 --unix-socket "$unix" -u 'prometheus:correct horse' https://localhost/metrics || fail "by a Unix socket: $(< "$work/body")"
with_tls 401 --unix-socket "$unix" https://localhost/metrics || fail "without a password: $(< "$work/body")"
expect 'status without TLS' "$(status $url/metrics)" == 000

# --- sockets that the configuration does not use

configuration '"127.0.0.1:9853"'
reload
wait_for 5 'the address' status_is 200 http://127.0.0.1:9853/metrics
says 'warning: exporter: 3 sockets of systemd are not used: add systemd to' || fail "the daemon said: $(< "$work/daemon")"
configuration '"127.0.0.1:9853", systemd'
reload
wait_for 5 'the sockets again' status_is 200 $url/metrics
expect 'status at the address' "$(status http://127.0.0.1:9853/metrics)" == 200
end
begin udp:9851 127.0.0.1:9851
says 'warning: exporter: socket 1 of systemd is ignored, because it does not listen' || fail "the daemon said: $(< "$work/daemon")"
expect 'status at the second socket' "$(status $url/metrics)" == 200
end

# --- no socket

start_daemon -c "$work/wgxdp.yaml"
says 'error: exporter: systemd has passed no socket: stop wgxdp-daemon' || fail "the daemon said: $(< "$work/daemon")"
expect 'status at the address, without a socket' "$(status http://127.0.0.1:9853/metrics)" == 200
expect 'status without a socket' "$(status $url/metrics)" == 000
end_daemon

# --- systemd's own program

if command -v systemd-socket-activate > /dev/null; then
	rm -f "$unix"
	start firewall systemd-socket-activate -l 127.0.0.1:9851 -l "$unix" "$wgxdp" daemon -c "$work/wgxdp.yaml" > "$work/daemon" 2>&1
	manager=$!
	wait_for 5 'systemd-socket-activate listens' test -S "$unix"
	expect 'status, of a daemon that the connection started' "$(status $url/metrics)" == 200
	expect 'status by a Unix socket' "$(status --unix-socket "$unix" http://localhost/metrics)" == 200
	end
fi
