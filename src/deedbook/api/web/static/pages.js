// What the pages do where scripts run: copy a name at the press of a button. Everything else works without.
"use strict";

(() => {
  const told = document.getElementById("told");

  const show = (within) => {
    for (const button of within.querySelectorAll("button.copy")) button.hidden = !navigator.clipboard;
  };

  document.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("button.copy") : null;
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    button.dataset.done = "";
    told.textContent = document.body.dataset.copied;
    setTimeout(() => {
      delete button.dataset.done;
      told.textContent = "";
    }, 2000);
  });

  document.addEventListener("htmx:load", (event) => show(event.target));
  show(document);
})();
