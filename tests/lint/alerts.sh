#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# tier: full
# The alert rules are valid, and promtool shows that each fires for its condition and not otherwise. The rules and the
# dashboard name only metrics and labels of docs/reference/metrics.md, and together all of them. Then copies with one
# mistake each, which must be found.
# shellcheck disable=SC2016 # backquotes and dollars are sed's
set -euo pipefail
cd "$(dirname "$0")/../.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

check_rules() { promtool check rules docs/prometheus/alerts.yml && promtool test rules docs/prometheus/alerts_test.yml; }
check_names() { "$named" docs/grafana/wgxdp.json docs/prometheus/alerts.yml docs/reference/metrics.md; }
check_all() { # FILE: what depends on it
	{ [[ $1 != docs/prometheus/* ]] || check_rules; } && check_names
} > "$copy/said" 2>&1

must_find() { # FILE SED-SCRIPT
	cp -r docs "$copy/"
	sed -i "$2" "$copy/$1"
	! cmp -s "$1" "$copy/$1" || { echo "'$2' changes nothing in $1"; exit 1; }
	! (cd "$copy" && check_all "$1") || { echo "nothing was found wrong after '$2' in $1"; exit 1; }
	rm -rf "${copy:?}/docs"
}

named=$(realpath selftests/lib/named.py)
check_all docs/prometheus/alerts.yml || { cat "$copy/said"; exit 1; }
said=$(tail -n 1 "$copy/said")
must_find docs/prometheus/alerts.yml 's/expr: wgxdp_backend_up == 0/expr: wgxdp_backend_up == 2/'
must_find docs/prometheus/alerts.yml 's/_seconds > 900/_seconds > 9000/'
must_find docs/prometheus/alerts.yml 's/labels.peer }} for ten/labels.per }} for ten/'
must_find docs/prometheus/alerts.yml 's/expr: wgxdp_site_auth/expr: wgxdp_sites_auth/'
must_find docs/grafana/wgxdp.json 's/sum by (service, reason)/sum by (service, reasons)/'
must_find docs/grafana/wgxdp.json 's/{{path}}/{{plane}}/'
must_find docs/grafana/wgxdp.json 's/wgxdp_flows{/wgxdp_flow{/'
must_find docs/reference/metrics.md 's/^| `wgxdp_build_info`/| `wgxdp_version_info`/'
echo "alerts and dashboard are right: $said"
