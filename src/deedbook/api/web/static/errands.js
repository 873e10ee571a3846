// What is done at a desk without a signature: a notice is published, and the links to hand out are made of it.
"use strict";

import { ask, asked, tell } from "./page.js";
import { canonical, digestOfText, nested, saidBy } from "./saying.js";
import { Stop } from "./wallet.js";

const ENTRIES = { unauthenticated: "session_over" };
const COMMITMENT = /^0x[0-9a-f]{64}$/;
const ERRANDS = { notice };

// Does what a form is for, and shows what came of it in the form's own box.
export async function run(form) {
  if (!form.reportValidity()) return tell(null);
  const box = form.querySelector(".outcome-box");
  box.hidden = true;
  tell("sending");
  const said = nested([...form.elements].filter(({ name }) => name).flatMap(saidBy));
  const found = await ERRANDS[form.dataset.errand](said, form);
  for (const each of box.querySelectorAll("[data-found]")) each.textContent = found[each.dataset.found];
  tell(null);
  box.hidden = false;
  box.focus();
}

// Publishes a notice; a link for each record that is named by its commitment.
async function notice({ notice, records, ...link }) {
  for (const each of records) if (!COMMITMENT.test(each)) throw new Stop("unclear", { line: each.slice(0, 60) });
  const { hash } = await ask("POST", "/documents?kind=notice", notice, { entries: ENTRIES });
  if (hash !== (await digestOfText(canonical(notice)))) throw new Stop("other_document");
  const links = records.map((record) => {
    const query = new URLSearchParams({ ...link, notice: hash, controller: asked.account, record });
    return `${location.origin}${asked.root}/consents/new?${query}`;
  });
  return { hash, links: links.join("\n") };
}
