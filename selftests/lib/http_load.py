#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
"""http_load KIND HOST:PORT SECONDS [ARGUMENT]: strangers at the exporter. Prints what they did, as "asked N answered N".

  hellos     90 times a second a ClientHello of TLS, whose sender leaves when the server has answered it
  paths      from 32 connections all the time, all paths of the API and the metrics. ARGUMENT: the client's addresses, with commas
  requests   1,000 requests a second, for the metrics and for a path that does not exist, from 8 connections
  passwords  200 times a second a wrong password, on connections of their own"""
import base64
import selectors
import socket
import ssl
import sys
import threading
import time

kind, place, seconds, *argument = sys.argv[1:]
host, port = place.rsplit(":", 1)
to = (host, int(port))
ends = time.monotonic() + float(seconds)
lock, counts = threading.Lock(), {"asked": 0, "answered": 0}


def count(what):
    with lock:
        counts[what] += 1


def request(path, rest=""):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{rest}\r\n".encode()


def client_hello():
    context = ssl.create_default_context()
    sends = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), sends, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sends.read()


def every(interval, send):
    """Calls send() at this interval. It gives a socket, which is read and closed."""
    watched, due = selectors.DefaultSelector(), time.monotonic()
    while time.monotonic() < ends:
        if time.monotonic() >= due:
            due += interval
            try:
                watched.register(send(), selectors.EVENT_READ)
                count("asked")
            except OSError:
                pass
        for key, _ in watched.select(max(0, due - time.monotonic())):
            try:
                if key.fileobj.recv(65536):
                    count("answered")
            except OSError:
                pass
            watched.unregister(key.fileobj)
            key.fileobj.close()


def connection(data):
    s = socket.create_connection(to, timeout=5)
    s.setblocking(False)
    s.send(data)
    return s


def ask_again(source, paths, interval):
    """Asks for the paths in turns on one connection, which is opened again when it ends."""
    s, n, due = None, 0, time.monotonic()
    while time.monotonic() < ends:
        try:
            s = s or socket.create_connection(to, timeout=20, source_address=source)
            s.sendall(request(paths[n % len(paths)]))
            n += 1
            count("asked")
            if whole_answer(s):
                count("answered")
            else:
                raise OSError
        except OSError:
            if s:
                s.close()
            s = None
            time.sleep(0.05)
        due = max(due + interval, time.monotonic() - 1)
        time.sleep(max(0, due - time.monotonic()))


def whole_answer(s):
    text = b""
    while b"\r\n\r\n" not in text:
        more = s.recv(65536)
        if not more:
            return False
        text += more
    head, body = text.split(b"\r\n\r\n", 1)
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    got = len(body)
    while got < length:
        more = s.recv(65536)
        if not more:
            return False
        got += len(more)
    return True


def crowd(n, paths, interval, sources=(None,)):
    threads = [threading.Thread(target=ask_again, args=(sources[i % len(sources)], paths, interval)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


API = ["show", "status", "interfaces", "services", "peers", "routes", "sites", "drops", "flows"]
if kind == "hellos":
    hello = client_hello()
    every(1 / 90, lambda: connection(hello))
elif kind == "paths":
    crowd(32, ["/metrics"] + ["/api/v1/" + word for word in API], 0, [(a, 0) for a in argument[0].split(",")])
elif kind == "requests":
    crowd(8, ["/metrics", "/nothing"], 8 / 1000)
elif kind == "passwords":
    wrong = base64.b64encode(b"prometheus:wrong").decode()
    every(1 / 200, lambda: connection(request("/metrics", f"Authorization: Basic {wrong}\r\nConnection: close\r\n")))
print("asked", counts["asked"], "answered", counts["answered"])
