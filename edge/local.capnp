# The edge on this machine: workerd, which is what Cloudflare runs, over a directory of SQLite files.
#
#   workerd serve edge/local.capnp --socket-addr http=127.0.0.1:8787 --directory-path ledgers=DIRECTORY
#
# ARCOFLOW_KEYRING and ARCOFLOW_BASE_URL come from the environment.

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
    (name = "worker.js", esModule = embed "built/worker.js"),
    (name = "ledger.js", esModule = embed "built/ledger.js"),
    (name = "isolate.js", esModule = embed "built/isolate.js"),
    (name = "exchange.js", esModule = embed "built/exchange.js"),
    (name = "shards.js", esModule = embed "built/shards.js"),
    (name = "storage.js", esModule = embed "built/storage.js"),
    (name = "arcoflow_edge.js", esModule = embed "built/arcoflow_edge.js"),
    (name = "arcoflow_edge_bg.wasm", wasm = embed "built/arcoflow_edge_bg.wasm"),
  ],
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["enable_request_signal"],
  durableObjectNamespaces = [ (className = "Ledger", uniqueKey = "arcoflow-ledger", enableSql = true) ],
  durableObjectStorage = (localDisk = "ledgers"),
  bindings = [
    (name = "LEDGER", durableObjectNamespace = "Ledger"),
    (name = "ARCOFLOW_KEYRING", fromEnvironment = "ARCOFLOW_KEYRING"),
    (name = "ARCOFLOW_BASE_URL", fromEnvironment = "ARCOFLOW_BASE_URL"),
  ],
);
