// Choosing many lines by keyboard: arrows move between the boxes, the space bar chooses, Shift with an arrow or a click chooses
// all between. Without this script every box works by itself.
"use strict";

(() => {
  const form = document.getElementById("bulk");
  if (!form) return;
  const boxes = [...form.querySelectorAll('input[name="ticket"]')];
  const all = document.getElementById("bulk-all");
  const count = document.getElementById("bulk-count");
  let last = null;
  all.closest("[hidden]").hidden = false;

  function show() {
    const chosen = boxes.filter((one) => one.checked).length;
    count.textContent = count.dataset.text.replace("{n}", chosen);
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }

  function choose(from, to, checked) {
    const [first, end] = [boxes.indexOf(from), boxes.indexOf(to)].sort((a, b) => a - b);
    for (const one of boxes.slice(first, end + 1)) one.checked = checked;
    show();
  }

  form.addEventListener("click", (event) => {
    if (!boxes.includes(event.target)) return;
    if (event.shiftKey && last) choose(last, event.target, event.target.checked);
    last = event.target;
  });
  form.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const next = step && boxes[boxes.indexOf(event.target) + step];
    if (!boxes.includes(event.target) || !step) return;
    event.preventDefault();
    if (!next) return;
    if (event.shiftKey) choose(event.target, next, true);
    next.focus();
    last = next;
  });
  form.addEventListener("change", show);
  all.addEventListener("change", () => {
    for (const one of boxes) one.checked = all.checked;
    show();
  });
  show();
})();
