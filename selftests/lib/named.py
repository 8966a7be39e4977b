#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# named: whether all metrics, labels and words that the dashboard and the alerts name are in a scrape.
#
#   named DASHBOARD ALERTS [SCRAPE]...      a label that is written as LABEL="VALUE" must have that value in the scrapes; of FILE.md
#                                           in place of a scrape the table of metrics counts
import json
import re
import sys

EVERYWHERE = {"job", "instance", "alertname", "severity"}	# labels that Prometheus adds


def scraped(paths):
    """{metric: {label: values}}"""
    found = {"up": {}}
    for path in paths:
        for line in open(path):
            match = re.match(r"([a-z_]+)(?:\{(.*)\})? \S+$", line)
            if match:
                labels = found.setdefault(match[1], {})
                for label, value in re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', match[2] or ""):
                    labels.setdefault(label, set()).add(value)
    return found


def documented(path):
    found = {"up": {}}
    for line in open(path):
        row = re.match(r"\| (`[a-z].*?) \| (.*?) ?\|", line)
        for metric in re.findall(r"`([a-z_]+)(?:`|\*)", row[1]) if row else ():
            found[metric] = {label.strip(): None for label in row[2].split(",") if label.strip()}
            if "le" in found[metric]:
                found[metric + "_bucket"] = found[metric]
    return found


def expressions(dashboard, alerts):
    """(where, expression, labels that are named beside it)"""
    board = json.load(open(dashboard))
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"], []
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"], re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
    for rule in re.split(r"(?m)^ +- alert: ", open(alerts).read())[1:]:
        expression = re.search(r"expr: (?:\|\n)?(.*?)\n +for:", rule, re.S)[1]
        yield rule.split("\n")[0], expression, re.findall(r"\$labels\.(\w+)", rule)


def check(where, expression, beside, metrics):
    used = {}
    bare = re.sub(r'"[^"]*"', '""', expression)
    for match in re.finditer(r"\b((?:wgxdp|process)_[a-z_]+|up)\b(?:\{(.*?)\})?", expression):
        metric, matchers = match[1], match[2] or ""
        if metric not in metrics:
            yield f"{where}: there is no metric {metric}"
            continue
        used.update({label: None for label in metrics[metric]})
        for label, operator, value in re.findall(r'([a-z_]+)(=~|=|!=)"([^"]*)"', matchers):
            values = metrics[metric].get(label)
            if label in EVERYWHERE:
                continue
            if label not in metrics[metric]:
                yield f"{where}: {metric} has no label {label}"
            elif values is not None:
                for word in value.split("|"):
                    if word not in values:
                        yield f"{where}: {metric} has no {label}=\"{word}\", only {', '.join(sorted(values))}"
    if not used and "up" not in bare and "process_" not in bare:
        used = {label: None for m in re.findall(r"wgxdp_[a-z_]+", bare) for label in metrics.get(m, {})}
    grouped = [label.strip() for words in re.findall(r"(?:by|on|group_left) \(([^)]*)\)", bare) for label in words.split(",")]
    for label in set(grouped + beside) - EVERYWHERE - set(used):
        yield f"{where}: no metric there has the label {label}"


def main():
    dashboard, alerts, *paths = sys.argv[1:]
    pages = [path for path in paths if path.endswith(".md")]
    metrics = documented(pages[0]) if pages else scraped(paths)
    if pages:
        metrics.update({name: {} for name in ("process_cpu_seconds_total", "process_resident_memory_bytes")})
    every = list(expressions(dashboard, alerts))
    complaints = [complaint for row in every for complaint in check(*row, metrics)]
    named = {m for _, e, _ in every for m in re.findall(r"\bwgxdp_[a-z_]+", e)}
    families = {re.sub("_(bucket|sum|count)$", "", m) for m in metrics if m.startswith("wgxdp_")}
    left = families - {re.sub("_bucket$", "", m) for m in named}
    complaints += [f"neither the dashboard nor an alert names {metric}" for metric in sorted(left)]
    if complaints:
        sys.exit("\n".join(complaints))
    print(f"{len(every)} expressions, {len(named)} metrics")


main()
