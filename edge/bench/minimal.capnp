# The peer of the benchmark, over a directory of its own.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "minimal", worker = .minimal),
    (name = "facts", disk = (writable = true)),
  ],
  sockets = [ (name = "http", http = (), service = "minimal") ],
);

const minimal :Workerd.Worker = (
  modules = [ (name = "minimal.js", esModule = embed "minimal.js") ],
  compatibilityDate = "2026-10-01",
  durableObjectNamespaces = [ (className = "Minimal", uniqueKey = "minimal", enableSql = true) ],
  durableObjectStorage = (localDisk = "facts"),
  bindings = [ (name = "MINIMAL", durableObjectNamespace = "Minimal") ],
);
