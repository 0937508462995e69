// Parameters that an endpoint declares, and what is wrong with those that came.
import { JsonWriter } from "./json_writer";
import { Value, isUuid, readBool, readFloat, readInt } from "./parsing";
import { Request } from "./request";
import { cutText } from "./text";

/** Where a parameter comes from. */
export enum Place { Path, Query, Header, Cookie }

/** What a parameter has to be. */
export enum ParamType { String, Int, Float, Bool, Uuid, Enum }

function placeName(place: Place): string {
  switch (place) {
    case Place.Path: return "path";
    case Place.Query: return "query";
    case Place.Header: return "header";
    default: return "cookie";
  }
}

/** A declaration: a string that may be missing, unless the methods below say something else. */
export class Param {
  private type: ParamType = ParamType.String;
  private isRequired: bool = false;
  private choices: string[] = [];
  private fallback: string | null = null;

  constructor(readonly place: Place, readonly name: string) {}

  /** Optional sign, decimal digits, 64 bits. */
  int(): Param { return this.as(ParamType.Int); }
  /** Decimal, with optional sign, fraction and exponent; finite. */
  float(): Param { return this.as(ParamType.Float); }
  /** true 1 yes on t y, false 0 no off f n, in any case. */
  bool(): Param { return this.as(ParamType.Bool); }
  /** 8-4-4-4-12 hexadecimal digits, in any case. */
  uuid(): Param { return this.as(ParamType.Uuid); }
  /** One of these strings. */
  oneOf(choices: string[]): Param {
    this.choices = choices;
    return this.as(ParamType.Enum);
  }

  /** It must be there. */
  required(): Param {
    this.isRequired = true;
    return this;
  }

  /** What it is if it is missing, spelled as a client would. */
  or(value: string): Param {
    const error = this.read(value, new Value());
    assert(error === null, `the default of ${this.name} is not of its type`);
    this.fallback = value;
    return this;
  }

  private as(type: ParamType): Param {
    this.type = type;
    return this;
  }

  /** Reads the parameter of a request into value; returns what is wrong. */
  readFrom(request: Request, value: Value): ParamError | null {
    const input = this.input(request);
    if (input !== null) return this.read(input, value);
    if (this.isRequired) return new ParamError("missing", placeName(this.place), this.name, "required", null);
    const fallback = this.fallback;
    return fallback === null ? null : this.read(fallback, value);
  }

  private input(request: Request): string | null {
    switch (this.place) {
      case Place.Path: return request.param(this.name);
      case Place.Query: return request.queryParam(this.name);
      case Place.Header: return request.header(this.name);
      default: return request.cookie(this.name);
    }
  }

  private read(input: string, value: Value): ParamError | null {
    value.present = true;
    value.text = input;
    switch (this.type) {
      case ParamType.Int: return readInt(input, value) ? null : this.wrong("int_parsing", "not an integer", input);
      case ParamType.Float: return readFloat(input, value) ? null : this.wrong("float_parsing", "not a number", input);
      case ParamType.Bool: return readBool(input, value) ? null : this.wrong("bool_parsing", "not a boolean", input);
      case ParamType.Uuid: return isUuid(input) ? null : this.wrong("uuid_parsing", "not a uuid", input);
      case ParamType.Enum:
        return this.choices.includes(input) ? null : this.wrong("enum", "not one of " + this.choices.join(", "), input);
      default: return null;
    }
  }

  private wrong(type: string, message: string, input: string): ParamError {
    return new ParamError(type, placeName(this.place), this.name, message, cutText(input, INPUT_BYTES));
  }
}

/** The most of an input that an error repeats. */
const INPUT_BYTES: i32 = 64;

/** The parameters of a handshake. To ask for one that was not declared is a bug, and traps. */
export class Params {
  /** No parameters. */
  static readonly none: Params = new Params([]);

  readonly errors: ParamError[] = [];
  private values: Value[] = [];

  constructor(private declared: Param[]) {}

  /** Reads all that was declared. */
  read(request: Request): void {
    for (let i = 0; i < this.declared.length; i++) {
      const value = new Value();
      const error = this.declared[i].readFrom(request, value);
      if (error !== null) this.errors.push(error);
      this.values.push(value);
    }
  }

  /** Whether the parameter, or a default of it, is there. */
  has(name: string): bool { return this.value(name).present; }
  /** The parameter as the client spelled it, "" if it is missing. */
  string(name: string): string { return this.value(name).text; }
  int(name: string): i64 { return this.value(name).int; }
  float(name: string): f64 { return this.value(name).float; }
  bool(name: string): bool { return this.value(name).bool; }

  private value(name: string): Value {
    for (let i = 0; i < this.declared.length; i++) {
      if (this.declared[i].name == name) return this.values[i];
    }
    throw new Error(`no parameter ${name} was declared`);
  }
}

/** What is wrong with one parameter. */
export class ParamError {
  constructor(
    /** missing, int_parsing, float_parsing, bool_parsing, uuid_parsing or enum. */
    readonly type: string,
    /** path, query, header or cookie. */
    readonly place: string,
    readonly name: string,
    readonly message: string,
    /** What the client sent, cut to 64 bytes; null if it is missing. */
    readonly input: string | null,
  ) {}

  /** The error as an element of "detail". */
  write(w: JsonWriter): void {
    w.raw('{"type":');
    w.string(this.type);
    w.raw(',"loc":[');
    w.string(this.place);
    w.raw(",");
    w.string(this.name);
    w.raw('],"msg":');
    w.string(this.message);
    const input = this.input;
    if (input !== null) {
      w.raw(',"input":');
      w.string(input);
    }
    w.raw("}");
  }
}

/** The errors as JSON: {"detail":[...]}. */
export function errorsBody(errors: ParamError[]): string {
  const w = new JsonWriter();
  w.raw('{"detail":[');
  for (let i = 0; i < errors.length; i++) {
    if (i) w.raw(",");
    errors[i].write(w);
  }
  w.raw("]}");
  return w.take();
}

/** The errors in a line. */
export function errorsLine(errors: ParamError[]): string {
  let line = "";
  for (let i = 0; i < errors.length; i++) {
    const e = errors[i];
    line += `${i ? ", " : ""}${e.place} ${e.name} ${e.type}`;
  }
  return line;
}
