// The program of the transcripts; ../README.md says what each route does.
import {
  Conn, Disconnect, Encoding, Endpoint, Failure, Headers, HttpError, HttpRequest, JsonObject, Message,
  OnInvalid, OnRequest, OnResume, ParamError, Params, Phase, PolicyError, Request, Room, StopReason, Timer, WherryError,
  config, handleError, handleStatus, log, onStop, register, useTimers,
} from "../../sdk/assemblyscript";

export * from "../../sdk/assemblyscript/exports";

const ends = new Room("ends");

/** The program's own type of error. */
class Teapot extends WherryError {
  constructor() { super("teapot"); }
}

class Any extends Endpoint {
  onReceive(conn: Conn, message: Message): WherryError | null { return conn.send(message); }
}

/** Says in the room how a connection ended. */
function tellEnd(end: Disconnect): WherryError | null {
  let text = `${end.code} ${end.reason}`;
  if (end.clean) text += " clean";
  if (end.byPeer) text += " peer";
  if (end.byGuest) text += " guest";
  if (end.byHost) text += " host";
  if (end.opened) text += " opened";
  return ends.broadcastText(text);
}

class Text extends Endpoint {
  constructor() { super(Encoding.Text); }

  onReceive(conn: Conn, message: Message): WherryError | null {
    const text = message.text;
    if (text == "close") return conn.close(4000, "bye");
    if (text == "twice") return this.twice(conn);
    if (text == "fail") return new WherryError("boom");
    if (text == "policy") return new PolicyError(1008, "no");
    if (text == "http") return new HttpError(403, "nope");
    if (text == "long") return conn.close(1000, "é".repeat(62));
    if (text == "code") return conn.close(1005);
    if (text == "teapot") return new Teapot();
    if (text != "late") return conn.sendText(text);
    conn.close(1000);
    return conn.sendText("x");
  }

  private twice(conn: Conn): WherryError | null {
    conn.close(4000, "one");
    const error = conn.close(4001, "two");
    if (error !== null) log.info(error.toString());
    return null;
  }

  onDisconnect(conn: Conn, end: Disconnect): WherryError | null { return tellEnd(end); }
}

class Bytes extends Endpoint {
  constructor() { super(Encoding.Bytes); }
  onReceive(conn: Conn, message: Message): WherryError | null { return conn.sendBytes(message.bytes); }
}

class Values extends Endpoint {
  constructor() { super(Encoding.Json); }

  onReceive(conn: Conn, message: Message): WherryError | null {
    if (message.json.get("bad") !== null) return conn.sendJson(new Teapot());
    return conn.sendJson(new JsonObject().set("got", message.json));
  }
}

class Deny extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null {
    const headers = new Headers().add("content-type", "text/plain").add("www-authenticate", "Basic");
    return conn.deny(401, headers, "no\n");
  }
}

class Refuse extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null { return conn.close(4003, "not you"); }
  onDisconnect(conn: Conn, end: Disconnect): WherryError | null { return tellEnd(end); }
}

class Protocol extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null {
    return conn.accept("chat.v2", new Headers().add("x-a", "1").add("x-a", "2"));
  }
}

class Early extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null { return conn.sendText("early"); }
}

class Declared extends Endpoint {
  constructor() {
    super();
    this.path("id").int();
    this.query("n").int().required();
    this.query("f").float().or("1.5");
    this.query("b").bool();
    this.query("u").uuid();
    this.query("color").oneOf(["red", "green"]).or("red");
    this.header("x-token");
    this.cookie("sid").required();
  }

  onConnect(conn: Conn, request: Request): WherryError | null {
    const p = request.params;
    const error = conn.accept();
    if (error !== null) return error;
    const thousandths = <i64>Math.round(p.float("f") * 1000);
    const b = p.has("b") ? p.bool("b").toString() : "-";
    return conn.sendText(
      `id=${p.int("id")} n=${p.int("n")} f=${thousandths} b=${b} u=${orDash(p, "u")} ` +
      `color=${p.string("color")} token=${orDash(p, "x-token")} sid=${p.string("sid")}`,
    );
  }
}

function orDash(params: Params, name: string): string { return params.has(name) ? params.string(name) : "-"; }

class Own extends Endpoint implements OnInvalid {
  constructor() {
    super();
    this.query("n").int().required();
  }

  onInvalid(conn: Conn, request: Request, errors: ParamError[]): WherryError | null {
    const words: string[] = [];
    for (let i = 0; i < errors.length; i++) words.push(`${errors[i].place} ${errors[i].name} ${errors[i].type}`);
    const error = conn.accept();
    return error !== null ? error : conn.close(1008, words.join(","));
  }
}

class Head extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null {
    const error = conn.accept();
    if (error !== null) return error;
    const texts = [
      request.method, request.path, request.query, request.authority, request.scheme, request.peer, request.route,
      request.subprotocols.join(","),
      orEmpty(request.queryParam("q")), request.queryParams("tag").join(","),
      orEmpty(request.header("x-one")), request.headers("x-one").join(","),
      orEmpty(request.cookie("a")),
    ];
    for (let i = 0; i < texts.length; i++) {
      const error = conn.sendText(texts[i]);
      if (error !== null) return error;
    }
    return null;
  }
}

