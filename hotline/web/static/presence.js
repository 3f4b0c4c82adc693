// Says every few seconds that this ticket is open here, and whether somebody is writing; shows who else is. A page that is
// closed or hidden says so at once, one whose browser is gone is forgotten by the server.
"use strict";

(() => {
  const place = document.getElementById("presence");
  const csrf = document.querySelector('input[name="csrf"]');
  if (!place || !csrf || !window.fetch) return;
  const address = `/tickets/${place.dataset.ticket}/presence`;
  const tab = [...crypto.getRandomValues(new Uint8Array(12))].map((one) => one.toString(16).padStart(2, "0")).join("");
  let typedAt = 0;
  let told = false;
  let asking = false;

  const isWriting = () => Date.now() - typedAt < 20000;
  const facts = (more) => new URLSearchParams({ csrf: csrf.value, tab, ...more });

  async function beat() {
    if (document.hidden || asking) return;
    asking = true;
    told = isWriting();
    try {
      const answer = await fetch(address, { method: "POST", body: facts(told ? { writing: "on" } : {}) });
      const text = answer.ok ? (await answer.text()).trim() : "";
      if (place.innerHTML.trim() !== text) place.innerHTML = text;
    } catch {
      place.textContent = "";
    }
    asking = false;
  }

  function leave() {
    navigator.sendBeacon(address, facts({ gone: "on" }));
  }

  document.addEventListener("input", (event) => {
    if (!event.isTrusted || !event.target.closest("form.act")) return;
    typedAt = Date.now();
    if (!told) beat();
  });
  document.addEventListener("live:presence", (event) => {
    if (event.detail.id === place.dataset.ticket) setTimeout(beat, 100);
  });
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : beat()));
  window.addEventListener("pagehide", leave);
  setInterval(beat, 8000);
  beat();
})();
