// The head of a handshake or of an HTTP request.
import * as abi from "./abi";
import { FieldReader, Headers, Pair } from "./fields";
import { StateError, WherryError } from "./errors";
import { Params } from "./params";
import { Phase } from "./phase";
import { parseCookies, parseQuery } from "./query";
import { detailBody, respond, respondBytes } from "./response";
import { Span } from "./span";
import { lowerASCII } from "./text";

/**
 * The head of a handshake. It is there while the handler runs that got it; after
 * that everything is empty, so what is needed later is copied to the state.
 */
export class Request {
  /** What the endpoint declared, and the client sent. Empty for an HTTP request. */
  params: Params = Params.none;

  constructor(private at: usize, private len: i32) {}

  get method(): string { return this.text(abi.FIELD_METHOD); }
  /** As it was sent, percent-encoding and all. */
  get path(): string { return this.text(abi.FIELD_PATH); }
  /** What follows the question mark, as it was sent. */
  get query(): string { return this.text(abi.FIELD_QUERY); }
  /** Host and port that the client asked for. */
  get authority(): string { return this.text(abi.FIELD_AUTHORITY); }
  /** ws, wss, http or https. */
  get scheme(): string { return this.text(abi.FIELD_SCHEME); }
  /** The client's address and port. */
  get peer(): string { return this.text(abi.FIELD_PEER); }
  /** The pattern of the route that matched. */
  get route(): string { return this.text(abi.FIELD_ROUTE); }

  /** The subprotocols that the client offers, best first. */
  get subprotocols(): string[] {
    const items = this.text(abi.FIELD_PROTOCOLS).split(",");
    const offered: string[] = [];
    for (let i = 0; i < items.length; i++) {
      const item = items[i].trim();
      if (item.length) offered.push(item);
    }
    return offered;
  }

  /** A parameter of the route, decoded; null if the route has none of that name. */
  param(name: string): string | null { return this.first(abi.FIELD_PARAM + name); }

  /** The first header field of that name, in any case. */
  header(name: string): string | null {
    return isPseudo(name) ? null : this.first(lowerASCII(name));
  }

  /** All header fields of that name, in their order. */
  headers(name: string): string[] {
    const values: string[] = [];
    if (isPseudo(name)) return values;
    const lower = lowerASCII(name);
    const fields = this.fields();
    while (fields.find(lower)) values.push(fields.value());
    return values;
  }

  /** All header fields, in their order. */
  allHeaders(): Pair[] {
    const pairs: Pair[] = [];
    const fields = this.fields();
    while (fields.next()) {
      if (fields.nameLength && load<u8>(fields.nameAt) != COLON) pairs.push(new Pair(fields.name(), fields.value()));
    }
    return pairs;
  }

  /** The last query parameter of that name, decoded. */
  queryParam(name: string): string | null { return last(this.allQueryParams(), name); }

  /** All query parameters of that name, decoded, in their order. */
  queryParams(name: string): string[] {
    const values: string[] = [];
    const pairs = this.allQueryParams();
    for (let i = 0; i < pairs.length; i++) {
      if (pairs[i].name == name) values.push(pairs[i].value);
    }
    return values;
  }

  /** All query parameters, decoded, in their order. */
  allQueryParams(): Pair[] {
    const fields = this.fields();
    return fields.find(abi.FIELD_QUERY) ? parseQuery(fields.valueAt, fields.valueLength) : [];
  }

  /** The last cookie of that name. */
  cookie(name: string): string | null { return last(this.allCookies(), name); }

  /** All cookies, in their order. */
  allCookies(): Pair[] {
    const pairs: Pair[] = [];
    const fields = this.fields();
    while (fields.find("cookie")) parseCookies(fields.valueAt, fields.valueLength, pairs);
    return pairs;
  }

  /** The fields as they lie in memory. */
  fields(): FieldReader { return new FieldReader(this.at, this.len); }

  /** Ends what the request can tell. Whoever runs a handler calls it when that has returned. */
  detach(): void {
    this.at = 0;
    this.len = 0;
    this.params = Params.none;
  }

  private first(name: string): string | null {
    const fields = this.fields();
    return fields.find(name) ? fields.value() : null;
  }

  private text(name: string): string {
    const value = this.first(name);
    return value === null ? "" : value;
  }
}

const COLON: u8 = 0x3a;

function isPseudo(name: string): bool { return name.length > 0 && name.charCodeAt(0) == COLON; }

function last(pairs: Pair[], name: string): string | null {
  for (let i = pairs.length - 1; i >= 0; i--) {
    if (pairs[i].name == name) return pairs[i].value;
  }
  return null;
}

/** An HTTP request, which is answered once, by its handler or later. */
export class HttpRequest extends Request {
  /** The body; like the head it is there while the handler runs. */
  readonly body: Span = new Span();
  private answered: bool = false;

  constructor(readonly handle: u64, at: usize, len: i32) {
    super(at, len);
    const fields = this.fields();
    if (fields.find(abi.FIELD_BODY)) this.body.set(fields.valueAt, fields.valueLength);
  }

  /** Whether it has been answered. */
  get done(): bool { return this.answered; }

  /** Answers with text. */
  respond(status: u32, headers: Headers | null = null, body: string = ""): WherryError | null {
    if (this.answered) return new StateError("respond", Phase.Closed);
    const error = respond("respond", this.handle, status, "", headers, body);
    if (error === null) this.answered = true;
    return error;
  }

  /** Answers with bytes. */
  respondBytes<T>(status: u32, headers: Headers | null, body: T): WherryError | null {
    if (this.answered) return new StateError("respond", Phase.Closed);
    const error = respondBytes<T>("respond", this.handle, status, headers, body);
    if (error === null) this.answered = true;
    return error;
  }

  /** Answers with {"detail":"..."}. */
  respondDetail(status: u32, detail: string = "", headers: Headers | null = null): WherryError | null {
    return this.respondAs(status, "application/json", headers, detailBody(status, detail));
  }

  /** Answers with text of a content type. */
  respondAs(status: u32, contentType: string, headers: Headers | null, body: string): WherryError | null {
    if (this.answered) return new StateError("respond", Phase.Closed);
    const error = respond("respond", this.handle, status, contentType, headers, body);
    if (error === null) this.answered = true;
    return error;
  }

  detach(): void {
    super.detach();
    this.body.set(0, 0);
  }
}
