export * from "./index.js";

/** Starts the core from the compiled module of `arcoflow/core.wasm`; nothing else may be called before. */
export function initSync(module: WebAssembly.Module): void;
