#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# ovh: a stand-in for the part of OVH's API that keeps a zone's records, with TLS. It checks each request's signature and
# time by itself.
#
#   ovh ADDRESS PORT DIRECTORY
#
# It reads these files of DIRECTORY: server.key, server.crt, records (a JSON list) and keys (application key, secret, consumer
# key) at its start, and mode at each request. It writes calls, a line each, and live: the zone as its name servers have it since the last refresh.
#
# Its clock is 1000 seconds ahead. Modes:
# - ok
# - STATUS: that error for all requests but the time
# - writes, refresh: 403 for requests that write, or for the refresh
# - echo: the consumer key in an error
# - unfiltered: a search for the sub-domain "" finds all
# - garbage, nested, huge: an answer that is not JSON, is nested too deeply, or has a megabyte
# - redirect: to another host
# - slow: an answer after 15 seconds
# - refresh, and the file `forget` names a file: removes this file at the refresh, as another client would
# - hang: no refresh, and an answer to it after 15 seconds
import hashlib
import http.server
import json
import os
import re
import socket
import ssl
import sys
import time
import urllib.parse

AHEAD = 1000
NONSENSE = {"garbage": b"[ 1, {\"\xff", "huge": b"[" + b"1," * 500000 + b"1]", "nested": b"[" * 60000}
directory = sys.argv[3]
keys = open(f"{directory}/keys").read().split()
records = {r["id"]: r for r in json.load(open(f"{directory}/records"))}
next_id = 5000000000


class Refused(Exception):
    pass


def publish():
    live = sorted(f"{r['subDomain']} {r['fieldType']} {r['target']} {r['ttl']}" for r in records.values())
    with open(f"{directory}/live", "w") as file:
        print("\n".join(live), file=file)


def checked_fields(body, fields):
    row = json.loads(body)
    if set(row) != set(fields):
        raise Refused(400, f"fields {sorted(row)}")
    return row


def carry_out(method, path, query, body, mode):
    global next_id
    if mode == "unfiltered" and query.get("subDomain") == "":
        del query["subDomain"]
    if path == "/domain/zone/example.net/record" and method == "GET":
        return [i for i, r in records.items()
                if all(r[key] == value for key, value in query.items())]
    if path == "/domain/zone/example.net/record" and method == "POST":
        row = checked_fields(body, ["fieldType", "subDomain", "target", "ttl"])
        next_id += 1
        records[next_id] = {"id": next_id, "zone": "example.net", **row}
        return records[next_id]
    if path == "/domain/zone/example.net/refresh" and method == "POST":
        publish()
        return None
    match = re.fullmatch(r"/domain/zone/example\.net/record/(\d+)", path)
    if not match or int(match[1]) not in records:
        raise Refused(404, "The requested object does not exist")
    if method == "PUT":
        records[int(match[1])].update(checked_fields(body, ["subDomain", "target", "ttl"]))
        return None
    if method == "DELETE":
        del records[int(match[1])]
        return None
    return records[int(match[1])]


def check(handler, body):
    head = handler.headers
    when = head.get("X-Ovh-Timestamp", "")
    url = f"https://{head['Host']}{handler.path}"
    text = "+".join([keys[1], keys[2], handler.command, url, body, when])
    if head.get("X-Ovh-Application") != keys[0]:
        raise Refused(403, "This application key is invalid")
    if not when.isdigit() or abs(int(when) - time.time() - AHEAD) > 30:
        raise Refused(403, "The timestamp is too far away")
    if head.get("X-Ovh-Consumer") != keys[2] or head.get("X-Ovh-Signature") != "$1$" + hashlib.sha1(text.encode()).hexdigest():
        raise Refused(400, "Invalid signature")


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, text, *headers):
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        try:
            self.wfile.write(text)
        except OSError:  # the client has gone
            pass

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        mode = open(f"{directory}/mode").read().strip()
        url = urllib.parse.urlsplit(self.path)
        path = url.path.removeprefix("/1.0")
        try:
            if path == "/auth/time":
                return self.answer(200, str(int(time.time()) + AHEAD).encode())
            check(self, body)
            with open(f"{directory}/calls", "a") as file:
                print(self.command, self.path, body, file=file)
            if path.endswith("refresh") and os.path.exists(f"{directory}/forget"):
                os.unlink(open(f"{directory}/forget").read().strip())
            if mode.isdigit() or (mode == "writes" and self.command != "GET") or (mode == "refresh" and path.endswith(mode)):
                raise Refused(int(mode) if mode.isdigit() else 403, "This call has not been granted")
            if mode == "echo":
                raise Refused(403, f"The consumer key {keys[2]} is unknown")
            if mode == "slow" or (mode == "hang" and path.endswith("refresh")):
                time.sleep(15)
            if mode == "hang" and path.endswith("refresh"):
                return self.answer(200, b"")
            if mode == "redirect":
                return self.answer(307, b"", ("Location", f"https://{self.headers['Host']}/1.0/elsewhere"))
            if mode in NONSENSE:
                return self.answer(200, NONSENSE[mode])
            query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
            self.answer(200, json.dumps(carry_out(self.command, path, query, body, mode)).encode())
        except Refused as refused:
            self.answer(refused.args[0], json.dumps({"message": refused.args[1], "errorCode": "X"}).encode())

    do_GET = do_POST = do_PUT = do_DELETE = handle_request

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET


publish()
server = Server((sys.argv[1], int(sys.argv[2])), Handler)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(f"{directory}/server.crt", f"{directory}/server.key")
server.socket = tls.wrap_socket(server.socket, server_side=True)
print("listening", flush=True)
server.serve_forever()
