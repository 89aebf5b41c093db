// Shows what a ledger comes to: one that is dropped or chosen with its manifests, or named in the address as `?ledger=URL&manifest=URL`.

import { verify } from "./ledger.js";

/** So many runs are shown, newest first. */
const SHOWN = 500;

const drop = document.getElementById("drop");
const verdict = document.getElementById("verdict");
const runs = document.getElementById("runs");
const module = WebAssembly.compileStreaming(fetch("/dist/replay.wasm"));

drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  look(chosen(event.dataTransfer.files));
});
document.getElementById("file").addEventListener("change", (event) => look(chosen(event.target.files)));

const address = new URL(location.href).searchParams;
if (address.has("ledger")) look(named(address.get("ledger"), address.getAll("manifest")));

/** The ledger among some files, and the manifests, which are the others. */
async function chosen(files) {
  const [ledgers, manifests] = [[], []];
  for (const file of files) (file.name.endsWith(".jsonl") ? ledgers : manifests).push(file);
  if (ledgers.length !== 1) throw new Error(`one file that ends in .jsonl is wanted, and ${ledgers.length} were given`);
  const bytes = async (file) => new Uint8Array(await file.arrayBuffer());
  return [await bytes(ledgers[0]), await Promise.all(manifests.map(bytes))];
}

async function named(ledger, manifests) {
  const bytes = async (url) => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${answer.status} for ${url}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
  return [await bytes(ledger), await Promise.all(manifests.map(bytes))];
}

async function look(files) {
  runs.replaceChildren();
  try {
    const [ledger, manifests] = await files;
    const progress = (seq, of) => tell("reads", `${seq.toLocaleString("en")} of ${of.toLocaleString("en")} records hold …`, []);
    show(await verify(await module, ledger, manifests, progress));
  } catch (error) {
    tell("failed", `This cannot be verified: ${error.message}`, []);
  }
}

function show(result) {
  const { records, head, unknownKinds, broken } = result;
  const rows = [["head", head], ["runs", replayed(result.runs)]];
  if (unknownKinds > 0) rows.push(["unknown", `${counted(unknownKinds, "record")} of a kind that this version does not know`]);
  if (broken === null) {
    tell("holds", `✓ ${counted(records, "record")}, and every one holds`, rows);
  } else {
    const why = [["why", broken.sentence], ["hold", `the ${counted(records, "record")} before it`]];
    tell("broken", `✗ Record ${broken.seq.toLocaleString("en")} breaks the chain`, [...why, ...rows]);
  }
  list(result.runs);
}

function replayed(all) {
  const unknown = all.filter((run) => run.stateFingerprint === null).length;
  if (unknown === 0) return `${counted(all.length, "run")} replayed`;
  return `${counted(all.length - unknown, "run")} replayed; ${counted(unknown, "run")} not, because the manifests are missing`;
}

/** The states beside which anyone can hold those that a door shows. */
function list(all) {
  const newest = all.slice(-SHOWN).reverse();
  if (newest.length === 0) return;
  const row = (kind, cells) => {
    const line = document.createElement("tr");
    line.append(...cells.map((textContent) => Object.assign(document.createElement(kind), { textContent })));
    return line;
  };
  const head = row("th", ["run", "state", "state fingerprint"]);
  const lines = newest.map((run) => row("td", [run.runId, run.state ?? "unknown", run.stateFingerprint ?? `needs ${run.manifest}`]));
  runs.replaceChildren(head, ...lines);
  if (all.length > SHOWN) runs.append(row("td", [`and ${counted(all.length - SHOWN, "run")} before these`]));
}

function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function tell(state, sentence, rows) {
  const strong = Object.assign(document.createElement("strong"), { textContent: sentence });
  const terms = document.createElement("dl");
  for (const [name, value] of rows) {
    terms.append(
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }),
    );
  }
  verdict.replaceChildren(strong, terms);
  verdict.dataset.state = state;
}