function orEmpty(text: string | null): string { return text === null ? "" : text; }

class Rooms extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null {
    const room = new Room(orEmpty(request.param("room")));
    const error = conn.accept();
    if (error !== null) return error;
    conn.state = room;
    return room.join(conn);
  }

  onReceive(conn: Conn, message: Message): WherryError | null {
    const room = conn.state as Room;
    const text = message.text;
    if (text == "leave") return room.leave(conn);
    if (text.startsWith("all ")) return room.broadcastText(text.substring(4));
    if (text.startsWith("others ")) return room.broadcastText(text.substring(7), conn);
    if (text.startsWith("bytes ")) return room.broadcastBytes(String.UTF8.encode(text.substring(6)));
    return null;
  }
}

/** Sends a text later. */
class Later extends Timer {
  constructor(private conn: Conn, private text: string) { super(); }
  onTimer(): WherryError | null {
    return this.conn.phase == Phase.Open ? this.conn.sendText(this.text) : null;
  }
}

class Timers extends Endpoint {
  onReceive(conn: Conn, message: Message): WherryError | null {
    const text = message.text;
    if (text == "cancel") {
      if (conn.state !== null) (conn.state as Later).cancel();
      return null;
    }
    const later = new Later(conn, "fired");
    conn.state = later;
    return later.arm(u32.parse(text));
  }
}

class Attach extends Endpoint implements OnResume {
  onReceive(conn: Conn, message: Message): WherryError | null {
    return message.text == "?" ? conn.sendText(conn.attachmentText()) : conn.attach(message.bytes);
  }

  onResume(conn: Conn, request: Request): WherryError | null { return null; }
}

/** A number that changes. */
class Counter {
  value: i32 = 0;
}

class Count extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null {
    conn.state = new Counter();
    return conn.accept();
  }

  onReceive(conn: Conn, message: Message): WherryError | null {
    const counter = conn.state as Counter;
    counter.value++;
    return conn.sendText(counter.value.toString());
  }
}

/** Fails on connect. */
class Fails extends Endpoint {
  constructor(private error: WherryError) { super(); }
  onConnect(conn: Conn, request: Request): WherryError | null { return this.error; }
}

/** Lets somebody in. */
class Admission extends Timer {
  constructor(private conn: Conn) { super(); }
  onTimer(): WherryError | null { return this.conn.accept(); }
}

class Wait extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null { return new Admission(conn).arm(5); }
}

class Page extends Endpoint implements OnRequest {
  onRequest(request: HttpRequest): WherryError | null {
    if (request.method == "GET") {
      return request.respond(200, new Headers().add("content-type", "text/html; charset=utf-8"), "<p>hi</p>");
    }
    if (request.method == "POST") {
      return request.respondBytes(201, new Headers().add("content-type", "application/octet-stream"), request.body);
    }
    return new HttpError(405, "", new Headers().add("allow", "GET, POST"));
  }
}

class Greet extends Endpoint {
  onConnect(conn: Conn, request: Request): WherryError | null {
    const error = conn.accept();
    return error !== null ? error : conn.sendText(orEmpty(config("greeting")));
  }
}

class Trap extends Endpoint {
  onReceive(conn: Conn, message: Message): WherryError | null { throw new Error("a bug in the guest"); }
}

register("/any", new Any());
register("/text", new Text());
register("/bytes", new Bytes());
register("/json", new Values());
register("/deny", new Deny());
register("/refuse", new Refuse());
register("/protocol", new Protocol());
register("/early", new Early());
register("/params/{id:int}", new Declared());
register("/own", new Own());
register("/request", new Head());
register("/room/{room}", new Rooms());
register("/timer", new Timers());
register("/attach", new Attach());
register("/count", new Count());
register("/fail", new Fails(new WherryError("boom")));
register("/http", new Fails(new HttpError(403, "members only", new Headers().add("x-why", "test"))));
register("/gone", new Fails(new HttpError(410)));
register("/policy", new Fails(new PolicyError(1008, "no")));
register("/teapot", new Fails(new Teapot()));
register("/missing", new Fails(new HttpError(404, "nothing here")));
register("/wait", new Wait());
register("/page", new Page());
register("/greet", new Greet());
register("/trap", new Trap());
useTimers();

handleError<Teapot>((error: Teapot, failure: Failure): WherryError | null => {
  const conn = failure.conn;
  if (conn === null) return error;
  const denied = conn.deny(418, null, "short and stout");
  return denied === null ? null : conn.close(4418, "short and stout");
});

handleStatus(404, (error: HttpError, failure: Failure): WherryError | null => {
  const conn = failure.conn;
  if (conn === null) return error;
  const headers = new Headers().add("content-type", "text/plain");
  return conn.deny(404, headers, error.detail) === null ? null : error;
});

onStop((reason: StopReason): WherryError | null => {
  switch (reason) {
    case StopReason.Deploy: return ends.broadcastText("stopping deploy");
    case StopReason.Shutdown: return ends.broadcastText("stopping shutdown");
    case StopReason.Idle: return ends.broadcastText("stopping idle");
    default: return null;
  }
});
