#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# agree: whether show, metrics and the status page say the same of one thing; without a thing, that all is well.
#
#   agree SHOW METRICS PAGE [KIND NAME STATE]      SHOW: what `show --json` printed, METRICS: `show metrics`, PAGE: page.html, whose own
#                                                  code runs in node with that document. KIND: service, interface, peer, site, stale or
#                                                  daemon; of the last two, NAME and STATE are "-"
import json
import re
import subprocess
import sys

# The page's own functions describe a document
ASK = r"""
const fs = require("fs"), page = fs.readFileSync(process.argv[1], "utf8");
const part = (from, to) => page.slice(page.indexOf(from), page.indexOf(to, page.indexOf(from)));
const shown = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const status = { configuration: { file: shown.configuration.file, state: shown.configuration.state, last_reload: "done" } };
const code = part("const listed = ", "\n") + part("function problems()", "// Only what changed") + "; return problems();";
console.log(JSON.stringify(new Function("shown", "status", code)(shown, status).map(p => p.text)));
"""


def page_problems(page, show):
    done = subprocess.run(["node", "-e", ASK, page, show], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the page: {done.stderr}")
    return json.loads(done.stdout)


def metric(text, name, **labels):
    for line in text.splitlines():
        match = re.match(r"([a-z_]+)(?:\{(.*)\})? (\S+)$", line)
        if match and match[1] == name and all(f'{k}="{v}"' in (match[2] or "") for k, v in labels.items()):
            return float(match[3])
    return None


def states(shown):
    """(kind, name, state, the state where all is well)"""
    for kind, good in (("service", "listening"), ("interface", "attached"), ("peer", "attached"), ("site", "authenticated")):
        for row in shown.get(kind + "s", []):
            yield kind, row["name"], row["state"], good, row.get("why")


def metric_says(text, kind, name, state):
    """Whether the metrics have that state"""
    if kind == "service":
        return metric(text, "wgxdp_service_state", service=name, state=state) == 1
    good = {"interface": "attached", "peer": "attached", "site": "authenticated"}[kind]
    return metric(text, {"site": "wgxdp_site_authenticated"}.get(kind, f"wgxdp_{kind}_attached"), **{kind: name}) == (state == good)


def page_names(problems, kind, name):
    return any(re.match(rf"(Blind )?{kind} {re.escape(name)}\b", text, re.I) for text in problems)


def complain(shown, text, problems):
    """Yields the differences between the three outputs."""
    for kind, name, state, good, why in states(shown):
        if not metric_says(text, kind, name, state):
            yield f"{kind} {name} is {state}, and its metric says something else"
        if page_names(problems, kind, name) != (state != good):
            yield f"{kind} {name} is {state}, and the page says: {problems}"
        if state != good and not why:
            yield f"{kind} {name} is {state} without a why"
    stale = shown["configuration"]["state"] not in ("as in the file", "from no file")
    if metric(text, "wgxdp_configuration_stale") != stale:
        yield "wgxdp_configuration_stale: not what show says"
    if any(p.startswith("The running configuration differs") for p in problems) != stale:
        yield f"the file: not what show says on the page: {problems}"
    if metric(text, "wgxdp_daemon_running") != (shown["daemon"]["running"] == "yes"):
        yield "wgxdp_daemon_running: not what show says"


def main():
    show, metrics, page, *thing = sys.argv[1:]
    shown, text, problems = json.load(open(show)), open(metrics).read(), page_problems(page, show)
    complaints = list(complain(shown, text, problems))
    ill = [(kind, name, state) for kind, name, state, good, _ in states(shown) if state != good]
    stale = shown["configuration"]["state"] not in ("as in the file", "from no file")
    if not thing and (ill or stale or problems):
        complaints.append(f"not all is well: {ill}, {shown['configuration']}, {problems}")
    elif thing and thing[0] == "stale" and not stale:
        complaints.append(f"not stale: {shown['configuration']}")
    elif thing and thing[0] == "daemon" and shown["daemon"]["running"] != "no":
        complaints.append("a daemon runs")
    elif thing and thing[0] not in ("stale", "daemon") and tuple(thing) not in ill:
        complaints.append(f"{' '.join(thing)} is not among {ill}")
    if complaints:
        sys.exit("\n".join(complaints))
    why = [why for kind, name, _, _, why in states(shown) if thing and thing[:2] == [kind, name]]
    print(why[0] if why else shown["configuration"]["state"] if thing and thing[0] == "stale" else "")


main()
