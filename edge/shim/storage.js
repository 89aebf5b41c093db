// The storage of an object as the core wants it: statements, rows as bytes, and a transaction that stays or does not.

const UNDO = new Error("undone");
const [INTEGER, TEXT, BLOB] = [1, 2, 3];
/** Tag and length before each value. */
const HEAD = 5;

/** The texts of statements, by the numbers that the core gave them. */
const statements = [];

export class Storage {
  #storage;
  #fault = null;

  constructor(storage) {
    this.#storage = storage;
  }

  learn(statement, sql) {
    statements[statement] = sql;
  }

  run(statement, values) {
    try {
      return this.#storage.sql.exec(statements[statement], ...unpack(values)).rowsWritten;
    } catch (error) {
      this.#fault = error;
      return -1;
    }
  }

  rows(statement, values) {
    try {
      return pack(this.#storage.sql.exec(statements[statement], ...unpack(values)).raw());
    } catch (error) {
      this.#fault = error;
      return NO_ROWS;
    }
  }

  transaction(work) {
    let works = false;
    try {
      this.#storage.transactionSync(() => {
        works = true;
        const keep = work();
        works = false;
        if (!keep) throw UNDO;
      });
      return true;
    } catch (error) {
      if (error === UNDO) return true;
      // The work says what failed; it throws when it is a bug, and then nothing above it goes on either.
      if (works) throw error;
      this.#fault = error;
      return false;
    }
  }

  fault() {
    return this.#fault instanceof Error ? this.#fault.message : String(this.#fault);
  }
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

const NO_ROWS = new Uint8Array(0);

/** The values of a statement. Its blobs are the core's memory, which stays as it is until the statement has run to its end. */
function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at];
    const start = at + HEAD;
    at = start + view.getUint32(at + 1, true);
    if (tag === TEXT) values.push(decoder.decode(bytes.subarray(start, at)));
    else if (tag === INTEGER) values.push(view.getFloat64(start, true));
    else if (tag === BLOB) values.push(bytes.subarray(start, at));
    else values.push(null);
  }
  return values;
}

/** The most room that stays from one statement to the next, in bytes. */
const KEPT = 1024 * 1024;
/** Rows are written here one after the other, and copied out before the next statement. */
let room;
let view;
take(64 * 1024);

function pack(rows) {
  if (room.length > KEPT) take(KEPT);
  let [at, count, columns] = [8, 0, 0];
  for (let { done, value: row } = rows.next(); !done; ({ done, value: row } = rows.next())) {
    for (const cell of row) at = put(cell, at);
    columns = row.length;
    count += 1;
  }
  view.setUint32(0, count, true);
  view.setUint32(4, columns, true);
  return room.subarray(0, at);
}

function put(cell, at) {
  const start = at + HEAD;
  let [tag, length] = [0, 0];
  if (typeof cell === "string") {
    // No UTF-16 unit takes more than three bytes of UTF-8.
    make(start + 3 * cell.length);
    [tag, length] = [TEXT, encoder.encodeInto(cell, room.subarray(start)).written];
  } else if (typeof cell === "number") {
    make(start + 8);
    view.setFloat64(start, cell, true);
    [tag, length] = [INTEGER, 8];
  } else if (cell === null) {
    make(start);
  } else {
    make(start + cell.byteLength);
    room.set(new Uint8Array(cell), start);
    [tag, length] = [BLOB, cell.byteLength];
  }
  room[at] = tag;
  view.setUint32(at + 1, length, true);
  return start + length;
}

/** Room for so many bytes. */
function make(bytes) {
  if (bytes <= room.length) return;
  const before = room;
  take(2 * bytes);
  room.set(before);
}

function take(bytes) {
  room = new Uint8Array(bytes);
  view = new DataView(room.buffer);
}
