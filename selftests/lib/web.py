#!/usr/bin/python3 -IS
# SPDX-License-Identifier: GPL-2.0-or-later
# web: a web server for both families, which prints its name and the client's address.
#
#   web PORT NAME
#
# GET / returns "NAME sees ADDRESS". GET /N returns N bytes, with the same first line. POST returns how many bytes came.
import http.server
import socket
import sys

PATTERN = bytes(range(256)) * 256


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def head(self, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.flush()

    def do_GET(self):
        line = f"{sys.argv[2]} sees {self.client_address[0].removeprefix('::ffff:')}\n".encode()
        length = int(self.path.strip("/") or len(line))
        self.head(length)
        self.wfile.write(line[:length])
        length -= len(line)
        while length > 0:
            self.wfile.write(PATTERN[:length])
            length -= len(PATTERN)

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        came = 0
        while left > 0 and (piece := self.rfile.read(min(left, 65536))):
            left -= len(piece)
            came += len(piece)
        line = f"{came}\n".encode()
        self.head(len(line))
        self.wfile.write(line)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def handle_error(self, *_):  # ignore clients that disconnect
        pass

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = sys.argv[2], self.server_address[1]


Server(("::", int(sys.argv[1])), Page).serve_forever()
