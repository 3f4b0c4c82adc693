// A board that stays fresh: when live.js hears of a change, the part of the page marked data-live-board is fetched anew, a few
// seconds later and never while somebody is typing in it. Without scripts the page is as fresh as its last loading.
"use strict";

(() => {
  const part = () => document.querySelector("[data-live-board]");
  if (!part() || !window.fetch) return;
  let waiting = 0, missed = false;

  async function refresh() {
    waiting = 0;
    const old = part();
    if (old.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return soon();
    try {
      const answer = await fetch(location.href);
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-live-board]");
      if (!fresh || fresh.innerHTML === old.innerHTML) return;
      const held = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      old.replaceWith(fresh);
      const again = held && [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === held);
      if (again) again.focus({ preventScroll: true });
    } catch {
      // live.js says that the line is lost; the next change tries again.
    }
  }

  function soon() {
    missed = document.hidden;
    if (!waiting && !missed) waiting = setTimeout(refresh, 3000);
  }

  // What changed while nobody looked is fetched as soon as somebody does.
  document.addEventListener("visibilitychange", () => { if (missed) soon(); });

  for (const name of ["ticket", "notice", "anew"]) document.addEventListener(`live:${name}`, soon);
})();
