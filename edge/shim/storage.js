// The storage of an object as the core wants it: statements, rows, and a transaction that stays or does not.

const UNDO = new Error("undone");

export class Storage {
  #storage;

  constructor(storage) {
    this.#storage = storage;
  }

  run(sql, parameters) {
    return this.#storage.sql.exec(sql, ...parameters).rowsWritten;
  }

  rows(sql, parameters) {
    return this.#storage.sql.exec(sql, ...parameters).raw().toArray();
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
