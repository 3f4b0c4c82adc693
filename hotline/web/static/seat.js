// The agent's page, quicker than its plain forms: calls come by themselves, what is typed is kept every few seconds, what is
// known about it appears beside it, and keys that no browser uses do the rest: F2 take a call, F4 answer, F8 join, F9 save.
"use strict";

(() => {
  const form = document.getElementById("intake");
  const strip = document.getElementById("calls");
  const advice = document.getElementById("advice-list");
  const kept = document.getElementById("kept");
  if (!form || !strip) return;
  const touched = new Set();
  const values = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));

  // --- calls: asked for when something changed, and every few seconds while the line for that is lost
  let polling = 0;
  async function showCalls() {
    try {
      const answer = await fetch(`/intake/calls?call=${encodeURIComponent(strip.dataset.call)}`);
      if (!answer.ok) return;
      const text = await answer.text();
      const held = document.activeElement && strip.contains(document.activeElement) && document.activeElement.value;
      strip.innerHTML = text;
      const again = held && strip.querySelector(`button[value="${CSS.escape(held)}"]`);
      if (again) again.focus();
    } catch {
      // Asked again soon.
    }
  }
  for (const name of ["call", "anew", "found"]) document.addEventListener(`live:${name}`, showCalls);
  document.addEventListener("live:lost", () => {
    clearInterval(polling);
    polling = setInterval(showCalls, 4000);
  });
  document.addEventListener("live:found", () => clearInterval(polling));
  setInterval(() => {
    for (const one of strip.querySelectorAll(".elapsed")) {
      const seconds = Number(one.dataset.seconds) + 1;
      one.dataset.seconds = seconds;
      one.textContent = `${one.textContent.split(" ")[0]} ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    }
  }, 1000);

  // --- the draft: kept when something changed, and at least every ten seconds of a call, so that nobody relieves us
  let saved = values().toString();
  let keptAt = Date.now();
  let mine = true;
  let sending = false;
  async function keep() {
    const now = values();
    const isCall = now.get("outside_id").startsWith("call-");
    const changed = now.toString() !== saved;
    if (!mine || sending || form.dataset.sent || !(changed || (isCall && Date.now() - keptAt > 10000))) return;
    sending = true;
    try {
      const answer = await fetch("/intake/draft", { method: "POST", body: now });
      if (answer.ok) {
        saved = now.toString();
        keptAt = Date.now();
        dirty = false;
        if (changed) kept.textContent = `${kept.dataset.kept} ${new Date().toLocaleTimeString("zh-CN", { hour12: false })}`;
      } else if (answer.status === 409) {
        mine = false;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        kept.textContent = page.querySelector(".alert").textContent;
        kept.className = "alert";
      }
    } catch {
      // The next turn tries again.
    }
    sending = false;
  }
  setInterval(keep, 3000);

  // --- what is known about the words
  let timer = 0;
  let asked = "";
  async function advise() {
    const now = values();
    const looked = ["text", "title", "place", "category", "type", "area", "owner", "confidential", "reported"];
    const about = looked.map((name) => now.get(name) || "").join("\n");
    if (about === asked) return;
    asked = about;
    try {
      const answer = await fetch("/intake/advice", { method: "POST", body: now });
      if (!answer.ok || about !== asked) return;
      advice.innerHTML = await answer.text();
      showAdvice();
    } catch {
      // The form works without.
    }
  }
  function showAdvice() {
    for (const button of advice.querySelectorAll(".use-answer")) button.hidden = false;
    for (const one of advice.querySelectorAll("[data-fill]")) fill(one.dataset.fill, one.dataset.value);
  }
  // Only what the agent has not touched is filled in, and only while it is empty or was filled by us.
  function fill(name, value) {
    const field = form.elements[name];
    if (!field || touched.has(name) || !value) return;
    if (field.value !== value) {
      field.value = value;
      if (field.value !== value) return;
    }
    const box = (field.length && !field.tagName ? field[0] : field).closest(".field");
    if (box) box.classList.add("filled");
  }
  form.addEventListener("input", (event) => {
    if (event.isTrusted && event.target.name) {
      touched.add(event.target.name);
      const box = event.target.closest(".field");
      if (box) box.classList.remove("filled");
    }
    clearTimeout(timer);
    timer = setTimeout(advise, 400);
  });
  // To click what is chosen already is a choice, too, though no input event tells of it.
  form.addEventListener("click", (event) => {
    if (event.isTrusted && event.target.type === "radio") touched.add(event.target.name);
  });
  advice.addEventListener("click", (event) => {
    const button = event.target.closest(".use-answer");
    if (button) {
      event.preventDefault();
      answerWith(button);
    }
    const kind = event.target.closest(".kind");
    if (kind) {
      touched.add("category");
      form.elements.category.value = kind.dataset.value;
      form.elements.category.focus();
      advise();
    }
  });
  // An answer of the knowledge comes with the name of its version, which the ticket keeps; one that was emptied names none.
  const answer = form.elements.answer;
  const used = form.elements.knowledge;
  const from = document.getElementById("answer-from");
  let inserted = "";
  function refer(name) {
    used.value = name;
    from.hidden = !name;
    from.textContent = `${from.dataset.from} ${name}`;
  }
  function answerWith(button) {
    document.getElementById("answer-now").open = true;
    if (button) {
      inserted = answer.value = button.dataset.text;
      refer(button.dataset.knowledge || "");
    }
    answer.focus();
  }
  // The first answer that fits; pressed again, before anything of it was changed, the next one.
  function nextAnswer() {
    const all = [...advice.querySelectorAll(".use-answer")];
    if (!answer.value) return all[0];
    if (answer.value !== inserted) return null;
    return all[(all.findIndex((one) => one.dataset.text === inserted) + 1) % (all.length || 1)];
  }
  answer.addEventListener("input", () => {
    if (!answer.value.trim()) refer("");
  });
  showAdvice();

  // A field that is wrong has the page's own focus.
  const wrong = form.querySelector("[aria-invalid]");
  if (!wrong && strip.dataset.call && form.elements.phone.value) form.elements.text.focus();

  // --- keys
  const keys = {
    F2: () => strip.querySelector("button.take"),
    F8: () => document.querySelector('button[name="join"]'),
    F9: () => document.getElementById("save"),
  };
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || event.shiftKey || event.isComposing) return;
    if (event.ctrlKey && event.key === "Enter" && form.contains(event.target)) {
      event.preventDefault();
      document.getElementById("save").click();
    }
    if (event.ctrlKey) return;
    if (event.key === "F4") {
      event.preventDefault();
      answerWith(nextAnswer());
    } else if (keys[event.key]) {
      event.preventDefault();
      const button = keys[event.key]();
      if (button) button.click();
    }
  });
})();
