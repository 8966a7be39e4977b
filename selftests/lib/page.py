#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# page: looks at the status page in headless Chromium, and holds it against what `wgxdp show --json` says.
#
#   page URL PROGRAM [ARGUMENT]...      PROGRAM prints the document. Commands come on standard input, a line each, and are answered
#                                       by "ok …" or "FAIL …": see those named do_… below
import json
import re
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

IN_PAGE = r"""
const unseen = e => e && (getComputedStyle(e).clipPath !== 'none' || unseen(e.parentElement)); // for screen readers alone
const shows = e => e.checkVisibility() && !unseen(e) && e.getClientRects().length;
const texts = () => {
	const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; (n = walker.nextNode());)
		if (n.textContent.trim() && !['SCRIPT', 'STYLE', 'NOSCRIPT'].includes(n.parentElement.tagName) && shows(n.parentElement))
			found.push(n);
	return found;
};
const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return { r: m[0], g: m[1], b: m[2], a: m.length > 3 ? m[3] : 1 }; };
const luminance = c => { const f = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; return 0.2126 * f(c.r) + 0.7152 * f(c.g) + 0.0722 * f(c.b); };
const ground = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c; } return { r: 255, g: 255, b: 255 }; };
const contrast = (a, b) => { const x = luminance(a), y = luminance(b); return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
"""

CONTRAST = IN_PAGE + r"""
let worst = [99, ''];
for (const n of texts()) {
	const e = n.parentElement, c = contrast(parse(getComputedStyle(e).color), ground(e));
	if (c < worst[0])
		worst = [c, n.textContent.trim()];
}
for (const e of document.querySelectorAll('button, input')) {
	const c = contrast(parse(getComputedStyle(e).borderColor), ground(e.parentElement));
	if (c < 3)
		worst = [c, 'the border of ' + e.id];
}
return worst;
"""

# Text that sticks out or is cut. Measures the text, not the boxes around it.
CUT = IN_PAGE + r"""
const wide = document.documentElement.clientWidth, bad = [];
if (document.documentElement.scrollWidth > wide)
	bad.push('the page is ' + document.documentElement.scrollWidth + ' wide');
for (const n of texts()) {
	const range = document.createRange();
	range.selectNodeContents(n);
	for (const r of range.getClientRects())
		if (r.left < 0 || r.right > wide + 0.5)
			bad.push(n.textContent.trim() + ': ' + r.left + ' to ' + r.right);
	for (let e = n.parentElement; e; e = e.parentElement)
		if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== 'visible' && e !== document.documentElement)
			bad.push(n.textContent.trim() + ': cut in ' + e.tagName);
}
for (const e of document.querySelectorAll('button, input'))
	if (e.getBoundingClientRect().height < 24)
		bad.push(e.id + ' is ' + e.getBoundingClientRect().height + ' high');
return bad;
"""

ACCESS = r"""
const bad = [], all = s => [...document.querySelectorAll(s)], ids = all('[id]').map(e => e.id);
const want = (ok, text) => ok || bad.push(text);
want(document.documentElement.lang === 'en', 'no language');
want(document.title.includes('wgxdp'), 'title ' + document.title);
want(all('h1').length === 1, 'headings of the first level: ' + all('h1').length);
for (const s of ['body > header', 'body > main', 'body > footer', 'nav[aria-label]'])
	want(all(s).length === 1, 'landmark ' + s);
let level = 0;
for (const h of all('h1, h2, h3, h4')) {
	want(+h.tagName[1] <= level + 1, h.tagName + ' after level ' + level + ': ' + h.textContent);
	level = +h.tagName[1];
}
want(new Set(ids).size === ids.length, 'an id twice');
for (const t of all('table')) {
	want(document.getElementById(t.getAttribute('aria-labelledby')), 'a table without a name');
	want([...t.querySelectorAll('thead th')].every(h => h.scope === 'col' && h.textContent), 'a head of a column');
	want([...t.querySelectorAll('tbody tr')].every(r => r.firstChild.tagName === 'TH' && r.firstChild.scope === 'row'), 'a head of a row');
	for (const r of t.querySelectorAll('tbody tr'))
		want(r.children.length === t.querySelectorAll('thead th').length, 'a row of another length');
}
for (const i of all('input'))
	want(i.labels.length === 1 && i.labels[0].textContent, 'an input without a label');
for (const b of all('button'))
	want(b.textContent.trim() && b.hasAttribute('aria-pressed'), 'a button without words or state');
for (const a of all('a'))
	want(a.textContent.trim() && (!a.hash || document.getElementById(a.hash.slice(1))), 'a link to nowhere: ' + a.hash);
want(all('[role=status], [aria-live]').length === 1, 'one live region');
want(all('svg').every(s => s.getAttribute('aria-hidden') === 'true'), 'a drawing that is read out');
return bad;
"""

