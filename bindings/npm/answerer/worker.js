// Answers on workerd.

import { answerAll } from "./answer.js";

export default {
  async fetch(request) {
    return new Response(answerAll(await request.text()));
  },
};
