// Small helps for pages that work without them: earlier tickets while typing a number, no double submit,
// the form that an address names opened, and a word before typed text is left.
"use strict";

function onSubmitOnce(event) {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") {
    form.dataset.sent = "yes";
    dirty = false;
  }
}

let dirty = false;
document.addEventListener("submit", onSubmitOnce);
// A page that comes back from the browser's memory may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});
document.addEventListener("input", (event) => {
  if (event.target.tagName === "TEXTAREA") dirty = true;
});
window.addEventListener("beforeunload", (event) => {
  if (dirty) event.preventDefault();
});

function openNamed() {
  const named = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!named || named.tagName !== "DETAILS") return;
  for (let one = named; one; one = one.parentElement.closest("details")) one.open = true;
  const first = named.querySelector("input:not([type=hidden]), select, textarea");
  if (first) first.focus();
}
window.addEventListener("hashchange", openNamed);
openNamed();

// A candidate fills the form in place; without this the link asks for the page with the form filled.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.fill");
  const named = link && document.getElementById(link.hash.slice(1));
  if (!named) return;
  const fields = named.querySelector("form").elements;
  fields.lead.value = link.dataset.lead;
  if (fields.category) fields.category.value = link.dataset.category;
  named.open = true;
  named.querySelector("button").focus();
  event.preventDefault();
});

const intake = document.getElementById("intake");
if (intake) {
  const phone = intake.elements.phone;
  const list = document.getElementById("earlier-list");
  let timer = 0;
  let asked = phone.value;
  phone.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(lookUp, 250);
  });
  async function lookUp() {
    const digits = phone.value.replace(/\D/g, "");
    if (digits.length < 7 || phone.value === asked) return;
    asked = phone.value;
    const body = new URLSearchParams({ csrf: intake.elements.csrf.value, phone: asked });
    try {
      const answer = await fetch("/intake/earlier", { method: "POST", body });
      if (answer.ok && phone.value === asked) list.innerHTML = await answer.text();
    } catch {
      // The button beside the number asks the same without a script.
    }
  }
}
