// A guest for tests of the SDK: what it costs, and what is rarely used.
import {
  Conn, Endpoint, HttpRequest, Message, OnRequest, OnWritable, Request, WherryError, clock, connections, log,
  randomBytes, register,
} from "..";

export * from "../exports";

/** Echoes; tells for the text "heap" where the next block would be, which moves with everything that is allocated. */
class Heap extends Endpoint {
  onReceive(conn: Conn, message: Message): WherryError | null {
    if (!message.isText || message.bytes.length != 4) return conn.send(message);
    const at = heap.alloc(16);
    heap.free(at);
    return conn.sendText(at.toString());
  }
}

/** Takes what it cannot hold, to answer HTTP later than its handler. */
class Later extends Endpoint implements OnRequest {
  private waiting: HttpRequest[] = [];

  onRequest(request: HttpRequest): WherryError | null {
    this.waiting.push(request);
    if (this.waiting.length < 2) return null;
    const first = this.waiting.shift();
    const error = first.respond(200, null, first.path + "," + request.path);
    const again = first.respond(200);
    return error !== null ? error : again;
  }
}

/** Speaks when it can, to all. */
class Eager extends Endpoint implements OnWritable {
  onWritable(conn: Conn): WherryError | null {
    const all = connections();
    for (let i = 0; i < all.length; i++) {
      const error = all[i].sendText(`${all.length} here`);
      if (error !== null) return error;
    }
    return null;
  }
}

/** Sends many things at once: more than the stage, the outbox or an allocation can hold. */
class Many extends Endpoint {
  onReceive(conn: Conn, message: Message): WherryError | null {
    const words = message.text.split(" ");
    const bytes = new Uint8Array(I32.parseInt(words[1]));
    for (let i = 0; i < I32.parseInt(words[0]); i++) {
      bytes.fill(<u8>i);
      const error = conn.sendBytes(bytes);
      if (error !== null) return error;
    }
    return null;
  }
}

/** What is asked of the host beside the rest. */
class Asks extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null {
    trace("asked", 2, 1, 2.5);
    log.debug(`${clock.wall()} ${clock.monotonic()}`);
    const error = conn.accept();
    if (error !== null) return error;
    const random = Math.random();
    assert(random >= 0 && random < 1);
    return conn.sendBytes(randomBytes(100000));
  }
}

register("/heap", new Heap());
register("/many", new Many());
register("/asks", new Asks());
// As no more than endpoints, what they implement is found nevertheless.
const others: Endpoint[] = [new Later(), new Eager()];
register("/later", others[0]);
register("/eager", others[1]);
