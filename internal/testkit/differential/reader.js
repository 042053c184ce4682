// Tells on standard output what Node reads of each request, then answers it.
const http = require('http');
const b64 = s => Buffer.from(s, 'latin1').toString('base64');

function tell(req, body) {
  const url = new URL('http://h' + req.url);
  const header = [];
  for (let i = 0; i < req.rawHeaders.length; i += 2) header.push([b64(req.rawHeaders[i]), b64(req.rawHeaders[i + 1])]);
  console.log(JSON.stringify({
    method: req.method, target: req.url, path: decodeURIComponent(url.pathname), query: [...url.searchParams],
    header, body: body.toString('base64'),
  }));
}

const server = http.createServer({ keepAliveTimeout: 600000, maxHeaderSize: 1 << 18, requestTimeout: 0, headersTimeout: 0 }, (req, res) => {
  const parts = [];
  req.on('data', part => parts.push(part));
  req.on('end', () => {
    tell(req, Buffer.concat(parts));
    res.writeHead(204).end();
  });
});
server.maxHeadersCount = 0;
for (const odd of ['upgrade', 'connect']) {
  server.on(odd, (req, socket) => {
    tell(req, Buffer.alloc(0));
    socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n');
  });
}
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
