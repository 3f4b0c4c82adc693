// The follow-up page by keyboard, with keys that no browser uses: F2 nobody answered, F8 not satisfied, to be done again, F9 save.
"use strict";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey || event.isComposing) return;
  const button = { F2: 'button[value="no_answer"]', F8: 'button[value="redo"]', F9: "button:not([name])" }[event.key];
  const inputs = [...document.querySelectorAll('form.act > input[name="action"][value="visit"]')];
  if (!button || !inputs.length) return;
  event.preventDefault();
  const open = inputs.find((one) => one.form.parentElement.open) || inputs[0];
  open.form.parentElement.open = true;
  open.form.querySelector(button).click();
});
