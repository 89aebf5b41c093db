// Shows what a ledger comes to: one that is dropped, chosen, or named in the address as `?ledger=URL`.

import { verify } from "./ledger.js";

const drop = document.getElementById("drop");
const verdict = document.getElementById("verdict");

drop.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
drop.addEventListener("dragleave", () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (event.dataTransfer.files.length > 0) look(event.dataTransfer.files[0].text());
});
document.getElementById("file").addEventListener("change", (event) => {
  if (event.target.files.length > 0) look(event.target.files[0].text());
});

const address = new URL(location.href).searchParams.get("ledger");
if (address !== null) look(fetch(address).then((answer) => (answer.ok ? answer.text() : Promise.reject(new Error(`${answer.status} for ${address}`)))));

async function look(text) {
  try {
    const progress = (seq, of) => tell("reads", `${seq.toLocaleString("en")} of ${of.toLocaleString("en")} records hold …`, []);
    show(await verify(await text, progress));
  } catch (error) {
    tell("failed", `The file cannot be read: ${error.message}`, []);
  }
}

function show({ records, head, broken }) {
  const count = `${records.toLocaleString("en")} ${records === 1 ? "record" : "records"}`;
  if (broken === null) return tell("holds", `✓ ${count}, and every one holds`, [["head", head]]);
  const why = broken.sentence;
  tell("broken", `✗ Record ${broken.seq.toLocaleString("en")} breaks the chain`, [["why", why], ["hold", `the ${count} before it`], ["head", head]]);
}

function tell(state, sentence, rows) {
  const strong = Object.assign(document.createElement("strong"), { textContent: sentence });
  const list = document.createElement("dl");
  for (const [name, value] of rows) {
    list.append(
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }),
    );
  }
  verdict.replaceChildren(strong, list);
  verdict.dataset.state = state;
}
