// The storage of an object as the core wants it: statements, rows as bytes, and a transaction that stays or does not.

const UNDO = new Error("undone");
const [INTEGER, TEXT, BLOB] = [1, 2, 3];
/** Tag and length before each value. */
const HEAD = 5;

export class Storage {
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  run(sql, values) {
    return this.#storage.sql.exec(sql, ...unpack(values)).rowsWritten;
  }

  rows(sql, values) {
    return pack(this.#storage.sql.exec(sql, ...unpack(values)).raw().toArray());
  }

  transaction(work) {
    try {
      this.#storage.transactionSync(() => {
        if (!work()) throw UNDO;
      });
    } catch (error) {
      if (error !== UNDO) throw error;
    }
  }
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The values of a statement; the bytes are the core's memory, so what stays is copied. */
function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at];
    const start = at + HEAD;
    at = start + view.getUint32(at + 1, true);
    if (tag === TEXT) values.push(decoder.decode(bytes.subarray(start, at)));
    else if (tag === INTEGER) values.push(view.getFloat64(start, true));
    else if (tag === BLOB) values.push(bytes.slice(start, at));
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
  view.setUint32(0, rows.length, true);
  view.setUint32(4, rows.length > 0 ? rows[0].length : 0, true);
  let at = 8;
  for (const row of rows) for (const cell of row) at = put(cell, at);
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
