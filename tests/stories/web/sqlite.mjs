// Lends whoever asks a SQLite database in memory.

import { DatabaseSync } from "node:sqlite";

class Database {
  #connection = new DatabaseSync(":memory:");
  #statements = new Map();

  #statement(sql) {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#connection.prepare(sql);
      statement.setReadBigInts(true);
      statement.setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  run(sql, parameters) {
    return Number(this.#statement(sql).run(...parameters).changes);
  }

  all(sql, parameters) {
    return this.#statement(sql).all(...parameters);
  }

  exec(sql) {
    this.#connection.exec(sql);
  }
}

globalThis.openDatabase = () => new Database();
