// What clients and the log see of errors; ../../README.md says what each route does.
import {
  Conn, Encoding, Endpoint, Failure, Headers, HttpError, Message, PolicyError, Request, WherryError, handleError, register,
} from "../../../sdk/assemblyscript";

export * from "../../../sdk/assemblyscript/exports";

/** Raises an HTTP error before accept: the client gets that response. */
class Before extends Endpoint {
  constructor() {
    super();
    this.query("status").int().or("401");
  }

  onConnect(conn: Conn, request: Request): WherryError | null {
    const status = <u32>request.params.int("status");
    return new HttpError(status, "before", new Headers().add("x-h", "1"));
  }
}

/** Raises one after accept, when it is too late for a response. */
class After extends Endpoint {
  onReceive(conn: Conn, message: Message): WherryError | null { return new HttpError(401); }
}

/** An error type of its own: a handler says what it means. */
class Forbidden extends WherryError {
  constructor() { super("forbidden"); }
}

handleError<Forbidden>((error: Forbidden, failure: Failure): WherryError | null => {
  const conn = failure.conn;
  return conn === null ? error : conn.close(3003, "typed");
});

class Policy extends Endpoint {
  onReceive(conn: Conn, message: Message): WherryError | null {
    if (message.isText && message.text == "typed") return new Forbidden();
    return new PolicyError(4003, "forbidden");
  }
}

/** What is kept of a handshake, because its head is gone afterwards. */
class Token {
  constructor(readonly text: string) {}
}

/** Fails with a text that no client in production may see. */
class Crash extends Endpoint {
  constructor() {
    super();
    this.query("token").required();
  }

  onConnect(conn: Conn, request: Request): WherryError | null {
    conn.state = new Token(request.params.string("token"));
    return conn.accept();
  }

  onReceive(conn: Conn, message: Message): WherryError | null {
    const token = conn.state as Token;
    return new WherryError(`token ${token.text} is broken`);
  }
}

/** Sends what is no JSON: an error that names the type. */
class NotJson extends Endpoint {
  constructor() { super(Encoding.Json); }
  onReceive(conn: Conn, message: Message): WherryError | null { return conn.sendJson(new Token("secret")); }
}

register("/before", new Before());
register("/after", new After());
register("/policy", new Policy());
register("/crash", new Crash());
register("/json", new NotJson());