ROWS = r"""
const found = {};
for (const s of document.querySelectorAll('#tables section:not([hidden])')) {
	const heads = [...s.querySelectorAll('thead th')].map(h => h.textContent);
	found[s.id] = [...s.querySelectorAll('tbody tr')].map(r => Object.fromEntries([...r.children].map((c, i) =>
		[heads[i], [c.querySelector('.v').textContent, ...[...c.querySelectorAll('.sub')].map(x => x.textContent)]])));
}
found.figures = Object.fromEntries([...document.querySelectorAll('#figures div')].map(d =>
	[d.querySelector('dt').textContent, [d.querySelector('.v').textContent, d.querySelector('.sub').textContent]]));
return found;
"""


def grouped(n):
    return f"{n:,}"


def scaled(n, unit):
    steps, i = ["", "k", "M", "G", "T"], 0
    while n >= 999.5 and i < 4:
        n, i = n / 1000, i + 1
    places = (2 if n < 9.995 else 1) if i and n < 99.95 else 0 if i or n >= 9.95 or n == 0 else 1
    return f"{n:.{places}f} {steps[i]}{unit}"


def plain(text):
    """'1.2 kbit/s' becomes 1200.0"""
    number, unit = text.split(" ", 1)
    return float(number) * {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(unit[0], 1)


def expected(shown):
    """Returns the values on the page, table by table, that do not depend on time: rows of (head of the column, place in
    the cell): text."""
    services = [{("Service", 0): s["name"], ("Service", 1): s["nat"], ("To the backend", 2): scaled(s["original"]["bytes"], "B"),
                 ("From the backend", 2): scaled(s["reply"]["bytes"], "B"), ("Forwarded", 0): grouped(s["original"]["forwarded"]),
                 ("Forwarded", 1): grouped(s["reply"]["forwarded"]) + " back",
                 ("Dropped", 0): grouped(s["original"]["dropped"] + s["reply"]["dropped"]),
                 ("Passed up", 0): grouped(s["original"]["passed"] + s["reply"]["passed"]),
                 ("Flows", 0): grouped(s["flows"]) if "flows" in s else "–"} for s in shown["services"]]
    backends = [{("Backend", 0): s["name"] + (": " + b["name"] if b["name"] else ""), ("Backend", 1): ", ".join(b["address"]),
                 ("State", 0): b["state"] if b["state"] == "down" or b["on_standby"] == "no" else "on standby",
                 ("Initiations", 0): grouped(b["initiations"]), ("Responses", 0): grouped(b["responses"])}
                for s in shown["services"] for b in s.get("backends", [])]
    peers = [{("Peer", 0): p["name"], ("Endpoint", 0): p["endpoint"] or "–", ("Forwarded", 0): grouped(p["rx"]["forwarded"]),
              ("Forwarded", 1): grouped(p["tx"]["forwarded"]) + " to it", ("From it", 2): scaled(p["rx"]["bytes"], "B"),
              ("To it", 2): scaled(p["tx"]["bytes"], "B"), ("Dropped", 0): grouped(p["rx"]["dropped"]),
              ("Passed up", 0): grouped(p["rx"]["passed"])} for p in shown["peers"]]
    sites = [{("Site", 0): s["name"], ("State", 0): s["state"], ("Endpoint", 0): s["endpoint"] or "–", ("Challenges", 0): grouped(s["challenges"])}
             for s in shown.get("sites", [])]
    pairs = [{("From, to", 0): f"{p['from']} → {p['to']}", ("Packets", 0): grouped(p["packets"]), ("Bytes", 0): grouped(p["bytes"]),
              ("Sessions", 0): grouped(p["sessions"])} for p in shown.get("site_pairs", [])]
    drops = [{("Reason", 0): d["reason"], ("Of", 0): f"{d.get('service') or d.get('peer') or 'no peer'}, {d['direction']}",
              ("Verdict", 0): "passed up" if d["verdict"] == "passed" else d["verdict"], ("Packets", 0): grouped(d["packets"])} for d in shown["drops"]]
    interfaces = [{("Interface", 0): i["name"], **({("Interface", 1): i["role"]} if i["role"] else {}), ("State", 0): i["state"], ("Mode", 0): i["mode"], ("tc", 0): i["tc"],
                   ("Failed to send", 0): grouped(i["xmit_failed"]), ("Why", 0): i["why"]} for i in shown["interfaces"]]
    found = {"services": services, "backends": backends, "peers": peers, "sites": sites, "pairs": pairs, "drops": drops, "interfaces": interfaces}
    return {table: rows for table, rows in found.items() if rows}


class Page:
    def __init__(self, url, program):
        options = Options()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-extensions",
                         "--user-data-dir=" + tempfile.mkdtemp(prefix="page.", dir="/run")):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.program = program
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_script_timeout(30)
        self.cdp("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
        self.driver.get(url)

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def script(self, text):
        return self.driver.execute_script(text)

    def answers(self):
        return int(self.script("return document.body.dataset.answers || 0"))

    def document(self):
        return json.loads(subprocess.run(self.program, capture_output=True, check=True).stdout)

    # ---- commands

    def do_answers(self, n):
        """N: until it has asked so many times more"""
        wanted, end = self.answers() + int(n), time.monotonic() + 60
        while self.answers() < wanted:
            assert time.monotonic() < end, f"{self.answers()} answers, {wanted} are waited for"
            time.sleep(0.05)
        return str(self.answers())

    def do_numbers(self):
        """all of them are those of the document; where something was counted meanwhile, again"""
        for _ in range(10):
            before = self.document()
            if self.script("return !paused"):
                self.do_answers(1)
            rows = self.script(ROWS)
            if self.document() == before:
                break
        wanted, compared = expected(before), 0
        tables = set(rows) - {"figures"}
        assert tables == set(wanted), f"tables {sorted(tables)}, not {sorted(wanted)}"
        for table, list_ in wanted.items():
            got, left = rows[table], list(rows[table])
            assert len(got) == len(list_), f"{table}: {len(got)} rows, not {len(list_)}"
            for row in list_:
                fits = [r for r in left if all(len(r[head]) > at and r[head][at] == text for (head, at), text in row.items())]
                assert fits, f"{table}: no row says {row}; there are {got}"
                left.remove(fits[0])
                compared += len(row)
        dropped = sum(d["packets"] for d in before["drops"] if d["verdict"] == "dropped")
        assert rows["figures"]["Dropped"][1] == grouped(dropped) + " in total", f"dropped: {rows['figures']['Dropped']}, not {dropped}"
        forwarded = sum(s[d]["forwarded"] for s in before["services"] for d in ("original", "reply")) + sum(p["rx"]["forwarded"] for p in before["peers"])
        assert rows["figures"]["Packets"][1] == grouped(forwarded) + " in total", f"forwarded: {rows['figures']['Packets']}, not {forwarded}"
        return f"{compared + 2} equal"

    def do_rate(self, table, row, column, least, percent):
        """TABLE ROW COLUMN PACKETS PERCENT: the rate on the page is at least PACKETS, and agrees with the counters of
        `show` meanwhile. A busy machine sends unevenly, so one of ten attempts is enough."""
        self.do_answers(2)
        for _ in range(10):
            before, began = self.packets_of(table, row), time.monotonic()
            self.do_answers(1)
            counted = (self.packets_of(table, row) - before) / (time.monotonic() - began)
            cells = next(r for r in self.script(ROWS)[table] if any(cell[0] == row for cell in r.values()))[column.replace("_", " ")]
            got = plain(next(text for text in cells if text.endswith("pkt/s")))
            if abs(got - counted) <= counted * float(percent) / 100 and got >= float(least):
                return f"{got:.0f} a second, {counted:.0f} counted"
        raise AssertionError(f"{cells}, and {counted:.0f} a second counted")

    def packets_of(self, table, row):
        return next(entry for entry in self.document()[table] if entry["name"] == row)["original"]["received"]

    def do_console(self):
        """nothing was complained about"""
        said = self.driver.get_log("browser")
        assert not said, f"{len(said)} complaints, first {[entry['message'] for entry in said[:3]]}"
        return "nothing said"

    def do_look(self, scheme, width, *file):
        """SCHEME WIDTH [FILE]: contrast, nothing cut, accessible; a screenshot into the file"""
        mobile = int(width) < 600
        self.cdp("Emulation.setDeviceMetricsOverride", width=int(width), height=800, deviceScaleFactor=1, mobile=mobile)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        time.sleep(0.2)
        worst, cut, access = self.script(CONTRAST), self.script(CUT), self.script(ACCESS)
        for name in file:
            self.driver.execute_script("scrollTo(0, 0)")
            high = self.script("return document.documentElement.scrollHeight")
            high = min(int(high), 1500) if mobile else int(high)
            self.cdp("Emulation.setDeviceMetricsOverride", width=int(width), height=high, deviceScaleFactor=1, mobile=mobile)
            self.driver.save_screenshot(name)
        assert not cut, cut
        assert not access, access
        assert worst[0] >= 4.5, f"contrast {worst}"
        return f"least contrast {worst[0]:.1f} ({worst[1]})"

    def do_tree(self):
        """A screen reader gets tables with heads of columns and rows, at any width"""
        roles = [node["role"]["value"] for node in self.cdp("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
        counts = {role: roles.count(role) for role in ("banner", "main", "navigation", "contentinfo", "status", "table", "columnheader", "rowheader", "cell")}
        assert all(counts.values()), counts
        return str(counts)

    def do_keys(self):
        """the keyboard alone: Tab to the filter, the unit and the pause, and what they do"""
        order, body = [], self.driver.find_element(By.TAG_NAME, "body")
        body.send_keys(Keys.TAB)
        for _ in range(4):
            order.append(self.script("return document.activeElement.id || document.activeElement.className"))
            self.driver.switch_to.active_element.send_keys(Keys.TAB)
        assert order == ["unseen skip", "filter", "unit", "pause"], order
        pause = self.driver.find_element(By.ID, "pause")
        pause.send_keys(Keys.ENTER)
        assert pause.get_attribute("aria-pressed") == "true", "it does not pause"
        time.sleep(0.5)
        before = self.answers()
        time.sleep(4)
        assert self.answers() == before, "it asks while it pauses"
        pause.send_keys(Keys.SPACE)
        self.do_answers(1)
        unit = self.driver.find_element(By.ID, "unit")
        unit.send_keys(Keys.ENTER)
        assert self.script(ROWS)["figures"]["Packets"][0].endswith("pkt/s"), "figures"
        cell = self.script("return document.querySelector('#tables td svg').parentElement.querySelector('.v').textContent")
        assert cell.endswith("pkt/s") or cell == "–", f"the unit is not packets: {cell}"
        unit.send_keys(Keys.ENTER)
        box = self.driver.find_element(By.ID, "filter")
        box.send_keys("WG-end")
        rows = self.script(ROWS)
        names = [row["Service"][0] for row in rows["services"]]
        assert names == ["wg-end"], names
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(Keys.DELETE)
        return ", ".join(order)

    def do_pause(self):
        self.driver.find_element(By.ID, "pause").click()
        return "paused"

    def do_hidden(self):
        """a hidden page asks for nothing, until it is shown again"""
        first = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        self.driver.switch_to.window(first)
        self.script("Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))")
        time.sleep(0.5)
        before = self.answers()
        time.sleep(4)
        assert self.answers() == before, "it asks while it is hidden"
        self.script("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
        self.do_answers(2)
        return "no request in 4 s"

    def do_text(self, text):
        """TEXT is on the page as it is, and no element came of it"""
        tags = set(self.script("return [...document.querySelectorAll('body *')].map(e => e.tagName.toLowerCase())"))
        odd = tags - {"a", "header", "h1", "h2", "span", "p", "div", "label", "input", "button", "main", "ul", "li", "noscript", "dl", "dt", "dd", "nav",
                      "footer", "script", "section", "table", "thead", "tbody", "tr", "th", "td", "svg", "path"}
        assert not odd, f"elements {odd}"
        found = self.script("return [...document.querySelectorAll('#interfaces tbody th .v')].map(e => e.textContent)")
        assert text in found, found
        return "only text"

    def do_state(self, pattern):
        """REGEX: what the live region comes to say"""
        end = time.monotonic() + 60
        while not re.search(pattern.replace("_", " "), self.driver.find_element(By.ID, "state").text):
            assert time.monotonic() < end, self.driver.find_element(By.ID, "state").text
            time.sleep(0.1)
        return self.driver.find_element(By.ID, "state").text.split("\n")[0]


def main():
    page = Page(sys.argv[1], sys.argv[2:])
    try:
        for line in sys.stdin:
            command, *arguments = line.split()
            try:
                print("ok", line.strip() + ":", getattr(page, "do_" + command)(*arguments), flush=True)
            except AssertionError as error:
                print("FAIL", line.strip() + ":", error, flush=True)
    finally:
        page.driver.quit()


main()
