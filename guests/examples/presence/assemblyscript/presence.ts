// Who is in a room, told to all who are in it as people come and go.
import {
  Conn, Disconnect, Endpoint, JsonArray, JsonObject, JsonString, OnInvalid, ParamError, PolicyError, Request, Room, WherryError,
  register,
} from "../../../sdk/assemblyscript";

export * from "../../../sdk/assemblyscript/exports";

/** The longest name, in bytes. */
const NAME_BYTES: i32 = 32;

/** A room with the names of who is there, in the order of arrival. */
class Presence {
  readonly room: Room;
  private here: Member[] = [];

  constructor(readonly name: string) { this.room = new Room(name); }

  get isEmpty(): bool { return this.here.length == 0; }

  enter(member: Member): WherryError | null {
    this.here.push(member);
    return this.tell("join", member);
  }

  leave(member: Member): WherryError | null {
    const i = this.here.indexOf(member);
    if (i >= 0) this.here.splice(i, 1);
    return this.tell("leave", member);
  }

  private tell(event: string, about: Member): WherryError | null {
    const names = new JsonArray();
    for (let i = 0; i < this.here.length; i++) names.push(new JsonString(this.here[i].name));
    return this.room.broadcastJson(
      new JsonObject().set("event", new JsonString(event)).set("name", new JsonString(about.name)).set("here", names),
    );
  }
}

/** A connection's state: who it is, and where. */
class Member {
  constructor(readonly name: string, readonly presence: Presence) {}
}

const rooms = new Map<string, Presence>();

function roomOf(name: string): Presence {
  if (rooms.has(name)) return rooms.get(name);
  const presence = new Presence(name);
  rooms.set(name, presence);
  return presence;
}

class Rooms extends Endpoint implements OnInvalid {
  constructor() {
    super();
    this.path("room").required();
    this.query("name").required();
  }

  onInvalid(conn: Conn, request: Request, errors: ParamError[]): WherryError | null { return badName(); }

  onConnect(conn: Conn, request: Request): WherryError | null {
    const name = request.params.string("name");
    const bytes = String.UTF8.byteLength(name);
    if (bytes < 1 || bytes > NAME_BYTES) return badName();
    const presence = roomOf(request.params.string("room"));
    // Into the room before the others are told, so that the newcomer is told too.
    const joined = presence.room.join(conn);
    if (joined !== null) return joined;
    const accepted = conn.accept();
    if (accepted !== null) return accepted;
    const member = new Member(name, presence);
    conn.state = member;
    return presence.enter(member);
  }

  onDisconnect(conn: Conn, end: Disconnect): WherryError | null {
    if (conn.state === null) return null;
    const member = conn.state as Member;
    const error = member.presence.leave(member);
    if (member.presence.isEmpty) rooms.delete(member.presence.name);
    return error;
  }
}

function badName(): WherryError { return new PolicyError(1008, "bad name"); }

register("/rooms/{room}", new Rooms());
