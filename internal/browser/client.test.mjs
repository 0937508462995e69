// The ws client against the echo guest: sizes, fragments, pings, close codes.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { after, before, test } from "node:test";
import WebSocket from "ws";
import { serve } from "./wherry.mjs";

const MiB = 1 << 20;
const maxMessageBytes = 16 * MiB;

let server;
before(async () => {
  server = await serve("--max-message", String(maxMessageBytes), "/ws=echo");
});
after(async () => {
  assert.equal(await server.stop(), 0, server.log.join("\n"));
});

async function connect() {
  const socket = new WebSocket(`ws://${server.address}/ws`, { perMessageDeflate: false, maxPayload: 2 * maxMessageBytes });
  await once(socket, "open");
  return socket;
}

// closeOf waits for the end of a connection, of which an error may be the first sign.
async function closeOf(socket) {
  socket.on("error", () => {});
  const [code, reason] = await once(socket, "close");
  return { code, reason: reason.toString() };
}

// next waits for an event, and fails where the connection ends first.
function next(socket, event) {
  return new Promise((resolve, reject) => {
    const ended = (code, reason) => reject(new Error(`closed with ${code} "${reason}" before a ${event}`));
    socket.once("close", ended);
    socket.once(event, (...values) => {
      socket.off("close", ended);
      resolve(values);
    });
  });
}

async function echo(socket, data, binary) {
  socket.send(data, { binary });
  const [got, gotBinary] = await next(socket, "message");
  assert.equal(gotBinary, binary);
  assert.ok(data.equals(got), `${data.length} bytes came back as ${got.length} others`);
}

// Around every length at which the header changes, and around the inbox of the
// guest (256 KiB), over which a message goes another way.
const sizes = [0, 1, 2, 124, 125, 126, 127, 128, 65535, 65536, 65537, 256 * 1024 - 64, 256 * 1024, MiB, maxMessageBytes - 1, maxMessageBytes];

test("text of every size", async () => {
  const socket = await connect();
  for (const size of sizes) await echo(socket, Buffer.from("é".repeat(size / 2).padEnd(size / 2 + (size % 2), "x")), false);
  socket.terminate();
});

test("binary of every size", async () => {
  const socket = await connect();
  for (const size of sizes) await echo(socket, randomBytes(size), true);
  socket.terminate();
});

test("many small messages keep their order", async () => {
  const socket = await connect();
  const count = 20000;
  const got = [];
  socket.on("message", (data) => got.push(Number(data)));
  for (let i = 0; i < count; i++) socket.send(String(i));
  while (got.length < count) await next(socket, "message");
  assert.ok(got.every((n, i) => n === i));
  socket.terminate();
});

test("fragments, with pings between them", async () => {
  const socket = await connect();
  const pongs = [];
  socket.on("pong", (data) => pongs.push(data.toString()));
  // Characters of four bytes, cut where no character ends.
  const text = Buffer.from("🛶".repeat(1000));
  const message = next(socket, "message");
  for (let at = 0; at < text.length; at += 333) {
    socket.send(text.subarray(at, at + 333), { binary: false, fin: at + 333 >= text.length });
    socket.ping(String(at));
  }
  const [got, binary] = await message;
  assert.equal(binary, false);
  assert.ok(text.equals(got));
  // Of pings that arrive together, the last one may answer for all.
  while (pongs.at(-1) !== "3996") await next(socket, "pong");
  socket.terminate();
});

for (const [code, reason] of [[1000, ""], [1000, "bye"], [1001, "away"], [1011, "trouble"], [3000, "x".repeat(123)], [4999, "é"]]) {
  test(`close ${code} "${reason.slice(0, 8)}" comes back`, async () => {
    const socket = await connect();
    socket.close(code, reason);
    assert.deepEqual(await closeOf(socket), { code, reason });
  });
}

test("close without a code", async () => {
  const socket = await connect();
  socket.close();
  assert.equal((await closeOf(socket)).code, 1005);
});

test("a message over the limit closes with 1009", async () => {
  const socket = await connect();
  socket.send(Buffer.alloc(maxMessageBytes + 1));
  assert.equal((await closeOf(socket)).code, 1009);
});

test("text that is not UTF-8 closes with 1007", async () => {
  const socket = await connect();
  socket.send(Buffer.from([0xff]), { binary: false });
  assert.equal((await closeOf(socket)).code, 1007);
});

test("a frame without a mask closes with 1002", async () => {
  const socket = await connect();
  socket.send("x", { mask: false });
  assert.equal((await closeOf(socket)).code, 1002);
});
