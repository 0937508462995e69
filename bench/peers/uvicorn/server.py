"""An echo server as an ASGI application, on uvicorn and websockets. A message on /all
goes to everybody there.

Usage: python3 server.py [PORT [deflate]], where 0, the default, takes any free port.
"""
import socket
import sys

import uvicorn

members = set()


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()  # websocket.connect
    is_member = scope["path"] == "/all"
    if is_member:
        members.add(send)
    await send({"type": "websocket.accept"})
    try:
        while (event := await receive())["type"] == "websocket.receive":
            answer = {"type": "websocket.send", "bytes": event.get("bytes"), "text": event.get("text")}
            for to in list(members) if is_member else [send]:
                await to(answer)
    finally:
        members.discard(send)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(4096)
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
    deflate = len(sys.argv) > 2 and sys.argv[2] == "deflate"
    config = uvicorn.Config(app, ws="websockets", lifespan="off", log_level="critical", access_log=False,
                            ws_max_size=64 << 20, ws_per_message_deflate=deflate)
    uvicorn.Server(config).run(sockets=[listener])


main()
