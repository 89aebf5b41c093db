# The built edge on workerd, behind the module that gives it the clock of a story.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "ledgers", disk = (writable = true)),
  ],
  sockets = [ (name = "http", http = (), service = "edge") ],
);

const edge :Workerd.Worker = (
  modules = [
    (name = "story.js", esModule = embed "story.js"),
    (name = "worker.js", esModule = embed "../../../edge/built/worker.js"),
    (name = "ledger.js", esModule = embed "../../../edge/built/ledger.js"),
    (name = "isolate.js", esModule = embed "../../../edge/built/isolate.js"),
    (name = "exchange.js", esModule = embed "../../../edge/built/exchange.js"),
    (name = "shards.js", esModule = embed "../../../edge/built/shards.js"),
    (name = "storage.js", esModule = embed "../../../edge/built/storage.js"),
    (name = "arcoflow_edge.js", esModule = embed "../../../edge/built/arcoflow_edge.js"),
    (name = "arcoflow_edge_bg.wasm", wasm = embed "../../../edge/built/arcoflow_edge_bg.wasm"),
  ],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["enable_request_signal"],
  durableObjectNamespaces = [ (className = "Ledger", uniqueKey = "arcoflow-story", enableSql = true) ],
  durableObjectStorage = (localDisk = "ledgers"),
  bindings = [
    (name = "LEDGER", durableObjectNamespace = "Ledger"),
    (name = "ARCOFLOW_KEYRING", fromEnvironment = "ARCOFLOW_KEYRING"),
    (name = "ARCOFLOW_BASE_URL", fromEnvironment = "ARCOFLOW_BASE_URL"),
  ],
);
