// A map from the host's numbers, which are never 0, to objects.

const SMALLEST: i32 = 16;

/** Open addressing with linear probing, at most half full. It allocates when it grows or shrinks, and at no other time. */
export class HandleMap<T> {
  private keys: StaticArray<u64> = new StaticArray<u64>(SMALLEST);
  private values: StaticArray<T | null> = new StaticArray<T | null>(SMALLEST);
  private size: i32 = 0;

  get length(): i32 { return this.size; }

  /** Null if there is none. */
  get(key: u64): T | null {
    return unchecked(this.values[this.find(key)]);
  }

  /** Key is not 0, and not in the map. */
  set(key: u64, value: T): void {
    if (2 * (this.size + 1) > this.keys.length) this.resize(2 * this.keys.length);
    this.size++;
    this.put(this.find(key), key, value);
  }

  /** Removes the value, and returns it; null if there is none. */
  take(key: u64): T | null {
    const i = this.find(key);
    const value = this.values[i];
    if (value === null) return null;
    this.size--;
    this.close(i);
    if (this.keys.length > SMALLEST && 8 * this.size < this.keys.length) this.resize(this.keys.length / 2);
    return value;
  }

  /** All values, in no order. */
  all(): T[] {
    const all: T[] = [];
    for (let i = 0; i < this.values.length; i++) {
      const value = this.values[i];
      if (value !== null) all.push(value);
    }
    return all;
  }

  private put(i: i32, key: u64, value: T | null): void {
    this.keys[i] = key;
    this.values[i] = value;
  }

  /** Where the key is, or else the free place where it would go. */
  private find(key: u64): i32 {
    const mask = this.keys.length - 1;
    let i = home(key, mask);
    for (let k = unchecked(this.keys[i]); k != key && k != 0; k = unchecked(this.keys[i])) i = (i + 1) & mask;
    return i;
  }

  /** Frees a place, and moves those up that were kept from theirs by it. */
  private close(hole: i32): void {
    const mask = this.keys.length - 1;
    for (let i = (hole + 1) & mask; this.keys[i] != 0; i = (i + 1) & mask) {
      // Whether the hole is between where the key would like to be and where it is.
      if (((i - home(this.keys[i], mask)) & mask) < ((i - hole) & mask)) continue;
      this.put(hole, this.keys[i], this.values[i]);
      hole = i;
    }
    this.put(hole, 0, null);
  }

  private resize(places: i32): void {
    const keys = this.keys;
    const values = this.values;
    this.keys = new StaticArray<u64>(places);
    this.values = new StaticArray<T | null>(places);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] != 0) this.put(this.find(keys[i]), keys[i], values[i]);
    }
  }
}

function home(key: u64, mask: i32): i32 {
  return <i32>((key * 0x9e37_79b9_7f4a_7c15) >> 33) & mask;
}
