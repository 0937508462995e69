// Bytes from one side to the other: two connections with the same key are a pair.
import {
  CLOSE_GOING_AWAY, CLOSE_TOO_BIG, Conn, Disconnect, Encoding, Endpoint, HTTP_CONFLICT, HttpError, Message, Request, Span,
  WherryError, register,
} from "../../../sdk/assemblyscript";

export * from "../../../sdk/assemblyscript/exports";

/** What the first side may send before the second is there. */
const EARLY_BYTES: i32 = 64 << 10;

/** Two connections, of which the second may not be there yet. */
class Pair {
  second: Conn | null = null;
  private early: Uint8Array[] = [];
  private earlyBytes: i32 = 0;

  constructor(readonly key: string, readonly first: Conn) {}

  other(conn: Conn): Conn | null { return conn === this.first ? this.second : this.first; }

  /** Keeps bytes for the second; false if that is too much. */
  keep(bytes: Span): bool {
    if (bytes.length > EARLY_BYTES - this.earlyBytes) return false;
    this.early.push(bytes.toArray());
    this.earlyBytes += bytes.length;
    return true;
  }

  /** Lets the second in, to whom everything goes that was kept. */
  join(second: Conn): WherryError | null {
    const error = second.accept();
    if (error !== null) return error;
    this.second = second;
    for (let i = 0; i < this.early.length; i++) {
      const error = second.sendBytes(this.early[i]);
      if (error !== null) return error;
    }
    this.early = [];
    return null;
  }
}

const pairs = new Map<string, Pair>();

class Relay extends Endpoint {
  constructor() {
    super(Encoding.Bytes);
    this.path("key").required();
  }

  onConnect(conn: Conn, request: Request): WherryError | null {
    const key = request.params.string("key");
    if (!pairs.has(key)) {
      const pair = new Pair(key, conn);
      pairs.set(key, pair);
      conn.state = pair;
      return conn.accept();
    }
    const pair = pairs.get(key);
    if (pair.second !== null) return new HttpError(HTTP_CONFLICT);
    conn.state = pair;
    return pair.join(conn);
  }

  onReceive(conn: Conn, message: Message): WherryError | null {
    const pair = conn.state as Pair;
    const other = pair.other(conn);
    if (other !== null) return other.send(message);
    return pair.keep(message.bytes) ? null : conn.close(CLOSE_TOO_BIG, "peer too late");
  }

  onDisconnect(conn: Conn, end: Disconnect): WherryError | null {
    if (conn.state === null) return null;
    const pair = conn.state as Pair;
    // The key is free again for two others.
    if (pairs.has(pair.key) && pairs.get(pair.key) === pair) pairs.delete(pair.key);
    const other = pair.other(conn);
    return other === null ? null : other.close(CLOSE_GOING_AWAY, "peer left");
  }
}

register("/relay/{key}", new Relay());
