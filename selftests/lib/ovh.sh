# shellcheck shell=bash disable=SC2154 # what lib.sh sets
# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced: begins the stand-in for OVH's API (ovh.py). Its files are in $work/api, which the caller makes.

# Makes its certificate. Afterwards programs trust no other one
ovh_certificate() { # ADDRESS
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=api -addext "subjectAltName=IP:$1" \
		-keyout "$work/api/server.key" -out "$work/api/server.crt" 2> "$work/openssl" || fail "openssl: $(< "$work/openssl")"
	mount --bind "$work/api/server.crt" "$(realpath /etc/ssl/certs/ca-certificates.crt)"
}

ovh_begins() { # NAMESPACE ADDRESS
	ovh_certificate "$2"
	start "$1" "$root/selftests/lib/ovh.py" "$2" 8080 "$work/api" > "$work/ovh" 2> "$work/ovh.err"
	wait_for 10 "OVH's API listens" grep -q listening "$work/ovh"
}
