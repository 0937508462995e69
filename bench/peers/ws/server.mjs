// An echo server on npm's ws. A message on /all goes to everybody there.
//
// Usage: node server.mjs [PORT [deflate]], where 0, the default, takes any free port.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const [port = '0', mode] = process.argv.slice(2);
const deflate = { threshold: 128, serverNoContextTakeover: true, clientNoContextTakeover: true };
const members = new Set();

const server = createServer((_, response) => response.writeHead(426).end());
const sockets = new WebSocketServer({
  server,
  maxPayload: 64 << 20,
  skipUTF8Validation: true,
  perMessageDeflate: mode === 'deflate' ? deflate : false,
});

sockets.on('connection', (socket, request) => {
  socket.on('error', () => {}); // a client that left is no news
  if (request.url !== '/all') {
    socket.on('message', (message, binary) => socket.send(message, { binary }));
    return;
  }
  members.add(socket);
  socket.on('close', () => members.delete(socket));
  socket.on('message', (message, binary) => {
    for (const member of members) member.send(message, { binary });
  });
});

server.listen(Number(port), '127.0.0.1', 4096, () => {
  process.stderr.write(`listening on 127.0.0.1:${server.address().port}\n`);
});
