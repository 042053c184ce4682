"""Tells on standard output what Python's http.server reads of each request, then answers it."""
import base64, http.server, json, sys, threading, urllib.parse

lock = threading.Lock()


def b64(s):
    return base64.b64encode(s if isinstance(s, bytes) else s.encode('latin-1')).decode()


class Reader(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    wbufsize = -1

    def __getattr__(self, name):
        if name.startswith('do_'):
            return self.read
        raise AttributeError(name)

    def chunks(self):
        """http.server leaves the coding to its handlers."""
        body = b''
        while True:
            size = int(self.rfile.readline().split(b';')[0], 16)
            data = self.rfile.read(size)
            if len(data) < size:
                raise ConnectionError
            body += data
            while self.rfile.readline().strip() and not size:
                pass
            if not size:
                return body

    def read(self):
        length = int(self.headers.get('Content-Length') or 0)
        body = self.chunks() if self.headers.get('Transfer-Encoding') else self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        url = urllib.parse.urlsplit(self.path)
        line = json.dumps({
            'method': self.command, 'target': self.path, 'path': urllib.parse.unquote(url.path),
            'query': urllib.parse.parse_qsl(url.query, keep_blank_values=True, max_num_fields=2000),
            'header': [[b64(n), b64(v)] for n, v in self.headers.items()], 'body': b64(body),
        })
        with lock:
            print(line, flush=True)
        self.send_response_only(204)
        self.end_headers()

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that left


server = Server(('127.0.0.1', 0), Reader)
print(server.server_port, flush=True)
server.serve_forever()
