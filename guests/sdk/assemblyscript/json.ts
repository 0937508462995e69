// JSON values. Objects keep the order of their keys, and integers of 64 bits are
// exact.
import { JsonError, WherryError } from "./errors";
import { readJson } from "./json_reader";
import { JsonWriter } from "./json_writer";

/** Arrays and objects may be this many levels deep. */
export const JSON_DEPTH: i32 = 64;

/**
 * A JSON value: one of the classes below. A class of one's own that extends it
 * and overrides write() can be sent like them; without that it is no JSON.
 */
export class Json {
  /** Reads text; null if it is not JSON. */
  static parse(text: string): Json | null {
    const bytes = String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
    return readJson(changetype<usize>(bytes), bytes.byteLength);
  }

  /**
   * The JSON value of a string, bool, number, of an array of such, or of a Json
   * itself. Anything else becomes a value that nothing can write: the error that
   * comes of it names the type.
   */
  static of<T>(value: T): Json {
    if (isString<T>()) return new JsonString(changetype<string>(value));
    else if (isBoolean<T>()) return new JsonBool(<bool>value);
    else if (isInteger<T>()) return new JsonInt(<i64>value, !isSigned<T>() && sizeof<T>() == 8 && <i64>value < 0);
    else if (isFloat<T>()) return new JsonFloat(<f64>value);
    else if (isNullable<T>()) return value === null ? new JsonNull() : Json.of<NonNullable<T>>(value);
    else if (isArray<T>()) return arrayOf<T>(value);
    else if (value instanceof Json) return value;
    else return new NoJson(nameof<T>());
  }

  /** Writes the value, or returns an error. */
  write(to: JsonWriter): WherryError | null { return new JsonError("a class without write()"); }

  /** The value as text; what cannot be written is not there. */
  toString(): string {
    const w = new JsonWriter();
    this.write(w);
    return w.take();
  }

  /** The member of an object; null if there is none, or this is no object. */
  get(key: string): Json | null { return null; }

  /** The element of an array; null if there is none, or this is no array. */
  at(index: i32): Json | null { return null; }

  get isNull(): bool { return this instanceof JsonNull; }
}

function arrayOf<T extends ArrayLike>(values: T): Json {
  const array = new JsonArray();
  for (let i = 0; i < values.length; i++) array.push(Json.of<valueof<T>>(values[i]));
  return array;
}

/** What Json.of makes of what is not JSON's. */
class NoJson extends Json {
  constructor(private typeName: string) { super(); }
  write(to: JsonWriter): WherryError | null { return new JsonError(this.typeName); }
}

export class JsonNull extends Json {
  write(to: JsonWriter): WherryError | null {
    to.raw("null");
    return null;
  }
}

export class JsonBool extends Json {
  constructor(readonly value: bool) { super(); }

  write(to: JsonWriter): WherryError | null {
    to.raw(this.value ? "true" : "false");
    return null;
  }
}

/** An integer of 64 bits; one that is unsigned may be over the largest of i64. */
export class JsonInt extends Json {
  constructor(readonly value: i64, readonly unsigned: bool = false) { super(); }

  write(to: JsonWriter): WherryError | null {
    to.raw(this.unsigned ? (<u64>this.value).toString() : this.value.toString());
    return null;
  }
}

/** Any other number. */
export class JsonFloat extends Json {
  constructor(readonly value: f64) { super(); }

  write(to: JsonWriter): WherryError | null {
    if (!isFinite(this.value)) return new JsonError(this.value.toString());
    const text = this.value.toString();
    to.raw(text.endsWith(".0") ? text.substring(0, text.length - 2) : text);
    return null;
  }
}

export class JsonString extends Json {
  constructor(readonly value: string) { super(); }

  write(to: JsonWriter): WherryError | null {
    to.string(this.value);
    return null;
  }
}

export class JsonArray extends Json {
  readonly values: Json[] = [];

  get length(): i32 { return this.values.length; }

  at(index: i32): Json | null { return <u32>index < <u32>this.values.length ? this.values[index] : null; }

  /** Adds an element, and returns the array for the next. */
  push(value: Json): JsonArray {
    this.values.push(value);
    return this;
  }

  write(to: JsonWriter): WherryError | null {
    if (!to.enter()) return tooDeep();
    to.byte(0x5b);
    for (let i = 0; i < this.values.length; i++) {
      if (i) to.byte(0x2c);
      const error = this.values[i].write(to);
      if (error !== null) return error;
    }
    to.byte(0x5d);
    to.leave();
    return null;
  }
}

export class JsonObject extends Json {
  readonly keys: string[] = [];
  readonly values: Json[] = [];

  get length(): i32 { return this.keys.length; }

  /** Of a key that the text had twice, the last counts. */
  get(key: string): Json | null {
    const i = this.keys.lastIndexOf(key);
    return i < 0 ? null : this.values[i];
  }

  /** Sets a member, behind the others if it is new, and returns the object for the next. */
  set(key: string, value: Json): JsonObject {
    const i = this.keys.lastIndexOf(key);
    if (i >= 0) this.values[i] = value;
    else this.add(key, value);
    return this;
  }

  /** Adds a member without looking whether it is there. */
  add(key: string, value: Json): void {
    this.keys.push(key);
    this.values.push(value);
  }

  /** Whether there is a member of that key. */
  has(key: string): bool { return this.keys.includes(key); }

  write(to: JsonWriter): WherryError | null {
    if (!to.enter()) return tooDeep();
    to.byte(0x7b);
    for (let i = 0; i < this.keys.length; i++) {
      if (i) to.byte(0x2c);
      to.string(this.keys[i]);
      to.byte(0x3a);
      const error = this.values[i].write(to);
      if (error !== null) return error;
    }
    to.byte(0x7d);
    to.leave();
    return null;
  }
}

function tooDeep(): WherryError { return new JsonError(`more than ${JSON_DEPTH} levels`); }
