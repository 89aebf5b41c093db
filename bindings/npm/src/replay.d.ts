import { ArcoflowError } from "./index.js";

/** Something wrong with a manifest: its rule, the place, a sentence, and what to do instead. */
export interface Finding {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
  readonly hint: string;
}

/** A line that is no record of the ledger (`ledger.broken`), or a manifest that is none (the code of its first finding). */
export class ReplayError extends ArcoflowError {
  /** The record that breaks the ledger. */
  readonly seq?: number;
  /** Everything that is wrong with a manifest. */
  readonly findings?: readonly Finding[];
}

/** A run as its records leave it; without a state when its manifest was not given before its first record. */
export interface ReplayedRun {
  readonly runId: string;
  /** The address of the manifest that it is planned from. */
  readonly manifest: string;
  readonly state: string | null;
  /** Equal to the `stateFingerprint` that a door shows after the same records. */
  readonly stateFingerprint: string | null;
}

/** What a ledger comes to. */
export interface Replayed {
  /** How many records hold. */
  readonly records: number;
  /** The chain value after them, 64 hex digits. */
  readonly head: string;
  /** Records of a kind that this version does not know: they hold, and change no state. */
  readonly unknownKinds: number;
  readonly runs: readonly ReplayedRun[];
}

/** A replay from the first record on. */
export class Replay {
  /** Takes the compiled module of `arcoflow/replay.wasm`. */
  constructor(module: WebAssembly.Module);
  /** Takes a manifest, in the bytes that its address is about, before the first run under it. Throws {@link ReplayError}. */
  manifest(content: Uint8Array | string): void;
  /** Takes the next line of `arcoflow ledger export`, without its end. Throws {@link ReplayError}, and stays before the line. */
  line(line: Uint8Array | string): void;
  result(): Replayed;
}
