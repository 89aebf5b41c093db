// Answers in a page.

import { answerAll } from "./answer.js";

const send = (place, body) => fetch(place, { method: "POST", body });

try {
  const questions = await (await fetch("/questions")).text();
  await send("/answers", answerAll(questions));
} catch (error) {
  await send("/failed", `${error.stack ?? error}`);
}
